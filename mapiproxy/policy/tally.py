"""What has been decided how often: plain counts, for status and metrics."""

from __future__ import annotations

from collections import Counter

from attrs import define, field

#: The rungs of the ladder, the highest first (policy/routing.py); last, what overrules them all: the
#: two channels of Outlook Anywhere, and an authenticated connection, stay together (channels.py, bond.py).
RUNGS = ("route-cookie", "session", "client", "mailbox", "least-sessions", "channel", "connection")


@define
class Tally:
    """Counts of one pool since the process began.

    :ivar rungs: requests routed, by the rung that decided.
    :ivar unmatched: requests with a session cookie that nobody here knew; when they are many, a table
        or a key is not shared that should be (complaint 36).
    :ivar resent: requests sent again, unseen by their client.
    :ivar refused: requests answered with 503 because nobody could take them.
    :ivar broken: connections broken because nobody knows whether a request ran.
    :ivar lost: requests answered with X-ResponseCode 10 because their session's backend is lost.
    :ivar hangs: answers that stopped without a PENDING.
    """

    rungs: Counter[str] = field(factory=Counter)
    unmatched: int = 0
    resent: int = 0
    refused: int = 0
    broken: int = 0
    lost: int = 0
    hangs: int = 0
