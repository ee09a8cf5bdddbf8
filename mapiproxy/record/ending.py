"""How an exchange ended. With the ledger's phase it says who ended it, and when."""

from __future__ import annotations

from enum import Enum


class Ending(Enum):
    """Values are the words of ``Ending=`` in the log's GenericInfo."""

    DONE = "Done"
    REFUSED = "Refused"
    CLIENT_DISCONNECT = "ClientDisconnect"
    BACKEND_LOST = "BackendLost"
    CONNECT_FAILED = "ConnectFailed"
    TIMED_OUT = "TimedOut"
    PROTOCOL_ERROR = "ProtocolError"
    SHUTDOWN = "Shutdown"
