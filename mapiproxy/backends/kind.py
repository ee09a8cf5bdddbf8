"""The kinds of MAPI/HTTP server that we know to behave differently."""

from __future__ import annotations

from enum import StrEnum


class Kind(StrEnum):
    """A backend's dialect: response code numbers, cookies, units and manners depend on it.

    ``EXCHANGE`` follows MS-OXCMAPIHTTP; any front end of an organisation can serve any session.
    ``GROMMUNIO`` numbers X-ResponseCode its own way (reference 3) and keeps sessions in the memory of
    one process, so a session cannot move (reference N9).
    """

    EXCHANGE = "exchange"
    GROMMUNIO = "grommunio"
