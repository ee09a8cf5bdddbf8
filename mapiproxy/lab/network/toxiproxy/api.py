"""HTTP in front of the proxies, as Toxiproxy's clients expect it: paths, status codes, bodies.

A browser must not be made to use it by a page of somebody else (DNS rebinding): requests that a browser
sends are refused, and so are those for a host name, unless the API was meant to be reached from elsewhere.
"""

from __future__ import annotations

import json
import re
from collections.abc import Awaitable, Callable, Mapping
from typing import Any
from urllib.parse import unquote

from twisted.internet.defer import Deferred
from twisted.logger import Logger
from twisted.web.http import Request
from twisted.web.resource import IResource
from twisted.web.server import NOT_DONE_YET
from zope.interface import implementer

from mapiproxy import __version__
from mapiproxy.lab.network.addresses import is_loopback, show
from mapiproxy.lab.network.toxiproxy.errors import ApiError, bad_body
from mapiproxy.lab.network.toxiproxy.proxies import Proxies

#: What is spoken here; clients look for the number of the release whose API it is.
API_VERSION = "2.9.0"
#: A body beyond this is no order.
LONGEST_BODY = 1024 * 1024

_HOST = re.compile(r"(\[[^\]]*\]|[^:]*)(?::\d+)?")

Answer = tuple[int, Any]


