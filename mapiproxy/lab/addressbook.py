"""What the lab's address book knows: its users, by display name and address.

QueryRows and GetProps are answered for real; every other look-up says plainly that it is not
supported (ErrorCode 0x80040102), which is an application error inside an accepted call.
"""

from __future__ import annotations

from collections.abc import Callable

from mapiproxy.lab import bodies
from mapiproxy.lab.dialect import Call
from mapiproxy.lab.users import LabUser


def look_up(call: Call, users: list[LabUser]) -> bytes:
    """The binary of the answer. :raise BodyError: the request's body cannot be read."""
    found = _LOOK_UPS.get(call.name or "")
    return bodies.error_answer(bodies.MAPI_E_NO_SUPPORT) if found is None else found(call, users)


def _row(user: LabUser) -> dict[int, str]:
    return {
        bodies.PID_TAG_DISPLAY_NAME: user.display_name,
        bodies.PID_TAG_SMTP_ADDRESS: user.login,
    }


def _query_rows(call: Call, users: list[LabUser]) -> bytes:
    count, columns = bodies.read_query_rows_request(call.request.body)
    return bodies.query_rows_answer(columns, [_row(user) for user in users[:count]])


def _get_props(call: Call, users: list[LabUser]) -> bytes:
    columns = bodies.read_get_props_request(call.request.body)
    row = _row(call.user)
    return bodies.get_props_answer(columns or tuple(row), row)


_LOOK_UPS: dict[str, Callable[[Call, list[LabUser]], bytes]] = {
    "QueryRows": _query_rows,
    "GetProps": _get_props,
}
