"""Builders for talking to a lab backend without a socket: every byte has a default."""

from __future__ import annotations

import random
from collections.abc import Mapping

from mapiproxy.lab import bodies, rops
from mapiproxy.lab.backend import LabBackend
from mapiproxy.lab.dialect import Answer, LabOptions
from mapiproxy.lab.requests import BODY_END, LabRequest, RequestStream
from mapiproxy.lab.streaming import Streaming
from mapiproxy.lab.users import LabUser, lab_users

GUID = "{A5E9D50A-1314-4880-9EE7-4CD1CDCD8CC5}"
USERS = lab_users("alice@example.test:alicepw", "bob@example.test:bobpw")
ALICE, BOB = list(USERS)

BODIES: Mapping[str, bytes] = {
    "Connect": bodies.connect_request(ALICE.dn),
    "Execute": bodies.execute_request(rops.nothing()),
    "NotificationWait": bodies.NOTIFICATION_WAIT_REQUEST,
    "Disconnect": bodies.DISCONNECT_REQUEST,
    "PING": b"",
    "Bind": bodies.bind_request(),
    "QueryRows": bodies.query_rows_request(),
    "GetProps": bodies.get_props_request(),
    "Unbind": bodies.UNBIND_REQUEST,
}
CHANGE = bodies.execute_request(rops.create_folder(0, rops.folder_id(5), "New"))


def seeded(seed: int = 1):
    return random.Random(seed).randbytes


def backend(kind: str, *, options: LabOptions | None = None, seed: int = 1) -> LabBackend:
    return LabBackend(kind, "LAB1", USERS, options, entropy=seeded(seed))


def request_bytes(
    request_type: str | None,
    *,
    cookies: str | bytes | None = None,
    user: LabUser | None = ALICE,
    body: bytes | None = None,
    endpoint: str = "emsmdb",
    target: str | None = None,
    request_id: str | None = f"{GUID}:1",
    client_info: str | None = f"{GUID}:1",
    method: str = "POST",
    version: str = "HTTP/1.1",
    extra: tuple[str, ...] = (),
    drop: tuple[str, ...] = (),
) -> bytes:
    """One whole request; headers named in *drop* are left out."""
    if target is None:
        target = f"/mapi/{endpoint}/?MailboxId={ALICE.mailbox_id}"
    if body is None:
        spelt = {name.lower(): name for name in BODIES}.get((request_type or "").lower(), "")
        body = BODIES.get(spelt, b"")
    lines = {
        "Host": "mail.example.test",
        "Content-Type": "application/mapi-http",
        "X-RequestType": request_type,
        "X-RequestId": request_id,
        "X-ClientInfo": client_info,
        "X-ClientApplication": "Outlook/16.0.10386.20000",
        "Authorization": user.basic.decode() if user is not None else None,
        "Cookie": cookies.decode() if isinstance(cookies, bytes) else cookies,
        "Content-Length": str(len(body)),
    }
    head = [f"{method} {target} {version}"]
    head += [f"{name}: {value}" for name, value in lines.items() if value and name not in drop]
    head += extra
    return "\r\n".join(head).encode("latin-1") + b"\r\n\r\n" + body


def read_request(raw: bytes) -> LabRequest:
    stream = RequestStream()
    stream.feed(raw)
    request = stream.next()
    assert isinstance(request, LabRequest)
    assert stream.next() is BODY_END
    return request


class Reply:
    """An answer, taken apart by plain splitting (no reader of ours)."""

    def __init__(self, raw: bytes) -> None:
        self.raw = raw
        self.head, _, self.body = raw.partition(b"\r\n\r\n")
        lines = self.head.split(b"\r\n")
        self.status = int(lines[0].split(b" ")[1])
        self.fields = [tuple(line.split(b": ", 1)) for line in lines[1:]]

    def all(self, name: bytes) -> list[bytes]:
        return [value for key, value in self.fields if key.lower() == name.lower()]

    def get(self, name: bytes) -> bytes | None:
        return next(iter(self.all(name)), None)

    @property
    def names(self) -> list[bytes]:
        return [name for name, _ in self.fields]

    @property
    def code(self) -> int | None:
        value = self.get(b"X-ResponseCode")
        return None if value is None else int(value)

    @property
    def cookies(self) -> dict[bytes, bytes]:
        pairs = (value.split(b";")[0].partition(b"=") for value in self.all(b"Set-Cookie"))
        return {name: value for name, _, value in pairs}

    @property
    def chunks(self) -> list[bytes]:
        """The chunks of a chunked body, the last empty one included when it is there."""
        found, rest = [], self.body
        while rest:
            size, _, rest = rest.partition(b"\r\n")
            found.append(rest[: int(size, 16)])
            rest = rest[int(size, 16) + 2 :]
        return found

    @property
    def payload(self) -> bytes:
        return b"".join(self.chunks) if self.get(b"Transfer-Encoding") else self.body

    @property
    def binary(self) -> bytes:
        return self.payload.partition(b"\r\n\r\n")[2]


class Talker:
    """One client's cookies against one backend; the time is told."""

    def __init__(self, server: LabBackend, *, user: LabUser = ALICE, endpoint: str = "emsmdb"):
        self.server = server
        self.user = user
        self.endpoint = endpoint
        self.now = 1_700_000_000.0
        self.cookies: dict[bytes, bytes] = {}
        self.count = 0

    @property
    def cookie(self) -> bytes | None:
        return b"; ".join(b"%b=%b" % pair for pair in self.cookies.items()) or None

    def ask(self, request_type: str | None, **given: object) -> Answer | Streaming:
        self.count += 1
        given.setdefault("cookies", self.cookie)
        given.setdefault("user", self.user)
        given.setdefault("endpoint", self.endpoint)
        given.setdefault("request_id", f"{GUID}:{self.count}")
        if request_type == "Connect":
            given.setdefault("body", bodies.connect_request(self.user.dn))
        raw = request_bytes(request_type, **given)  # type: ignore[arg-type]
        return self.server.answer(read_request(raw), self.now, {})

    def reply(self, request_type: str | None, *, keep: bool = True, **given: object) -> Reply:
        """Ask, expect an answer in one piece, and keep its cookies."""
        answer = self.ask(request_type, **given)
        assert isinstance(answer, Answer), "a long answer came"
        reply = Reply(answer.raw)
        if keep:
            self.cookies.update(reply.cookies)
        return reply

    def code(self, request_type: str | None, **given: object) -> int | None:
        return self.reply(request_type, keep=False, **given).code

    def wait(self, **given: object) -> Streaming:
        answer = self.ask("NotificationWait", **given)
        assert isinstance(answer, Streaming), "the wait did not wait"
        self.cookies.update(Reply(answer.first).cookies)
        return answer
