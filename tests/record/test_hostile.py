"""From the bytes of a request's head to a line: nothing in them breaks a row, forges one or moves a column.

About opening, cleaning and format together.
"""

from __future__ import annotations

import base64
import csv
import io
import struct

from hypothesis import given
from hypothesis import strategies as st

from mapiproxy.backends.vdir import SHAPES
from mapiproxy.record.columns import COLUMNS, LogIdentity
from mapiproxy.record.ending import Ending
from mapiproxy.record.httpproxy import LineFormat
from mapiproxy.record.ledger import Ledger
from mapiproxy.record.opening import open_ledger
from mapiproxy.record.rca import FIELDS, make_address_book, make_client_access
from mapiproxy.wire.errors import WireError
from mapiproxy.wire.heads import RequestHead, parse_request_head

IDENTITY = LogIdentity("Host123", "15.01.2507.035")
FORMAT = LineFormat(IDENTITY)
SECRET = "S3cretOfTheClient"
PROTOCOLS = sorted({shape.protocol for shape in SHAPES.values()})

#: What has hurt logs before: separators, ends of lines in several alphabets, Windows-1252's quotes and dots,
#: halves of UTF-8, marks that turn text round, keys and whole rows to forge.
PIECES = [
    b",", b";", b'"', b"'", b"\t", b" ", b"|", b"=", b"~", b"\\", b"%2C", b"%0d%0a", b"\x80\x85\x93\x94\x9c", b"\xe9",
    "é€“”…".encode("cp1252"), "é\u2028\u2029\u0085\u202e\u2066\ufeff".encode(), b"\xed\xa0\x80", b"\xf4\x90\x80\x80",
    b"\xc2", b"\xff\xfe", b"x" * 3000, b"," * 3000, b";" * 1500, "\u20ac".encode() * 1500, b"-", b"<null>",
    b"2026-01-01T00:00:00.000Z,forged,15,1,2375,7,", b";RT:Execute;CID:forged", b";Ending=Done;", b"#Fields: a,b", b"DateTime",
]  # fmt: skip
#: And what a head cannot hold, but what base64 and %-encoding can.
WORSE = [*PIECES, b"\r\n", b"\n", b"\r", b"\0", b"\x0b", b"\x0c", b"\x1c", b"\x7f", b"\x1b[2J"]

_MAY = bytes([9, *range(0x20, 0x7F), *range(0x80, 0x100)])
_MAY_IN_TARGET = bytes(range(0x21, 0x7F))


def only(allowed: bytes) -> st.SearchStrategy[bytes]:
    """Bytes that a head may hold there."""
    pieces = [piece for piece in PIECES if not piece.translate(None, allowed)]
    some = st.lists(st.sampled_from(allowed), max_size=8).map(bytes)
    return st.lists(st.one_of(st.sampled_from(pieces), some), max_size=5).map(b"".join)


values = only(_MAY)
targets = only(_MAY_IN_TARGET)
worse = st.lists(st.one_of(st.sampled_from(WORSE), st.binary(max_size=8)), max_size=5).map(b"".join)


def ntlm(domain: bytes, user: bytes) -> bytes:
    """An AUTHENTICATE_MESSAGE with these names, in whatever alphabet (MS-NLMP 2.2.1.3)."""
    fields = b""
    at = 72
    for text in (b"", b"", domain, user, b"", b""):
        fields += struct.pack("<HHI", len(text) & 0xFFFF, len(text) & 0xFFFF, at)
        at += len(text)
    return b"NTLM " + base64.b64encode(b"NTLMSSP\0\3\0\0\0" + fields + struct.pack("<I", 1) + bytes(8) + domain + user)


@st.composite
def authorizations(draw: st.DrawFn) -> bytes:
    kind = draw(st.sampled_from(["basic", "ntlm", "bearer", "raw"]))
    if kind == "basic":
        return b"Basic " + base64.b64encode(draw(worse).replace(b":", b"") + b":" + SECRET.encode())
    if kind == "ntlm":
        return ntlm(draw(worse)[:2000], draw(worse)[:2000])
    if kind == "bearer":
        return b"Bearer " + SECRET.encode()
    return SECRET.encode() + draw(values)


