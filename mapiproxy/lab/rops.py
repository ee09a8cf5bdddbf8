"""The few ROPs (MS-OXCROPS) that a lab session needs, asked and answered.

The client builds real buffers, so it can talk to real servers; what the lab's servers answer is in
answering.py. Knows nothing of Execute, sessions or HTTP.
"""

from __future__ import annotations

import struct

from attrs import field, frozen

RELEASE = 0x01
OPEN_FOLDER = 0x02
CREATE_FOLDER = 0x1C
REGISTER_NOTIFICATION = 0x29
NOTIFY = 0x2A
LONG_TERM_ID = 0x43
LOGON = 0xFE

#: NotificationFlags of RopNotify (MS-OXCNOTIF 2.2.1.4.1.2): something was changed, a message came.
CHANGED, NEW_MAIL = 0x0004, 0x0002

#: Place of the inbox among the 13 folder ids of a RopLogon answer (MS-OXCSTOR 2.2.1.1.3).
INBOX = 4
FOLDERS = 13
_NO_HANDLE = 0xFFFFFFFF
#: The largest payload of one RPC_HEADER_EXT that the lab fills (MS-OXCRPC: 32 KiB).
_PAYLOAD = 0x7FF0

EXTENDED = struct.Struct("<4H")


def rop_buffer(rops: bytes, handles: tuple[int, ...] = ()) -> bytes:
    """RPC_HEADER_EXT (last, plain), RopSize, the ROPs and the table of handles."""
    table = struct.pack(f"<{len(handles)}I", *handles)
    payload = struct.pack("<H", len(rops) + 2) + rops + table
    return EXTENDED.pack(0, 4, len(payload), len(payload)) + payload


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


def prove(handle: int, inbox: bytes, buffer: bytes | None = None) -> bytes:
    """RopLongTermIdFromId of the inbox, behind the ROPs of *buffer* if there is one.

    Its answer holds the store's replica GUID (MS-OXCROPS 2.2.3.8): whose mailbox it was that answered.
    """
    rop = bytes((LONG_TERM_ID, 0, 0)) + inbox
    if buffer is None:
        return rop_buffer(rop, (handle,))
    payload = buffer[EXTENDED.size :]
    (size,) = struct.unpack_from("<H", payload)
    handles = struct.unpack(f"<{(len(payload) - size) // 4}I", payload[size:])
    return rop_buffer(payload[2:size] + rop, handles)


def nothing() -> bytes:
    """An empty list of ROPs: fetches notifications (MS-OXCMAPIHTTP R317)."""
    return rop_buffer(b"")


@frozen
class Store:
    """What tells one mailbox from another: MailboxGuid and ReplGuid of RopLogon (MS-OXCSTOR 2.2.1.1.3)."""

    guid: bytes = bytes(range(16))
    replica: bytes = bytes(range(16, 32))


@frozen
class Logon:
    """What a client keeps of a RopLogon answer."""

    handle: int
    inbox: bytes
    store: Store = field(factory=Store, eq=False)


def read_logon_answer(answer_binary: bytes) -> Logon | None:
    """The store's handle and the inbox's id, from an Execute's binary; ``None`` if refused."""
    at = 16 + EXTENDED.size
    if len(answer_binary) < at + 2 + 7 + 8 * FOLDERS:
        return None
    (size,) = struct.unpack_from("<H", answer_binary, at)
    rop, _index, result = struct.unpack_from("<BBI", answer_binary, at + 2)
    if rop != LOGON or result != 0 or len(answer_binary) < at + size + 4:
        return None
    inbox = at + 2 + 7 + 8 * INBOX
    (handle,) = struct.unpack_from("<I", answer_binary, at + size)
    guids = at + 2 + 7 + 8 * FOLDERS + 1
    store = Store(answer_binary[guids : guids + 16], answer_binary[guids + 18 : guids + 34])
    return Logon(handle, answer_binary[inbox : inbox + 8], store)


def read_logon_error(answer_binary: bytes) -> int | None:
    """The ReturnValue of a RopLogon answer; ``None`` when there is none."""
    at = 16 + EXTENDED.size + 2
    if len(answer_binary) < at + 6 or answer_binary[at] != LOGON:
        return None
    return int.from_bytes(answer_binary[at + 2 : at + 6], "little")


def folder_id(counter: int) -> bytes:
    """A folder or message id: replica 1 and a 6-byte counter, big end first (MS-OXCDATA 2.2.1.1)."""
    return b"\1\0" + counter.to_bytes(6, "big")


@frozen
class Told:
    """What a client reads off the ROPs of an Execute's answer.

    :ivar replica: what RopLongTermIdFromId said; ``None``: it was not answered.
    :ivar mail: the counters of the message ids of new mail; *changes*: notifications of another kind.
    """

    replica: bytes | None = None
    mail: tuple[int, ...] = ()
    changes: int = 0


def read_execute_answer(binary: bytes) -> Told:
    """Replica and notifications, from an Execute's binary; ROPs that are not of this file end the reading."""
    at = 16 + EXTENDED.size
    if len(binary) < at + 2:
        return Told()
    (size,) = struct.unpack_from("<H", binary, at)
    rops = binary[at + 2 : at + size]
    replica: bytes | None = None
    mail: list[int] = []
    changes = 0
    while len(rops) >= 6:
        rop = rops[0]
        if rop == NOTIFY and len(rops) >= 8:
            if rops[6:8] == NEW_MAIL.to_bytes(2, "little"):
                mail.append(int.from_bytes(rops[18:24], "big"))
                rops = rops[29:].partition(b"\0")[2]
            else:
                changes += 1
                rops = rops[16:]
        elif rop == LONG_TERM_ID:
            replica = rops[6:22]
            rops = rops[30:]
        elif (length := _LENGTHS.get(rop)) is not None:
            # A ROP that failed says no more than why.
            rops = rops[length if rops[2:6] == b"\0\0\0\0" else 6 :]
        else:
            break
    return Told(replica, tuple(mail), changes)


#: Bytes of an answer that succeeded, of the ROPs that this client sends.
_LENGTHS = {
    OPEN_FOLDER: 8,
    CREATE_FOLDER: 15,
    REGISTER_NOTIFICATION: 6,
    LOGON: 7 + 8 * FOLDERS + 1 + 16 + 2 + 16 + 8 + 8 + 4,
}


def filler(size: int) -> bytes:
    """A RopBuffer of *size* bytes (10 or more): as many extended buffers as it takes."""
    pieces = []
    left = max(size, EXTENDED.size + 2)
    while left > 0:
        payload = min(max(left - EXTENDED.size, 2), _PAYLOAD)
        if 0 < left - payload - EXTENDED.size < EXTENDED.size + 2:
            payload -= EXTENDED.size + 2  # leave the last one room for its header
        left -= payload + EXTENDED.size
        flags = 4 if left <= 0 else 0
        text = (b"the lab answers " * (payload // 16 + 1))[: payload - 2]
        pieces.append(EXTENDED.pack(0, flags, payload, payload))
        pieces.append(struct.pack("<H", payload) + text)
    return b"".join(pieces)
