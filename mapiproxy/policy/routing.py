"""Which backend gets this request?

A ladder, its highest rung first: the route cookie, the session's cookie, the client's GUID within a live
session, the mailbox, and who has the fewest sessions; never the client's address (complaint 35).
The mailbox is placed by weighted rendezvous hashing, so that every process and every node places it
alike without talking to another, and a change of the fleet moves only the mailboxes that must move.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from hashlib import blake2b

from attrs import define

from mapiproxy.backends.fleet import Backend, Pool
from mapiproxy.backends.kind import Kind
from mapiproxy.backends.sessions import Client, Session, Sessions, State
from mapiproxy.mapi.reading import RequestFacts
from mapiproxy.mapi.vocabulary import CREATING
from mapiproxy.policy.refusals import Refusal
from mapiproxy.policy.routecookie import RouteKeys

#: What is told to a client that cannot be served now, and may come back.
RETRY_AFTER = 5


@define
class Route:
    """The backend chosen, and the rung of the ladder that chose it.

    :ivar stale: the session cookies that came along mean nothing there, and would make a Connect fail.
    """

    backend: Backend
    by: str
    stale: bool = False


@define
class Lost:
    """The session's backend is lost, and the session with it."""

    text: str


@define
class Home:
    """Where a session lives, and how we know."""

    backend: str
    by: str
    session: Session | None


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


def least_sessions(backends: Sequence[Backend], sessions: Sessions) -> Backend | None:
    """The backend with the fewest sessions, and then requests, for its weight; the first of equals."""
    return min(
        (b for b in backends if b.weight > 0),
        key=lambda b: (sessions.at(b.name) / b.weight, b.exchanges / b.weight),
        default=None,
    )


def client_of(facts: RequestFacts) -> Client | None:
    """What the client's GUID is looked up by; without a mailbox it is not looked up at all."""
    target = facts.target
    if facts.request_id is None or target.endpoint is None or target.mailbox is None:
        return None
    guid = facts.request_id.partition(b":")[0].strip().lower()
    return (target.endpoint, guid, target.mailbox.lower()) if guid else None


def find_home(
    facts: RequestFacts, pool: Pool, sessions: Sessions, keys: RouteKeys | None, now: float
) -> Home | None:
    """Where the session of a request lives: the upper three rungs."""
    key = facts.session
    if key is None:
        client = client_of(facts)
        session = sessions.find_client(client, now) if client is not None else None
        return Home(session.backend, "client", session) if session is not None else None
    session = sessions.find(key, now)
    cookie = facts.route
    if cookie is not None and keys is not None:
        if session is not None and session.route == cookie:
            return Home(session.backend, "route-cookie", session)
        backend = keys.read(cookie, pool.name, pool.by_name, key)
        if backend is not None:
            return Home(backend, "route-cookie", session)
    if session is not None:
        return Home(session.backend, "session", session)
    client = client_of(facts)
    session = sessions.find_client(client, now) if client is not None else None
    return Home(session.backend, "client", session) if session is not None else None


def choose(
    facts: RequestFacts,
    pool: Pool,
    sessions: Sessions,
    home: Home | None,
    tried: Collection[str] = (),
    refused: Collection[str] = (),
) -> Route | Refusal | Lost:
    """Where this request goes.

    :param home: from :func:`find_home`.
    :param tried: backends that could not be reached for this very request.
    :param refused: those of them where nobody listens any more.
    :return: a route; Lost when the session is; a refusal when nobody can take it now.
    """
    creating = facts.request_type in CREATING
    stale = False
    if home is not None:
        found = _at_home(home, pool, creating, tried, refused)
        if found is not None:
            return found
        # From here on another backend will have it. Exchange's front ends can all read the cookies;
        # grommunio would refuse them (reference 4.3, M7).
        stale = pool.kind is Kind.GROMMUNIO and facts.session is not None
    fits = pool.able(tried)
    if home is None and facts.session is not None and not creating:
        # A session that we know nothing of lives somewhere, perhaps where new ones do not go.
        fits = pool.keeping(tried)
    mailbox = facts.mailbox
    if mailbox is not None:
        chosen = rendezvous(mailbox, fits)
        if chosen is not None:
            return Route(chosen, "mailbox", stale)
    chosen = least_sessions(fits, sessions)
    if chosen is not None:
        return Route(chosen, "least-sessions", stale)
    return Refusal(503, f"no backend of {pool.title!r} can be reached", RETRY_AFTER)


def _at_home(
    home: Home, pool: Pool, creating: bool, tried: Collection[str], refused: Collection[str]
) -> Route | Refusal | Lost | None:
    """The session's own backend, or what is to be said when it is not to be had; ``None``: move."""
    state = home.session.state if home.session is not None else State.LIVE
    backend = pool.by_name.get(home.backend)
    if creating:
        # A Connect makes a new context anyway: not where the old one is gone, nor where there are to
        # be no new ones (reference M17).
        if state is not State.LIVE or backend is None or not backend.keeps or backend.name in tried:
            return None
        return Route(backend, home.by) if backend.takes else None
    if state is State.KILLED:
        return Lost("the session was ended by an operator")
    if backend is not None and backend.keeps and backend.name not in tried:
        return Route(backend, home.by)
    if pool.kind is Kind.EXCHANGE or home.by == "client":
        return None
    if backend is None:
        return Lost(f"the session lived on {home.backend}, which is not configured any more")
    if not backend.keeps:
        why = "DOWN" if not backend.up else "in maintenance"
        return Lost(f"the session lived on {home.backend}, which is {why}")
    if backend.name in refused:
        return Lost(f"the session lived on {home.backend}, where nobody listens any more")
    # Perhaps it is only the way to it; the probes will tell.
    return Refusal(503, f"{home.backend}, which has the session, cannot be reached now", RETRY_AFTER)
