"""A status page without a proxy: replies as a proxy gives them, and requests as a browser sends them."""

from __future__ import annotations

import math
import random
import re
from typing import Any
from urllib.parse import urlencode

from support.orders import DOWN, SERVER, SESSION, STATUS
from twisted.internet.defer import Deferred, succeed

from mapiproxy.admin.access import Tokens
from mapiproxy.admin.door import make_views
from mapiproxy.admin.gate import Gate, Keys
from mapiproxy.admin.message import Answer, Asked
from mapiproxy.admin.routes import Routes

TOKEN = "a-token-of-sixteen-letters-or-more"

EP = (
    "EP mismatch: listener leaf 9f3a.. != EXCH2 leaf 41c0..; "
    "Extended Protection would reject NTLM (0xC000035B)"
)
VDIRS = ("mapi", "rpc", "ews", "autodiscover", "oab", "owa", "ecp", "microsoft-server-activesync")
#: Strings that somebody may send as mailbox, user, build or anything else.
HOSTILE = '<script>alert("1")</script>\u202egpj.exe\u0000\x1b[31m\'"&{{7*7}}'


def counted(**other: Any) -> dict[str, Any]:
    """A backend's statistics."""
    return {
        "requests": 214_233,
        "errors": {"connect": 3, "response": 1, "denied": 0},
        "retries": 4,
        "redispatches": 2,
        "execute": {"count": 120_031, "p50_ms": 18.4, "p95_ms": 131.0},
        "codes": {"0": 214_002, "10": 31, "7": 2},
        "bytes_in": 312_000_000,
        "bytes_out": 4_120_000_000,
        **other,
    }


def series(seed: int = 1, count: int = 360, gap: range = range(140, 152)) -> dict[str, Any]:
    """An hour in which load comes and goes, with a gap."""
    chance = random.Random(seed)

    def course(middle: float, swing: float, noise: float, whole: bool = True) -> list[float | None]:
        values: list[float | None] = []
        for at in range(count):
            value = max(0.0, middle + swing * math.sin(at / 55) + chance.gauss(0, noise))
            values.append(None if at in gap else float(round(value)) if whole else round(value, 1))
        return values

    return {
        "step": 10,
        "end": 1_795_808_410,
        "requests": course(900, 350, 60),
        "errors": [None if at in gap else 4.0 if 250 < at < 258 else float(at % 97 == 0) for at in range(count)],
        "execute_p50_ms": course(19, 4, 1.5, False),
        "execute_p95_ms": course(120, 35, 14, False),
        "waits": course(310, 40, 3),
        "sessions": course(655, 30, 2),
    }


class FakeProxy:
    """Answers orders from what the attributes hold, and remembers those that change something.

    :ivar statistics: ``None``: a proxy that does not know that order.
    """

    def __init__(self) -> None:
        self.status: dict[str, Any] = {
            **STATUS,
            "loaded_at": 1_795_800_000,
            "pools": [
                {**STATUS["pools"][0], "name": "mapi", "vdirs": [self.vdir(name) for name in VDIRS]}
            ],
            "certificates": {
                "renewed": 1,
                "listeners": {"mail": ["9f3a" * 16]},
                "servers": {"EXCH1": "9f3a" * 16, "EXCH2": "41c0" * 16, "EXCH3": None},
                "drift": [EP],
            },
        }
        self.servers: list[dict[str, Any]] = [
            {**SERVER, "pending_age": 24.2},
            {**DOWN, "pending_age": None},
        ]
        self.sessions: list[dict[str, Any]] = [SESSION]
        self.statistics: dict[str, Any] | None = {
            "backends": {
                "mapi/EXCH1": counted(),
                "mapi/EXCH2": counted(requests=91_022, codes={"0": 91_000, "10": 22}),
                "mapi/-": counted(requests=12, errors={"connect": 0, "response": 0, "denied": 12}, codes={}),
            },
            "builds": {"Outlook 16.0.17328": 201_233, "Outlook 14.0.7113": 12, "other": 4},
            "vdirs": {"mapi": {"requests": 300_000, "errors": 4}, "ews": {"requests": 5_255, "errors": 0}},
            "series": series(),
        }
        self.changed: list[dict[str, Any]] = []

    def vdir(self, name: str) -> dict[str, Any]:
        down = ["EXCH2"] if name in ("ews", "oab") else []
        return {
            "name": name, "enabled": name != "ecp", "up": [n for n in ("EXCH1", "EXCH2") if n not in down],
            "down": down,
        }  # fmt: skip

    def answer(self, order: dict[str, Any]) -> dict[str, Any]:
        command = order.get("command")
        if command == "status":
            return {**self.status, "ok": True}
        if command == "servers":
            return {"ok": True, "servers": self.servers}
        if command == "sessions":
            start, limit = order.get("offset", 0), order.get("limit", 50)
            found = [each for each in self.sessions if order.get("mailbox", "") in (each["mailbox"] or "")]
            return {"ok": True, "total": len(found), "sessions": found[start : start + limit]}
        if command == "statistics" and self.statistics is not None:
            return {"ok": True, **self.statistics}
        if command in ("ready", "drain", "maint", "weight"):
            self.changed.append(order)
            if order["server"] not in [each["name"] for each in self.servers]:
                return {"ok": False, "error": f"there is no server {order['server']}"}
            return {"ok": True, "server": {**self.servers[0], "admin": command}}
        if command == "kill":
            self.changed.append(order)
            return {"ok": True, "session": order["session"], "cut": 1}
        if command == "reload":
            self.changed.append(order)
            return {"ok": False, "error": "refused", "problems": ["m.toml:3: bad"]}
        return {"ok": False, "error": f"unknown command {command!r}"}


