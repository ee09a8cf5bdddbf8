"""What a lab server answers to a RopBuffer: the few ROPs of rops.py, and notifications behind them.

Recognises the one ROP that changes a mailbox and the one that enters one. An unknown ROP ends the reading:
answered is what was understood so far. Knows nothing of Execute, contexts or HTTP.
"""

from __future__ import annotations

import struct
from typing import Protocol

from attrs import field, frozen

from mapiproxy.lab.rops import (
    CHANGED,
    CREATE_FOLDER,
    EXTENDED,
    FOLDERS,
    LOGON,
    LONG_TERM_ID,
    NEW_MAIL,
    NOTIFY,
    OPEN_FOLDER,
    REGISTER_NOTIFICATION,
    RELEASE,
    Store,
    folder_id,
    rop_buffer,
)

#: RopLogon's ReturnValue for somebody who may not open the mailbox (MS-OXCDATA 2.4: ecLoginPerm).
NO_PERMISSION = 0x000003F2


class Door(Protocol):
    """Of which mailbox the ROPs are, and into which one they may go."""

    @property
    def store(self) -> Store: ...

    def enter(self, dn: str) -> bool:
        """A RopLogon names this mailbox: whether it may be entered; *store* is that one's from then on."""


class OpenDoor:
    """Lets everybody into a mailbox that belongs to nobody."""

    store = Store()

    def enter(self, dn: str) -> bool:
        return True


@frozen
class RopAnswer:
    """What a lab server says to a RopBuffer, and whether that changed the mailbox."""

    said: bytes = field(repr=False)
    handles: tuple[int, ...]
    changed: bool

    @property
    def buffer(self) -> bytes:
        return rop_buffer(self.said, self.handles)

    def telling(self, changed: bool, mail: tuple[int, ...] = ()) -> bytes:
        """The same with a RopNotify behind it for a change of before, and one for each new message."""
        told = self.said
        if changed and not mail:
            told += struct.pack("<BIBH", NOTIFY, 0, 0, CHANGED) + b"\0" * 8
        for message in mail:
            # MS-OXCNOTIF 2.2.1.4.1.2: FolderId, MessageId, MessageFlags, UnicodeFlag, MessageClass.
            told += struct.pack("<BIBH", NOTIFY, 0, 0, NEW_MAIL) + folder_id(5) + folder_id(message)
            told += struct.pack("<IB", 0, 0) + b"IPM.Note\0"
        return rop_buffer(told, self.handles)


def answer_rops(buffer: bytes, door: Door | None = None) -> RopAnswer:
    """Answer the ROPs of one RopBuffer.

    :raise ValueError: the buffer's own sizes do not fit.
    """
    if len(buffer) < EXTENDED.size + 2:
        raise ValueError("the RopBuffer is shorter than its header")
    _version, _flags, size, _actual = EXTENDED.unpack_from(buffer)
    payload = buffer[EXTENDED.size : EXTENDED.size + size]
    (rop_size,) = struct.unpack_from("<H", payload)
    if len(payload) != size or not 2 <= rop_size <= size or (size - rop_size) % 4:
        raise ValueError("the sizes of the RopBuffer do not fit")
    handles = list(struct.unpack(f"<{(size - rop_size) // 4}I", payload[rop_size:]))
    said, changed = _answer_each(payload[2:rop_size], handles, door or OpenDoor())
    return RopAnswer(said, tuple(handles), changed)


def _answer_each(rops: bytes, handles: list[int], door: Door) -> tuple[bytes, bool]:
    said = b""
    changed = False
    while len(rops) >= 3:
        rop = rops[0]
        if rop == RELEASE:
            rops = rops[3:]
        elif rop == LOGON and len(rops) >= 14:
            size = int.from_bytes(rops[12:14], "little")
            dn = rops[14 : 14 + size].rstrip(b"\0").decode("latin-1")
            rops = rops[14 + size :]
            if door.enter(dn):
                said += _logon_answer(door.store)
                _give(handles, 0, 0)
            else:
                said += struct.pack("<BBI", LOGON, 0, NO_PERMISSION)
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
        elif rop == LONG_TERM_ID and len(rops) >= 11:
            said += struct.pack("<BBI", rop, rops[2], 0) + door.store.replica + rops[5:11] + b"\0\0"
            rops = rops[11:]
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


def _logon_answer(store: Store) -> bytes:
    folders = b"".join(folder_id(number) for number in range(1, FOLDERS + 1))
    identity = store.guid + b"\5\0" + store.replica
    return struct.pack("<BBIB", LOGON, 0, 0, 1) + folders + b"\7" + identity + bytes(8 + 8 + 4)
