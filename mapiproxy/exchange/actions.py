"""What an exchange can ask the net room to do. Small values, carried out in order."""

from __future__ import annotations

from enum import IntEnum

from attrs import define

from mapiproxy.backends.fleet import Backend


class Timer(IntEnum):
    """The one thing an exchange waits for at a time; each names a limit in the settings."""

    REQUEST = 0  # more of the request from the client
    ANSWER = 1  # the head of the backend's answer
    QUIET = 2  # more of the backend's answer
    LINGER = 3  # the rest of a request that nobody wants
    ORPHAN = 4  # a backend working for a client that is gone
    STALL = 5  # the client taking its answer


@define
class Dial:
    """Give me a connection to this backend: this client's own idle one, or a new one."""

    backend: Backend


@define
class ToBackend:
    """Give these bytes to the backend."""

    data: bytes


@define
class ToClient:
    """Give these bytes to the client."""

    data: bytes


@define
class Arm:
    """Tell me when nothing has moved for so many seconds; replaces the last one."""

    timer: Timer
    seconds: float


@define
class DropBackend:
    """Abort the backend's connection: its answer is of no use, or must not be waited for."""


@define
class CutClient:
    """End the client's connection so that it can see that its answer is not complete.

    :ivar hard: by a reset, because an orderly close would look like the end of the answer.
    """

    hard: bool


@define
class EndWaits:
    """The session is over: a NotificationWait of it that is still open waits for nothing."""

    session: bytes


@define
class Say:
    """Tell the operator, in one line of the log."""

    text: str


@define
class Finish:
    """The exchange is over.

    :ivar keep_client: whether the client's connection may carry another request.
    :ivar keep_backend: whether the backend's may.
    """

    keep_client: bool
    keep_backend: bool


Action = Dial | ToBackend | ToClient | Arm | DropBackend | CutClient | EndWaits | Say | Finish
