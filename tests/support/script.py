"""An Exchange played as a script: inputs one after the other, the actions of each compared."""

from __future__ import annotations

from typing import Any

from mapiproxy.backends.fleet import Backend, Pool
from mapiproxy.backends.kind import Kind
from mapiproxy.backends.sessions import Sessions
from mapiproxy.exchange.actions import Arm, CutClient, Dial, Finish, ToBackend, ToClient
from mapiproxy.exchange.exchange import Exchange
from mapiproxy.policy.headers import Hop
from mapiproxy.policy.routecookie import RouteKeys
from mapiproxy.policy.rules import Rules
from mapiproxy.record.opening import open_ledger
from mapiproxy.wire.heads import RequestHead, ResponseHead, parse_request_head, parse_response_head

MAILBOX = "616c6963-6540-6578-616d-706c01000000@example.test"


def request(request_type: str | None = "Execute", *fields: str, method: str = "POST", version: str = "1.1",
            length: int = 5, path: str = f"/mapi/emsmdb/?MailboxId={MAILBOX}") -> RequestHead:  # fmt: skip
    """A request head; *fields* are whole lines."""
    lines = [f"{method} {path} HTTP/{version}", "Host: mail.example.test"]
    if request_type is not None:
        lines.append(f"X-RequestType: {request_type}")
    if length:
        lines.append(f"Content-Length: {length}")
    return parse_request_head("\r\n".join([*lines, *fields, "", ""]).encode())


def answer(status: int = 200, *fields: str, code: int | None = 0, length: int | None = 7) -> ResponseHead:
    """An answer head; ``length=None`` leaves the framing to *fields* or to the close."""
    lines = [f"HTTP/1.1 {status} Whatever"]
    if code is not None:
        lines.append(f"X-ResponseCode: {code}")
    if length is not None:
        lines.append(f"Content-Length: {length}")
    return parse_response_head("\r\n".join([*lines, *fields, "", ""]).encode())


class Play:
    """One exchange with a fleet of two (or of *names*), and what it asked for last.

    :ivar said: words for the actions of the last input, see :func:`word`.
    """

    def __init__(self, head: RequestHead | None = None, kind: Kind = Kind.EXCHANGE,
                 names: tuple[str, ...] = ("one", "two"), sessions: Sessions | None = None,
                 keys: RouteKeys | None = None) -> None:  # fmt: skip
        self.backends = {name: Backend(name, f"{name}.example.test", 443, kind=kind) for name in names}
        pool = Pool("mapi", kind, tuple(self.backends.values()))
        self.sessions = sessions if sessions is not None else Sessions()
        self.rules = Rules((pool,), self.sessions, route_keys=keys)
        head = head if head is not None else request()
        self.ledger = open_ledger("id", 0.0, 1000.0, head, "192.0.2.7", 4711)
        self.exchange = Exchange(self.rules, head, Hop("192.0.2.7", True), self.ledger)
        self.actions: list[Any] = []

    def do(self, name: str, *arguments: Any, now: float = 1.0) -> list[str]:
        """Give one input; returns words for what was asked."""
        self.actions = getattr(self.exchange, name)(*arguments, now)
        return [word(action) for action in self.actions]

    def sent(self) -> Play:
        """Up to the point where the backend has the whole request."""
        self.do("begin")
        self.do("connected", True, True)
        self.do("request_end")
        return self

    def answering(self, head: ResponseHead | None = None) -> Play:
        """Up to the point where the client has the answer's head."""
        self.sent()
        self.do("response_head", head if head is not None else answer())
        return self

    @property
    def bytes_to_client(self) -> bytes:
        return b"".join(action.data for action in self.actions if type(action) is ToClient)

    @property
    def bytes_to_backend(self) -> bytes:
        return b"".join(action.data for action in self.actions if type(action) is ToBackend)

    @property
    def state(self) -> str:
        return f"{self.exchange.asking.name}/{self.exchange.answering.name}"


def word(action: Any) -> str:
    """``dial``, ``arm ANSWER 600``, ``finish client backend``, ...: short enough for a list."""
    if type(action) is Arm:
        return f"arm {action.timer.name} {action.seconds:g}"
    if type(action) is Finish:
        kept = [name for name, keep in (("client", action.keep_client), ("backend", action.keep_backend)) if keep]
        return " ".join(["finish", *kept])
    if type(action) is CutClient:
        return "cut hard" if action.hard else "cut"
    if type(action) is ToClient:
        return f"to client {action.data[9:12].decode()}"
    if type(action) is Dial:
        return "dial"
    words = {"ToBackend": "to backend", "DropBackend": "drop backend", "EndWaits": "end waits", "Say": "say"}
    return words[type(action).__name__]


__all__ = ["Play", "answer", "request", "word"]
