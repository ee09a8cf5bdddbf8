"""Binary bodies of the calls (MS-OXCMAPIHTTP 2.2.4 and 2.2.5), little endian, built and read.

Enough of them for an honest session: what the lab's servers answer and what its client asks.
Reading is strict, so that a truncated body is noticed (response code 12 on Exchange, 5 on
grommunio). Knows nothing of HTTP and nothing of the ROPs inside Execute.
"""

from __future__ import annotations

import struct

from attrs import frozen

#: ErrorCode values (MS-OXCDATA 2.4) that the lab uses.
EC_UNKNOWN_USER = 0x000003EB
EC_LOGIN_PERM = 0x000003F2
EC_REJECTED = 0x000007EE
MAPI_E_NO_SUPPORT = 0x80040102
MAPI_E_FAILONEPROVIDER = 0x8004011D
#: What grommunio says for an unknown DN, and for another user's (grommunio-observed.md).
MAPI_E_UNCONFIGURED_DN = 0x80040115
E_ACCESSDENIED = 0x80070005

STAT_SIZE = 36
PID_TAG_DISPLAY_NAME = 0x3001001F
PID_TAG_SMTP_ADDRESS = 0x39FE001F

_U32 = struct.Struct("<I")
_TWO = struct.Struct("<II")


class BodyError(ValueError):
    """A body that cannot be read: says which field, never what was in it."""


class _Fields:
    """Takes fields off a body, one after the other."""

    def __init__(self, body: bytes) -> None:
        self._body = body
        self._at = 0

    def u8(self, name: str) -> int:
        return self.take(1, name)[0]

    def u32(self, name: str) -> int:
        return int(_U32.unpack(self.take(4, name))[0])

    def take(self, size: int, name: str) -> bytes:
        piece = self._body[self._at : self._at + size]
        if len(piece) != size:
            raise BodyError(f"the body ends within {name}")
        self._at += size
        return piece

    def asciiz(self, name: str) -> str:
        end = self._body.find(b"\0", self._at)
        if end < 0:
            raise BodyError(f"{name} has no end")
        text = self._body[self._at : end].decode("latin-1")
        self._at = end + 1
        return text

    def utf16z(self, name: str) -> str:
        start = self._at
        while self.take(2, name) != b"\0\0":
            pass
        return self._body[start : self._at - 2].decode("utf-16-le", "replace")

    def aux(self) -> bytes:
        """The auxiliary buffer, which ends each body."""
        piece = self.take(self.u32("AuxiliaryBufferSize"), "AuxiliaryBuffer")
        if self._at != len(self._body):
            raise BodyError(f"{len(self._body) - self._at} bytes after the body's end")
        return piece


def _utf16z(text: str) -> bytes:
    return text.encode("utf-16-le") + b"\0\0"


# Requests.


def connect_request(user_dn: str, *, code_page: int = 1252, lcid: int = 1033) -> bytes:
    """Connect: UserDn, Flags, DefaultCodePage, LcidSort, LcidString, AuxiliaryBufferSize."""
    return user_dn.encode("latin-1") + b"\0" + struct.pack("<5I", 0, code_page, lcid, lcid, 0)


def read_connect_request(body: bytes) -> str:
    """The UserDn of a Connect."""
    fields = _Fields(body)
    user_dn = fields.asciiz("UserDn")
    for name in ("Flags", "DefaultCodePage", "LcidSort", "LcidString"):
        fields.u32(name)
    fields.aux()
    return user_dn


def execute_request(rop_buffer: bytes, *, flags: int = 3, max_rop_out: int = 0x8000) -> bytes:
    """Execute: Flags (3: neither compressed nor obfuscated), sized RopBuffer, MaxRopOut, aux."""
    return _TWO.pack(flags, len(rop_buffer)) + rop_buffer + _TWO.pack(max_rop_out, 0)


def read_execute_request(body: bytes) -> bytes:
    """The RopBuffer of an Execute."""
    fields = _Fields(body)
    fields.u32("Flags")
    rop_buffer = fields.take(fields.u32("RopBufferSize"), "RopBuffer")
    fields.u32("MaxRopOut")
    fields.aux()
    return rop_buffer


def read_reserved_and_aux(body: bytes) -> None:
    """NotificationWait and Unbind: one u32 that must be there, and the auxiliary buffer."""
    fields = _Fields(body)
    fields.u32("Flags")
    fields.aux()


def read_aux_only(body: bytes) -> None:
    """Disconnect: 2.2.4.3.1 defines an auxiliary buffer, 3.1.5.4 speaks of no body: both pass."""
    if body:
        _Fields(body).aux()


NOTIFICATION_WAIT_REQUEST = _TWO.pack(0, 0)
DISCONNECT_REQUEST = _U32.pack(0)
UNBIND_REQUEST = _TWO.pack(0, 0)


def stat(code_page: int = 1252, lcid: int = 1033) -> bytes:
    """A STAT at the beginning of the global address list (MS-OXNSPI 2.2.8)."""
    return struct.pack("<9I", 0, 0, 0, 0, 0, 0, code_page, lcid, lcid)


def bind_request() -> bytes:
    """Bind: Flags, HasState, State, AuxiliaryBufferSize."""
    return _U32.pack(0) + b"\xff" + stat() + _U32.pack(0)


def read_bind_request(body: bytes) -> None:
    fields = _Fields(body)
    fields.u32("Flags")
    if fields.u8("HasState"):
        fields.take(STAT_SIZE, "State")
    fields.aux()


