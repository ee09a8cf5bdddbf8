"""Which backend gets this request?

The session decides, then the mailbox, then who is least busy; never the client's address (complaint 35).
The mailbox is placed by weighted rendezvous hashing, so that every process and every node places it
alike without talking to another, and a change of the fleet moves only the mailboxes that must move.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from hashlib import blake2b

from attrs import define

from mapiproxy.backends.fleet import Backend, Pool
from mapiproxy.backends.ties import Ties
from mapiproxy.mapi.reading import RequestFacts
from mapiproxy.policy.refusals import Refusal

#: What is told to a client that cannot be served now, and may come back.
RETRY_AFTER = 5


@define
class Route:
    """The backend chosen, and the rung of the ladder that chose it."""

    backend: Backend
    by: str


def rendezvous(key: str, backends: Sequence[Backend]) -> Backend | None:
    """The backend with the highest weighted score for *key*, compared in lower case.

    Score is ``-weight / ln(h)`` with *h* uniform in (0, 1) from a keyless hash of both names, so each
    backend wins a share of keys in proportion to its weight.
    """
    best = None
    highest = -1.0
    text = key.lower().encode("utf-8", "surrogateescape")
    for backend in backends:
        if backend.weight <= 0:
            continue
        digest = blake2b(
            text + b"\0" + backend.name.encode("utf-8"), digest_size=8, person=b"mapi-mailbox"
        ).digest()
        uniform = (int.from_bytes(digest, "big") + 0.5) / 2.0**64
        score = -backend.weight / math.log(uniform)
        if score > highest:
            best, highest = backend, score
    return best


def least_busy(backends: Sequence[Backend]) -> Backend | None:
    """The backend with the fewest connections for its weight; the first of equals."""
    return min(backends, key=lambda b: b.connections / b.weight, default=None)


def choose(
    facts: RequestFacts, pool: Pool, ties: Ties, now: float, tried: Iterable[str] = ()
) -> Route | Refusal:
    """Where this request goes.

    :param tried: backends that could not be reached for this very request.
    :return: a route, or a refusal when nobody can take it.
    """
    able = pool.able(tried)
    if facts.session is not None:
        name = ties.find(facts.session, now)
        home = pool.by_name.get(name) if name is not None else None
        if home is not None and home.up and home.name not in tried:
            return Route(home, "session")
    if facts.target.mailbox is not None:
        chosen = rendezvous(facts.target.mailbox, able)
        if chosen is not None:
            return Route(chosen, "mailbox")
    chosen = least_busy(able)
    if chosen is not None:
        return Route(chosen, "least-sessions")
    return Refusal(503, f"no backend of {pool.name!r} can be reached", RETRY_AFTER)
