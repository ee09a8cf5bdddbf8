"""The few ROPs (MS-OXCROPS) that a lab session needs, asked and answered.

The client builds real buffers, so it can talk to real servers; the lab's servers answer the ROPs
named here and recognise the one that changes a mailbox. An unknown ROP ends the reading: the lab
then answers what it had understood so far. Knows nothing of Execute, sessions or HTTP.
"""

from __future__ import annotations

import struct

from attrs import field, frozen

RELEASE = 0x01
OPEN_FOLDER = 0x02
CREATE_FOLDER = 0x1C
REGISTER_NOTIFICATION = 0x29
NOTIFY = 0x2A
LOGON = 0xFE

#: Place of the inbox among the 13 folder ids of a RopLogon answer (MS-OXCSTOR 2.2.1.1.3).
INBOX = 4
_FOLDERS = 13
_NO_HANDLE = 0xFFFFFFFF
#: The largest payload of one RPC_HEADER_EXT that the lab fills (MS-OXCRPC: 32 KiB).
_PAYLOAD = 0x7FF0

_EXTENDED = struct.Struct("<4H")


def rop_buffer(rops: bytes, handles: tuple[int, ...] = ()) -> bytes:
    """RPC_HEADER_EXT (last, plain), RopSize, the ROPs and the table of handles."""
    table = struct.pack(f"<{len(handles)}I", *handles)
    payload = struct.pack("<H", len(rops) + 2) + rops + table
    return _EXTENDED.pack(0, 4, len(payload), len(payload)) + payload


def logon(dn: str) -> bytes:
    """RopLogon to a private mailbox."""
    essdn = dn.encode("latin-1") + b"\0"
    head = struct.pack("<BBBBIIH", LOGON, 0, 0, 1, 0x01000404, 0, len(essdn))
    return rop_buffer(head + essdn, (_NO_HANDLE,))


def register_notification(handle: int) -> bytes:
    """RopRegisterNotification for everything in the whole store."""
    return rop_buffer(bytes((REGISTER_NOTIFICATION, 0, 0, 1, 0x7E, 0, 1)), (handle, _NO_HANDLE))


def open_folder(handle: int, folder_id: bytes) -> bytes:
    """RopOpenFolder and the release of what it opened: reads, changes nothing."""
    rops = bytes((OPEN_FOLDER, 0, 0, 1)) + folder_id + b"\0" + bytes((RELEASE, 0, 1))
    return rop_buffer(rops, (handle, _NO_HANDLE))


def create_folder(handle: int, parent_id: bytes, name: str) -> bytes:
    """RopOpenFolder and RopCreateFolder below it: a change, which wakes pending waits."""
    rops = bytes((OPEN_FOLDER, 0, 0, 1)) + parent_id + b"\0"
    rops += bytes((CREATE_FOLDER, 0, 1, 2, 1, 1, 0, 0)) + name.encode("utf-16-le") + b"\0\0\0\0"
    return rop_buffer(rops, (handle, _NO_HANDLE, _NO_HANDLE))


def nothing() -> bytes:
    """An empty list of ROPs: fetches notifications (MS-OXCMAPIHTTP R317)."""
    return rop_buffer(b"")


@frozen
class Logon:
    """What a client keeps of a RopLogon answer."""

    handle: int
    inbox: bytes


def read_logon_answer(answer_binary: bytes) -> Logon | None:
    """The store's handle and the inbox's id, from an Execute's binary; ``None`` if refused."""
    at = 16 + _EXTENDED.size
    if len(answer_binary) < at + 2 + 7 + 8 * _FOLDERS:
        return None
    (size,) = struct.unpack_from("<H", answer_binary, at)
    rop, _index, result = struct.unpack_from("<BBI", answer_binary, at + 2)
    if rop != LOGON or result != 0 or len(answer_binary) < at + size + 4:
        return None
    inbox = at + 2 + 7 + 8 * INBOX
    (handle,) = struct.unpack_from("<I", answer_binary, at + size)
    return Logon(handle, answer_binary[inbox : inbox + 8])


def read_logon_error(answer_binary: bytes) -> int | None:
    """The ReturnValue of a RopLogon answer; ``None`` when there is none."""
    at = 16 + _EXTENDED.size + 2
    if len(answer_binary) < at + 6 or answer_binary[at] != LOGON:
        return None
    return int.from_bytes(answer_binary[at + 2 : at + 6], "little")