def query_rows_request(rows: int = 10, columns: tuple[int, ...] = (PID_TAG_DISPLAY_NAME,)) -> bytes:
    """QueryRows: Flags, HasState, State, no explicit table, RowCount, Columns, aux."""
    tags = struct.pack(f"<I{len(columns)}I", len(columns), *columns)
    head = _U32.pack(0) + b"\xff" + stat() + _TWO.pack(0, rows)
    return head + b"\xff" + tags + _U32.pack(0)


def read_query_rows_request(body: bytes) -> tuple[int, tuple[int, ...]]:
    """RowCount and the columns asked for (display name when none are)."""
    fields = _Fields(body)
    fields.u32("Flags")
    if fields.u8("HasState"):
        fields.take(STAT_SIZE, "State")
    for _ in range(fields.u32("ExplicitTableCount")):
        fields.u32("ExplicitTable")
    rows = fields.u32("RowCount")
    columns: tuple[int, ...] = (PID_TAG_DISPLAY_NAME,)
    if fields.u8("HasColumns"):
        columns = tuple(fields.u32("Columns") for _ in range(fields.u32("ColumnCount")))
    fields.aux()
    return rows, columns


def get_props_request(columns: tuple[int, ...] = (PID_TAG_DISPLAY_NAME,)) -> bytes:
    """GetProps: Flags, HasState, State, HasPropertyTags, PropertyTags, aux."""
    tags = struct.pack(f"<I{len(columns)}I", len(columns), *columns)
    return _U32.pack(0) + b"\xff" + stat() + b"\xff" + tags + _U32.pack(0)


def read_get_props_request(body: bytes) -> tuple[int, ...]:
    fields = _Fields(body)
    fields.u32("Flags")
    if fields.u8("HasState"):
        fields.take(STAT_SIZE, "State")
    columns: tuple[int, ...] = ()
    if fields.u8("HasPropertyTags"):
        columns = tuple(fields.u32("PropertyTags") for _ in range(fields.u32("TagCount")))
    fields.aux()
    return columns


# Answers: StatusCode u32, ErrorCode u32, then what the call defines, then the auxiliary buffer.


def error_answer(error: int, trailing: bytes = b"") -> bytes:
    """An answer with an application error; *trailing* is what the call puts before the aux size."""
    return _TWO.pack(0, error) + trailing + _U32.pack(0)


def connect_answer(display_name: str, error: int = 0, retry_delay: int = 10000) -> bytes:
    """PollsMax 60000 ms, RetryCount 6, RetryDelay, DnPrefix, DisplayName, aux (reference 2)."""
    limits = struct.pack("<3I", 60000, 6, retry_delay)
    return _TWO.pack(0, error) + limits + b"\0" + _utf16z(display_name) + _U32.pack(0)


def execute_answer(rop_buffer: bytes) -> bytes:
    """Flags 0, sized RopBuffer, aux."""
    return struct.pack("<4I", 0, 0, 0, len(rop_buffer)) + rop_buffer + _U32.pack(0)


def notification_wait_answer(event_pending: bool, error: int = 0) -> bytes:
    return struct.pack("<4I", 0, error, int(event_pending), 0)


DISCONNECT_ANSWER = struct.pack("<3I", 0, 0, 0)
UNBIND_ANSWER = struct.pack("<3I", 0, 1, 0)  # ErrorCode 1: UnbindSuccess (MS-OXNSPI 2.2.1.2).


def bind_answer(server_guid: bytes) -> bytes:
    return _TWO.pack(0, 0) + server_guid + _U32.pack(0)


def query_rows_answer(columns: tuple[int, ...], rows: list[dict[int, str]]) -> bytes:
    """State, columns and rows; a column that a row lacks is flagged as an error value."""
    tags = struct.pack(f"<I{len(columns)}I", len(columns), *columns)
    table = b"".join(_row(columns, row) for row in rows)
    head = _TWO.pack(0, 0) + b"\xff" + stat() + b"\xff" + tags + _U32.pack(len(rows))
    return head + table + _U32.pack(0)


def get_props_answer(columns: tuple[int, ...], row: dict[int, str]) -> bytes:
    """CodePage, HasPropertyValues and an AddressBookPropertyValueList."""
    values = b"".join(_U32.pack(tag) + b"\xff" + _utf16z(row[tag]) for tag in columns if tag in row)
    count = sum(tag in row for tag in columns)
    return struct.pack("<3I", 0, 0, 1252) + b"\xff" + _U32.pack(count) + values + _U32.pack(0)


def _row(columns: tuple[int, ...], row: dict[int, str]) -> bytes:
    """An AddressBookPropertyRow: plain when each column is there, flagged when one is not."""
    if all(tag in row for tag in columns):
        return b"\0" + b"".join(b"\xff" + _utf16z(row[tag]) for tag in columns)
    not_found = b"\x0a" + _U32.pack(0x8004010F)
    return b"\1" + b"".join(
        b"\0\xff" + _utf16z(row[tag]) if tag in row else not_found for tag in columns
    )


@frozen
class Outcome:
    """What a client can say about an answer's binary without knowing the call."""

    status: int
    error: int
    event_pending: bool | None = None


def read_outcome(request_type: str, binary: bytes) -> Outcome | None:
    """StatusCode, ErrorCode and, for NotificationWait, EventPending; ``None`` if too short."""
    if len(binary) < _TWO.size:
        return None
    status, error = _TWO.unpack_from(binary)
    if request_type == "NotificationWait" and len(binary) >= 12:
        return Outcome(status, error, bool(_U32.unpack_from(binary, 8)[0]))
    return Outcome(status, error)
