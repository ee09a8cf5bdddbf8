"""Where an exchange's request goes, and where it goes when it has to go again.

The rules are the policy room's (``routing.py``, ``replay.py``); here they meet the state of one exchange.
"""

from __future__ import annotations

from mapiproxy.backends.fleet import Pool
from mapiproxy.exchange import local
from mapiproxy.exchange.actions import Dial, DropBackend
from mapiproxy.exchange.base import Actions, ExchangeBase
from mapiproxy.exchange.table import Answering, Asking, Event
from mapiproxy.mapi.vocabulary import CREATING
from mapiproxy.policy.bond import keep
from mapiproxy.policy.refusals import Refusal
from mapiproxy.policy.replay import Received, Sent, Verdict, may_send_again
from mapiproxy.policy.routing import RETRY_AFTER, Home, Lost, Route, choose, find_home

#: A request is sent again so often at most; whoever loses it twice more has another trouble.
_AGAIN = 2


class Choosing(ExchangeBase):
    """The steps in which a backend is chosen."""

    def _route(self, now: float) -> Actions:
        pool, tally = self._pool, self._rules.tally
        assert pool is not None
        home = find_home(self.facts, pool, self._rules.sessions, self._rules.route_keys, now)
        route = choose(
            self.facts, pool, self._rules.sessions, home, self._tried, self._refused
        )
        if isinstance(route, Lost):
            return self._lose_session(route, now)
        if isinstance(route, Route):
            route = self._keep_together(route, pool)
        if isinstance(route, Refusal):
            tally.refused += 1
            return self._refuse(route, now)
        if not self._tried and not self._again:
            tally.rungs[route.by] += 1
            if home is None and self.facts.session is not None:
                tally.unmatched += 1
        self._step(Event.ROUTED)
        self._learning.begin(home.session if home is not None else None, now)
        self.backend = route.backend
        ledger = self.ledger
        ledger.routed_at = now
        ledger.routed_by = route.by
        ledger.backend = route.backend.name
        if ledger.misses is not None:
            ledger.misses[-1].then = route.backend.name
        ledger.backend_host = route.backend.host
        ledger.phase = "dial"
        self._mark_stale(route, home)
        return [Dial(route.backend)]

    def _keep_together(self, route: Route, pool: Pool) -> Route:
        """What overrules the ladder: the mailbox's home, the other channel, an authenticated connection."""
        if route.by == "mailbox" and self._rules.homes:
            home = pool.by_name.get(self._rules.homes.get(str(self.facts.mailbox).lower(), ""))
            if home is not None and home.takes and home.name not in self._tried:
                route = Route(home, "mailbox", route.stale)
        if self.is_channel:
            key = (self.facts.mailbox or f"{self.ledger.user or ''}@{self.ledger.client_ip}").lower()
            self._leave_channel()
            backend = pool.by_name.get(self._rules.channels.home(key) or "")
            if backend is not None and backend.keeps and backend.name not in self._tried:
                route = Route(backend, "channel")
            self._channel = key, route.backend.name
            self._rules.channels.opened(*self._channel)
        if self._bond.tied:
            route = keep(self._bond, route, pool, self.facts.request_type in CREATING)
        return route

    def _mark_stale(self, route: Route, home: Home | None) -> None:
        self._stale = route.stale
        if route.stale and home is not None:
            self.ledger.error = f"cookies of a session on {home.backend} were not passed on"

    def _lose_session(self, lost: Lost, now: float) -> Actions:
        """Say that the session is gone, where that makes the client connect anew; else 503 (N4)."""
        facts, tally = self.facts, self._rules.tally
        told = facts.target.endpoint is not None and facts.request_type is not None
        if not told or facts.request_type in CREATING:
            tally.refused += 1
            return self._refuse(Refusal(503, lost.text, RETRY_AFTER), now)
        tally.lost += 1
        close = not self._keep_client
        answer = local.lose_session(self.head, lost.text, self.ledger, close=close)
        return self._answer(answer, now)

    def _verdict(self) -> Verdict:
        """What may be done about a request whose backend connection is lost now."""
        sent = {
            Asking.DECIDING: Sent.NOTHING,
            Asking.DIALING: Sent.NOTHING,
            Asking.SENDING: Sent.PART,
        }.get(self.asking, Sent.ALL)
        waiting = self.answering is Answering.WAITING
        received = Received.NOTHING if waiting else Received.PASSED_ON
        return may_send_again(self.facts.request_type, sent, received, self._kind)

    def _send_again(self, text: str, now: float) -> Actions:
        """The request has not run, or may run twice: choose anew and send it again."""
        self._again += 1
        self._rules.tally.resent += 1
        ledger = self.ledger
        self._missed(reached=True)
        ledger.error = f"sent again: {text}"
        self._step(Event.AGAIN)
        return [DropBackend(), *self._route(now)]

    def _may_send_again(self, verdict: Verdict) -> bool:
        return (
            verdict is not Verdict.BREAK
            # A request of an authenticated connection is nobody's on another one.
            and not self._bond.tied
            and self.answering is Answering.WAITING
            and self.asking in (Asking.SENDING, Asking.SENT)
            and self.kept is not None
            and self._again < _AGAIN
        )