def scraped(accept: str) -> Deferred[tuple[str, bytes]]:
    """Metrics that tell what was asked for."""
    return succeed(("text/plain; version=0.0.4", b"# accepts " + accept.encode()))


class FakeSite:
    """The whole page, asked without a connection.

    :ivar now: its clock. :ivar notes: what went into the log. :ivar bugs: likewise.
    """

    def __init__(self, *tokens: str, read_only: bool = False, names: tuple[str, ...] = ()) -> None:
        self.proxy = FakeProxy()
        self.now = 1000.0
        self.notes: list[str] = []
        self.bugs: list[str] = []
        chance = random.Random(5)
        keys = Keys(Tokens(each.encode() for each in tokens), names, read_only)
        self.gate = Gate(keys, lambda: self.now, chance.randbytes, self.notes.append)
        views = make_views(
            lambda order: self.proxy.answer(order), scraped, self.gate, lambda: self.now, chance.randbytes,
            self.notes.append,
        )  # fmt: skip
        self.routes = Routes(self.gate, views, self.bugs.append)

    def ask(self, method: str, target: str, body: bytes = b"", **headers: str) -> Answer:
        """One request; names of headers with ``_`` for ``-``. Fails on what the page calls a bug."""
        path, _, query = target.partition("?")
        given = {"host": "localhost:8444", **{name.replace("_", "-"): value for name, value in headers.items()}}
        answer = self.routes.answer(Asked(method, path, query, given, body))
        assert self.bugs == [], self.bugs
        return answer

    def browser(self) -> Browser:
        return Browser(self)


def header(answer: Answer, name: str) -> str | None:
    return next((value for key, value in answer.headers if key.lower() == name.lower()), None)


class Browser:
    """Keeps cookies, and sends forms with their keys as a browser does."""

    def __init__(self, site: FakeSite) -> None:
        self.site = site
        self.cookies: dict[str, str] = {}

    def _ask(self, method: str, target: str, body: bytes = b"", **headers: str) -> Answer:
        if self.cookies:
            headers["cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        answer = self.site.ask(method, target, body, **headers)
        for key, value in answer.headers:
            if key == "Set-Cookie":
                name, _, rest = value.partition("=")
                self.cookies[name] = rest.partition(";")[0]
        return answer

    def get(self, target: str, **headers: str) -> Answer:
        return self._ask("GET", target, **headers)

    def key(self, target: str = "/") -> str:
        """The key in the forms of a page."""
        found = re.search(rb'name="key" value="([0-9a-f]{64})"', self.get(target).body)
        assert found is not None
        return found[1].decode()

    def post(self, target: str, key: str | None = None, **fields: str) -> Answer:
        body = urlencode({**({"key": key} if key is not None else {}), **fields}).encode()
        return self._ask(
            "POST", target, body, content_type="application/x-www-form-urlencoded", sec_fetch_site="same-origin",
            origin="http://localhost:8444",
        )  # fmt: skip

    def log_in(self, token: str = TOKEN) -> Answer:
        return self.post("/login", self.key("/login"), token=token)

