"""One line of what a lab server has been asked, for the tests that look it up afterwards."""

from __future__ import annotations

from attrs import frozen


@frozen
class Seen:
    """One line of what a server has been asked; *code* is what it put into the head, if MAPI."""

    method: str
    request_type: str | None
    request_id: str | None
    login: str | None
    code: int | None
    connection: object
