"""Builders for bytes on the wire, with a default for every byte.

A test says only what it is about: ``execute_request(more=[(b"Expect", b"100-continue")])``.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

Field = tuple[bytes, bytes]

HOST = b"mail.example.test"
TARGET = b"/mapi/emsmdb/?MailboxId=616c6963-6540-6578-616d-706c01000000@example.test"
GUID = b"{A5E9D50A-1314-4880-9EE7-4CD1CDCD8CC5}"
CLIENT_INFO = b"{DFD6580E-7904-4B76-B692-8008A386AD00}:1"
BASIC = b"Basic YWxpY2VAZXhhbXBsZS50ZXN0OmFsaWNlcHc="
COOKIE = b"sid=alv6ickbe1h0exg4amkdpla8e8o5tej7; sequence=aa1c4176-8672-4bb0-a698-c01c515fc77d"
START_TIME = b"Mon, 05 Jan 2026 08:00:00 GMT"


def head(first_line: bytes, fields: Iterable[Field] = ()) -> bytes:
    """A whole head, its empty line included."""
    lines = [first_line, *(name + b": " + value for name, value in fields)]
    return b"\r\n".join(lines) + b"\r\n\r\n"


def request(
    *fields: Field,
    method: bytes = b"POST",
    target: bytes = b"/mapi/emsmdb/",
    version: bytes = b"1.1",
    host: bytes | None = HOST,
    body: bytes = b"",
) -> bytes:
    """A request with exactly these fields after Host; the caller frames *body*."""
    before = [(b"Host", host)] if host is not None else []
    return head(method + b" " + target + b" HTTP/" + version, [*before, *fields]) + body


def execute_request(
    body: bytes = bytes(300),
    *,
    request_type: bytes = b"Execute",
    target: bytes = TARGET,
    number: int = 2,
    cookie: bytes | None = COOKIE,
    authorization: bytes | None = BASIC,
    chunks: Sequence[bytes] | None = None,
    more: Sequence[Field] = (),
) -> bytes:
    """What Outlook sends: with a length, or chunked when *chunks* are given."""
    fields: list[Field] = [
        (b"Content-Type", b"application/mapi-http"),
        (b"User-Agent", b"Microsoft Office/16.0 (Windows NT 10.0; Microsoft Outlook 16.0.10386)"),
        (b"X-RequestType", request_type),
        (b"X-RequestId", GUID + b":%d" % number),
        (b"X-ClientInfo", CLIENT_INFO),
        (b"X-ClientApplication", b"Outlook/16.0.10386.20000"),
    ]
    if authorization is not None:
        fields.append((b"Authorization", authorization))
    if cookie is not None:
        fields.append((b"Cookie", cookie))
    fields.extend(more)
    if chunks is not None:
        fields.append((b"Transfer-Encoding", b"chunked"))
        return request(*fields, target=target, body=chunked(*chunks))
    fields.append((b"Content-Length", b"%d" % len(body)))
    return request(*fields, target=target, body=body)


def ping_request() -> bytes:
    return execute_request(b"", request_type=b"PING", number=7)


def chunk(payload: bytes, extension: bytes = b"") -> bytes:
    """One chunk; *extension* with its semicolon."""
    return b"%x%b\r\n%b\r\n" % (len(payload), extension, payload)


def chunked(*payloads: bytes, last: bytes = b"0", trailers: Iterable[Field] = ()) -> bytes:
    """A whole chunked body."""
    lines = b"".join(name + b": " + value + b"\r\n" for name, value in trailers)
    return b"".join(map(chunk, payloads)) + last + b"\r\n" + lines + b"\r\n"


def answer(
    *fields: Field,
    status: bytes = b"200 OK",
    version: bytes = b"1.1",
    body: bytes = b"",
) -> bytes:
    """An answer with exactly these fields; the caller frames *body*."""
    return head(b"HTTP/" + version + b" " + status, fields) + body


def mapi_fields(request_type: bytes = b"Execute", number: int = 2, code: int = 0) -> list[Field]:
    return [
        (b"Cache-Control", b"private"),
        (b"Content-Type", b"application/mapi-http"),
        (b"X-RequestType", request_type),
        (b"X-RequestId", GUID + b":%d" % number),
        (b"X-ClientInfo", CLIENT_INFO),
        (b"X-ResponseCode", b"%d" % code),
        (b"X-PendingPeriod", b"30000"),
        (b"X-ExpirationInfo", b"900000"),
        (b"X-ServerApplication", b"Exchange/15.02.2562.045"),
        (b"Set-Cookie", b"sid=alv6ickbe1h0exg4amkdpla8e8o5tej7"),
        (b"Set-Cookie", b"sequence=2e3bf92b-bf7a-4075-8146-4a5b34d6b34a"),
    ]


def done(payload: bytes = bytes(16), elapsed: int = 12) -> bytes:
    """The last piece of a MAPI answer (MS-OXCMAPIHTTP 2.2.7)."""
    return b"DONE\r\nX-ElapsedTime: %d\r\nX-StartTime: %b\r\n\r\n%b" % (
        elapsed,
        START_TIME,
        payload,
    )


def execute_answer(payload: bytes = bytes(64)) -> bytes:
    """An answer with a length."""
    body = b"PROCESSING\r\n" + done(payload)
    return answer(*mapi_fields(), (b"Content-Length", b"%d" % len(body)), body=body)


def pending_answer(payload: bytes = bytes(16), pulses: int = 2) -> bytes:
    """A NotificationWait's answer: chunked, PROCESSING, some PENDING, DONE (reference 5.2 C)."""
    pieces = [b"PROCESSING\r\n", *[b"PENDING\r\n"] * pulses, done(payload, 61044)]
    fields = mapi_fields(b"NotificationWait")
    return answer(*fields, (b"Transfer-Encoding", b"chunked"), body=chunked(*pieces))