@frozen
class RopAnswer:
    """What a lab server says to a RopBuffer, and whether that changed the mailbox."""

    buffer: bytes = field(repr=False)
    changed: bool


def folder_id(counter: int) -> bytes:
    """A folder id: replica 1 and a 6-byte counter, big end first (MS-OXCDATA 2.2.1.1)."""
    return b"\1\0" + counter.to_bytes(6, "big")


def answer_rops(buffer: bytes, *, notify: bool = False) -> RopAnswer:
    """Answer the ROPs of one RopBuffer; *notify* adds a RopNotify for an event of before.

    :raise ValueError: the buffer's own sizes do not fit.
    """
    if len(buffer) < _EXTENDED.size + 2:
        raise ValueError("the RopBuffer is shorter than its header")
    _version, _flags, size, _actual = _EXTENDED.unpack_from(buffer)
    payload = buffer[_EXTENDED.size : _EXTENDED.size + size]
    (rop_size,) = struct.unpack_from("<H", payload)
    if len(payload) != size or not 2 <= rop_size <= size or (size - rop_size) % 4:
        raise ValueError("the sizes of the RopBuffer do not fit")
    handles = list(struct.unpack(f"<{(size - rop_size) // 4}I", payload[rop_size:]))
    said, changed = _answer_each(payload[2:rop_size], handles)
    if notify:
        said += struct.pack("<BIBH", NOTIFY, 0, 0, 0x4) + b"\0" * 8
    return RopAnswer(rop_buffer(said, tuple(handles)), changed)


def _answer_each(rops: bytes, handles: list[int]) -> tuple[bytes, bool]:
    said = b""
    changed = False
    while len(rops) >= 3:
        rop = rops[0]
        if rop == RELEASE:
            rops = rops[3:]
        elif rop == LOGON and len(rops) >= 15:
            rops = rops[15 + int.from_bytes(rops[13:15], "little") :]
            said += _logon_answer()
            _give(handles, 0, 0)
        elif rop == REGISTER_NOTIFICATION and len(rops) >= 7:
            _give(handles, rops[3], 0x40)
            said += struct.pack("<BBI", rop, rops[3], 0)
            rops = rops[7 if rops[6] else 23 :]
        elif rop == OPEN_FOLDER and len(rops) >= 13:
            _give(handles, rops[3], 0x41)
            said += struct.pack("<BBI", rop, rops[3], 0) + b"\0\0"
            rops = rops[13:]
        elif rop == CREATE_FOLDER and len(rops) >= 8:
            _give(handles, rops[3], 0x42)
            said += struct.pack("<BBI", rop, rops[3], 0) + folder_id(0x1D0000) + b"\0"
            rops = _after_names(rops[8:])
            changed = True
        else:
            break
    return said, changed


def _give(handles: list[int], index: int, handle: int) -> None:
    if index < len(handles):
        handles[index] = handle


def _after_names(rest: bytes) -> bytes:
    """What follows two zero-terminated UTF-16 texts."""
    for _ in range(2):
        end = next((at for at in range(0, len(rest) - 1, 2) if rest[at : at + 2] == b"\0\0"), None)
        if end is None:
            return b""
        rest = rest[end + 2 :]
    return rest


def _logon_answer() -> bytes:
    folders = b"".join(folder_id(number) for number in range(1, _FOLDERS + 1))
    identity = bytes(range(16)) + b"\5\0" + bytes(range(16, 32))
    return struct.pack("<BBIB", LOGON, 0, 0, 1) + folders + b"\7" + identity + bytes(8 + 8 + 4)


def filler(size: int) -> bytes:
    """A RopBuffer of *size* bytes (10 or more): as many extended buffers as it takes."""
    pieces = []
    left = max(size, _EXTENDED.size + 2)
    while left > 0:
        payload = min(max(left - _EXTENDED.size, 2), _PAYLOAD)
        if 0 < left - payload - _EXTENDED.size < _EXTENDED.size + 2:
            payload -= _EXTENDED.size + 2  # leave the last one room for its header
        left -= payload + _EXTENDED.size
        flags = 4 if left <= 0 else 0
        text = (b"the lab answers " * (payload // 16 + 1))[: payload - 2]
        pieces.append(_EXTENDED.pack(0, flags, payload, payload))
        pieces.append(struct.pack("<H", payload) + text)
    return b"".join(pieces)
