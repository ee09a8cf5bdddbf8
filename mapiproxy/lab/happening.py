"""One thing that happened in the laboratory, as everybody there tells it: clients, devices, servers.

A run's timeline is a list of these. They hold no secret, and nothing that differs between two runs with the
same seed: sessions and connections have numbers, not cookies and ports.
"""

from __future__ import annotations

from collections.abc import Callable

from attrs import frozen


@frozen(kw_only=True)
class Happening:
    """A moment, or a request from its beginning to its end.

    :ivar at: seconds on the reactor's clock; *until* is the end of what lasts, ``None`` for a moment.
    :ivar lane: who it happened to: ``alice``, ``alice/wait``, ``firewall``, ``EXCH1``.
    :ivar kind: ``request``, ``fault`` (somebody did harm), ``state`` (sleeps, is up again) or ``connection``.
    :ivar label: a word or two: ``Execute``, ``reset``, ``hibernates``.
    :ivar outcome: ``ok``, ``code`` (an X-ResponseCode that is not 0), ``status`` (an HTTP status that is
        not 200), ``lost`` (no answer, or half of one), ``refused`` (nobody could be reached), ``late``.
    :ivar detail: a sentence at most.
    """

    at: float
    lane: str
    kind: str
    label: str
    until: float | None = None
    outcome: str = "ok"
    detail: str = ""


#: Whoever wants to hear of it.
Tell = Callable[[Happening], None]


def tell_nobody(happening: Happening) -> None:
    """Where nobody listens."""
