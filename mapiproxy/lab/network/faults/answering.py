"""Answers in place of the server: what every fault that speaks for it has in common.

Before the server has heard of the request; or, with *executed*, after it has carried it out, so that a
client's repeat is a second execution (reference M3).
"""

from __future__ import annotations

import html
from collections.abc import Iterable
from typing import ClassVar

from attrs import define, frozen

from mapiproxy.lab.network.faults.base import At, Due, Fault, State, leaves
from mapiproxy.lab.network.pieces import Arrival, Direction, Exchange, Piece, Place, Reply

_REASONS = {
    200: "OK", 302: "Found", 401: "Unauthorized", 403: "Forbidden", 404: "Not Found",
    405: "Method Not Allowed", 413: "Content Too Large", 440: "Login Time-out",
    500: "Internal Server Error", 502: "Bad Gateway", 503: "Service Unavailable", 504: "Gateway Timeout",
}  # fmt: skip

Headers = Iterable[tuple[str, str]]


def answer(
    status: int, text: str, headers: Headers = (), *, method: bytes = b"POST", content_type: str = "text/html"
) -> bytes:
    """A whole answer; *text* is its body."""
    body = text.encode()
    lines = [f"HTTP/1.1 {status} {_REASONS.get(status, 'Fault')}"]
    lines += [f"{name}: {value}" for name, value in headers]
    lines += [f"Content-Type: {content_type}", f"Content-Length: {len(body)}"]
    head = "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n"
    return head if method == b"HEAD" else head + body


def page(title: str, text: str) -> str:
    """A small page, as such devices show them."""
    title, text = html.escape(title), html.escape(text)
    return f"<html><head><title>{title}</title></head><body><h1>{title}</h1><p>{text}</p></body></html>"


@define
class Speaking(State):
    """What has been taken over: the request that is answered here, or the answer that is replaced."""

    of: Exchange | None = None
    raw: bytes = b""


@frozen
class Answers(Fault):
    """A fault that answers requests itself; a subclass says what, ``None`` leaves it to the server."""

    direction: ClassVar[Direction] = Direction.TO_SERVER
    directions: ClassVar[tuple[Direction, ...]] = (Direction.TO_SERVER,)
    per_request: ClassVar[bool] = True
    at_phases: ClassVar[bool] = False
    finishes: ClassVar[bool] = True

    def begin(self) -> Speaking:
        return Speaking()

    def answer(self, exchange: Exchange, at: At) -> bytes | None:
        """The whole answer."""
        raise NotImplementedError

    def take(self, state: Speaking, item: Arrival, at: At) -> Iterable[Due]:
        if not isinstance(item, Piece):
            return leaves(item, at)
        place, exchange = item.place, item.place.exchange
        if place.head and exchange is not None:
            raw = self.answer(exchange, at)
            if raw is None:
                return leaves(item, at)
            state.caught = True
            state.of, state.raw = exchange, raw
            if place.phase == "before_answer":
                return _instead(item, exchange, raw, at)
            if exchange.head.expects_continue:
                # The client waits for a word before it sends its body, and then will not send it.
                return ((at.now, Reply(exchange, raw, close=True)),)
            return ()
        if exchange is None or exchange is not state.of:
            return leaves(item, at)
        if not place.last:
            return ()
        state.caught, state.of = False, None
        if place.phase == "idle":
            return leaves(item, at)
        if exchange.head.expects_continue:
            return ()
        return ((at.now, Reply(exchange, state.raw)),)


def _instead(item: Piece, exchange: Exchange, raw: bytes, at: At) -> Iterable[Due]:
    """Another answer instead of the one whose head *item* is."""
    exchange.chunked = False
    end = raw.index(b"\r\n\r\n") + 4
    body = Piece(raw[end:], Place(item.place.connection, "", exchange), raw[end:])
    return ((at.now, Piece(raw[:end], item.place)), (at.now, body))


def refusal(exchange: Exchange, status: int, text: str) -> bytes:
    """A firewall's page."""
    return answer(status, page("Request blocked", text), method=exchange.head.method)


def cut_off(exchange: Exchange, raw: bytes, at: At) -> tuple[Due, ...]:
    """Answer although the server has heard a part of the request."""
    return ((at.now, Reply(exchange, raw, close=True, begun=True)),)


