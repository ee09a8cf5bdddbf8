"""What went wrong on the wire, and whose fault it was.

One error type for everything a peer can send that we refuse to guess about. It knows the answer it
deserves, so that nobody above has to map texts to statuses. Its text is safe to log: header names,
bytes and positions; of values only those of Content-Length and Transfer-Encoding.
"""

from __future__ import annotations

from typing import Literal

Fault = Literal["client", "backend"]

#: Longest piece of a peer's input that may appear in a message.
SEEN_LIMIT = 64


class WireError(Exception):
    """A message that cannot be read in exactly one way.

    :ivar fault: whose message it was.
    :ivar status: the HTTP status that fits as an answer (the client's fault: 4xx/5xx; a backend's:
        502).
    :ivar header: the header concerned, as it was spelt, or ``None``.
    :ivar text: one line for the log and for the body of our answer.
    """

    def __init__(
        self, text: str, *, fault: Fault = "client", status: int = 400, header: str | None = None
    ) -> None:
        super().__init__(text)
        self.text = text
        self.fault: Fault = fault
        self.status = status if fault == "client" else 502
        self.header = header


def show(seen: bytes) -> str:
    """A peer's bytes, cut and escaped so that they can stand in a log line."""
    cut = seen[:SEEN_LIMIT]
    text = cut.decode("latin-1").encode("unicode_escape").decode("ascii")
    return text if len(seen) <= SEEN_LIMIT else text + "..."