@implementer(IResource)
class Api:
    """A leaf of twisted.web that routes by itself.

    :param guarded: refuse names of hosts other than this machine's.
    """

    isLeaf = True
    _log = Logger()

    def __init__(self, proxies: Proxies, *, guarded: bool = True) -> None:
        self._proxies = proxies
        self._guarded = guarded

    def getChildWithDefault(self, name: bytes, request: Request) -> Api:
        return self

    def putChild(self, path: bytes, child: IResource) -> None:
        raise NotImplementedError("there is nothing below")

    def render(self, request: Request) -> int:
        """Answer, perhaps later."""
        done = Deferred.fromCoroutine(self._render(request))
        done.addErrback(lambda failure: self._log.failure("while {what}", failure, what=request.path))
        return NOT_DONE_YET

    async def _render(self, request: Request) -> None:
        gone: list[object] = []
        request.notifyFinish().addErrback(gone.append)
        try:
            self._guard(request)
            status, body = await self._route(request)
        except ApiError as error:
            status, body = error.status, error.plain()
        except Exception as error:
            # A client waits for an answer, whatever has gone wrong; the log has the rest.
            self._log.failure("the API failed")
            status, body = 500, ApiError(type(error).__name__, 500).plain()
        if gone:
            return
        request.setResponseCode(status)
        if isinstance(body, str):
            request.setHeader(b"Content-Type", b"text/plain; version=0.0.4; charset=utf-8")
            request.write(body.encode())
        elif body is not None:
            request.setHeader(b"Content-Type", b"application/json")
            request.write(json.dumps(body).encode())
        request.finish()

    def _guard(self, request: Request) -> None:
        agent = request.getHeader("user-agent") or ""
        if agent.startswith("Mozilla/"):
            raise ApiError("User agent not allowed", 403)
        host = _HOST.fullmatch(request.getHeader("host") or "")
        if self._guarded and (host is None or not is_loopback(host[1].strip("[]"))):
            raise ApiError("Host not allowed", 403)

    async def _route(self, request: Request) -> Answer:
        parts = [unquote(part) for part in request.path.decode("latin-1").strip("/").split("/")]
        method = request.method.decode("latin-1")
        for names, methods in self._paths():
            if len(names) == len(parts) and all(
                name in ("*", part) for name, part in zip(names, parts, strict=True)
            ):
                if method not in methods:
                    raise ApiError("Method not allowed", 405)
                values = [part for name, part in zip(names, parts, strict=True) if name == "*"]
                return await methods[method](request, *values)
        raise ApiError("404 page not found", 404)

    def _paths(self) -> list[tuple[tuple[str, ...], Mapping[str, Callable[..., Awaitable[Answer]]]]]:
        return [
            (("proxies",), {"GET": self._list, "POST": self._create}),
            (("proxies", "*"), {"GET": self._show, "POST": self._update, "PATCH": self._update,
                                "DELETE": self._delete}),
            (("proxies", "*", "toxics"), {"GET": self._toxics, "POST": self._add_toxic}),
            (("proxies", "*", "toxics", "*"), {"GET": self._toxic, "POST": self._change_toxic,
                                               "PATCH": self._change_toxic, "DELETE": self._remove_toxic}),
            (("populate",), {"POST": self._populate}),
            (("reset",), {"POST": self._reset}),
            (("version",), {"GET": self._version}),
            (("metrics",), {"GET": self._metrics}),
        ]  # fmt: skip

    async def _list(self, request: Request) -> Answer:
        return 200, {proxy.name: proxy.plain() for proxy in self._proxies}

    async def _create(self, request: Request) -> Answer:
        return 201, (await self._proxies.create(_object(request))).plain()

    async def _show(self, request: Request, name: str) -> Answer:
        return 200, self._proxies.get(name).plain()

    async def _update(self, request: Request, name: str) -> Answer:
        return 200, (await self._proxies.update(name, _object(request))).plain()

    async def _delete(self, request: Request, name: str) -> Answer:
        await self._proxies.delete(name)
        return 204, None

    async def _toxics(self, request: Request, name: str) -> Answer:
        return 200, self._proxies.get(name).plain()["toxics"]

    async def _add_toxic(self, request: Request, name: str) -> Answer:
        return 200, self._proxies.get(name).add(_object(request)).plain()

    async def _toxic(self, request: Request, name: str, toxic: str) -> Answer:
        return 200, self._proxies.get(name).toxic(toxic).plain()

    async def _change_toxic(self, request: Request, name: str, toxic: str) -> Answer:
        return 200, self._proxies.get(name).change(toxic, _object(request)).plain()

    async def _remove_toxic(self, request: Request, name: str, toxic: str) -> Answer:
        self._proxies.get(name).remove(toxic)
        return 204, None

    async def _populate(self, request: Request) -> Answer:
        made = await self._proxies.populate(_json(request))
        return 201, {"proxies": [proxy.plain() for proxy in made]}

    async def _reset(self, request: Request) -> Answer:
        await self._proxies.reset()
        return 204, None

    async def _version(self, request: Request) -> Answer:
        return 200, {"version": API_VERSION, "mapiproxy": __version__}

    async def _metrics(self, request: Request) -> Answer:
        lines = [
            "# HELP toxiproxy_proxy_sent_bytes_total Bytes that were passed on.",
            "# TYPE toxiproxy_proxy_sent_bytes_total counter",
        ]
        for proxy in self._proxies:
            for direction, count in zip(("upstream", "downstream"), proxy.count(), strict=True):
                labels = {
                    "direction": direction, "listener": show(proxy.listen), "proxy": proxy.name,
                    "upstream": show(proxy.upstream),
                }  # fmt: skip
                shown = ",".join(f"{name}={json.dumps(value)}" for name, value in labels.items())
                lines.append(f"toxiproxy_proxy_sent_bytes_total{{{shown}}} {count}")
        return 200, "\n".join(lines) + "\n"


def _json(request: Request) -> object:
    raw = request.content.read(LONGEST_BODY + 1) if request.content is not None else b""
    if len(raw) > LONGEST_BODY:
        raise bad_body("it is too long")
    try:
        return json.loads(raw)
    except ValueError as error:
        raise bad_body(str(error)) from None
    except RecursionError:
        raise bad_body("it is nested too deeply") from None


def _object(request: Request) -> Mapping[str, Any]:
    given = _json(request)
    if not isinstance(given, dict):
        raise bad_body("write an object")
    return given