@st.composite
def heads(draw: st.DrawFn) -> tuple[bytes, str]:
    """The bytes of a head, and the protocol that it is for."""
    vdir = draw(st.sampled_from(sorted(SHAPES)))
    path = SHAPES[vdir].paths[0].encode()
    lines = [b"POST %b/%b?MailboxId=%b HTTP/1.1" % (path, draw(targets), draw(targets)), b"Host: " + draw(values)]
    for name in (
        b"User-Agent", b"X-RequestType", b"X-RequestId", b"X-ClientInfo", b"client-request-id", b"X-ClientApplication",
        b"X-AnchorMailbox",
    ):  # fmt: skip
        if draw(st.booleans()):
            lines.append(name + b": " + draw(values))
    flipped = base64.b64encode(bytes(255 - byte for byte in draw(worse)))
    cookie = b"MapiContext=%b; X-BackEndCookie=k=%b; cadata=%b; x=" % (SECRET.encode(), flipped, SECRET.encode())
    lines += [b"Cookie: " + cookie + draw(values), b"Authorization: " + draw(authorizations())]
    return b"\r\n".join([*lines, b"", b""]), SHAPES[vdir].protocol


def opened(raw: bytes, protocol: str) -> tuple[Ledger, RequestHead | None]:
    try:
        head: RequestHead | None = parse_request_head(raw)
    except WireError:
        head = None
    ledger = open_ledger("3422ea93-768f-4cd4-8b0c-578038deb0b2", 5.0, 1706110007.947, head, "10.0.0.1", 4711)
    ledger.protocol = protocol
    return ledger, head


def read(line: bytes) -> list[str]:
    text = line.decode("utf-8")
    assert text.endswith("\r\n")
    body = text.removesuffix("\r\n")
    assert len(body.splitlines()) == 1
    assert "\0" not in body
    assert SECRET not in body
    return body.split(",")


@given(heads(), values, values)
def test_no_head_breaks_a_row(made: tuple[bytes, str], version: bytes, request_id: bytes) -> None:
    ledger, _ = opened(*made)
    ledger.routed_at = ledger.connected_at = ledger.request_ended_at = 5.001
    ledger.answer_at = ledger.answer_ended_at = ledger.ended_at = 5.003
    ledger.status = ledger.backend_status = 200
    ledger.backend_host = "exch1.example.test"
    # The backend's headers may be as bad.
    ledger.backend_version = version.decode("latin-1")
    ledger.backend_request_id = request_id.decode("latin-1")
    cells = read(FORMAT.line(ledger))
    assert len(cells) == 74
    row = dict(zip(COLUMNS, cells, strict=True))
    assert row["DateTime"] == "2024-01-24T15:26:47.950Z"
    assert row["Protocol"] == made[1]
    assert (row["ServerHostName"], row["HttpStatus"], row["BackEndStatus"]) == ("Host123", "200", "200")
    assert (row["ClientIpAddress"], row["TargetServer"], row["TotalRequestTime"]) == ("10.0.0.1", "exch1.example.test", "3")
    assert row["RoutingStatus"] == "CafeV1"
    if made[1] == "Mapi":
        ids = row["ClientRequestId"].split(";")
        assert [each.partition(":")[0] for each in ids] == ["R", "RT", "CI", "CID"]
    keys = [item.partition("=")[0] for item in row["GenericInfo"].split(";")[:-1]]
    assert len(keys) == len(set(keys))
    assert keys[-1] == "Ending"
    assert list(csv.reader(io.StringIO(",".join(cells), newline=""))) == [cells]
    assert len(FORMAT.line(ledger)) < 60_000


@given(heads(), st.sampled_from(Ending), worse)
def test_no_head_breaks_a_row_of_failure(made: tuple[bytes, str], ending: Ending, error: bytes) -> None:
    ledger, _ = opened(*made)
    ledger.ended_at, ledger.ending, ledger.error = 5.5, ending, error.decode("latin-1")
    cells = read(FORMAT.line(ledger))
    assert len(cells) == 74
    errors = cells[COLUMNS.index("GenericErrors")]
    assert errors == "" or errors.endswith(";")
    assert errors.count(";") <= 2


@given(heads(), st.sampled_from([make_client_access(IDENTITY), make_address_book(IDENTITY)]))
def test_no_head_breaks_a_row_of_the_back_ends_logs(made: tuple[bytes, str], log: object) -> None:
    ledger, head = opened(made[0], "Mapi")
    ledger.path = log._path  # type: ignore[attr-defined]
    ledger.routed_at, ledger.ended_at, ledger.ending = 5.0, 5.1, Ending.BACKEND_LOST
    line = log.line(ledger, 1706110007947)  # type: ignore[attr-defined]
    text = line.decode("utf-8")
    assert SECRET not in text
    assert len(text.removesuffix("\r\n").splitlines()) == 1
    (cells,) = csv.reader(io.StringIO(text, newline=""))
    assert len(cells) == len(FIELDS)
    assert (cells[0], cells[11], cells[19]) == ("2024-01-24T15:26:47.947Z", "MapiHttp", "BackendDisconnect")
    assert (cells[8] == "10.0.0.1") or head is None
