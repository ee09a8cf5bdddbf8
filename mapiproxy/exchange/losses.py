"""What can go wrong with an exchange, and what its client gets to see of it.

The law is in the reference, section 6.3: what cannot have run may be said to have failed, what may have
run has to end in a connection that is visibly broken, and nothing is ever made to look complete that is
not (M13, N1, N3).
"""

from __future__ import annotations

from mapiproxy.exchange.actions import Arm, DropBackend, Timer
from mapiproxy.exchange.base import Actions
from mapiproxy.exchange.choosing import Choosing
from mapiproxy.exchange.table import Answering, Asking, Event
from mapiproxy.policy.illness import Blame
from mapiproxy.policy.refusals import Refusal
from mapiproxy.policy.replay import Verdict
from mapiproxy.policy.routing import RETRY_AFTER
from mapiproxy.record.ending import Ending
from mapiproxy.wire.errors import WireError
from mapiproxy.wire.reader import CLOSED


class Losses(Choosing):
    """The inputs that nobody wants."""

    def client_lost(self, now: float) -> Actions:
        """The client's connection is gone.

        A call that the backend has in full may have begun to run: it is left to finish unheard, so
        that its outcome can be learnt. A wait is closed at once (reference M14), and so is all else.
        """
        if self.answering is not Answering.SENT:
            self.ledger.ending = Ending.CLIENT_DISCONNECT
        self._keep_pulse()
        may_finish = (
            self.asking is Asking.SENT
            and self.answering in (Answering.WAITING, Answering.SENDING)
            and self.facts.request_type not in (None, "PING")
            and not self.is_wait
        )
        if may_finish:
            self._step(Event.CLIENT_LEFT)
            return [Arm(Timer.ORPHAN, self._rules.limits.orphan)]
        had_backend = self.asking in (Asking.SENDING, Asking.SENT)
        self._step(Event.CLIENT_LOST)
        self._keep_backend = False
        actions: Actions = [DropBackend()] if had_backend else []
        return actions + self._finish_if_over(now)

    def backend_lost(
        self, text: str, now: float, ending: Ending = Ending.BACKEND_LOST, blame: bool = True
    ) -> Actions:
        """The backend's connection is gone, or what it sends cannot be read.

        :param blame: whether that speaks against the backend's health.

        A request that cannot have run is sent again, unseen by its client, or at least said to have
        failed (503). Otherwise the outcome is not known, and the client has to see a broken
        connection (reference M12, M13, N3).
        """
        ledger = self.ledger
        self._keep_backend = False
        self._keep_pulse()
        self.blame = Blame(text, ending is Ending.TIMED_OUT) if blame else None
        verdict = self._verdict()
        if self._may_send_again(verdict):
            return self._send_again(text, now)
        if ledger.ending is Ending.DONE:
            ledger.ending, ledger.error = ending, text
        if verdict is not Verdict.BREAK and self.answering is Answering.WAITING and not self._bond.tied:
            self._rules.tally.refused += 1
            self._step(Event.AGAIN)
            refusal = Refusal(503, "the backend closed before it had the whole request", RETRY_AFTER)
            return [DropBackend(), *self._refuse(refusal, now)]
        heard = self.answering in (Answering.WAITING, Answering.SENDING)
        self._step(Event.BACKEND_LOST)
        actions: Actions = [DropBackend()]
        if self.asking is Asking.DROPPING and not heard:
            actions.append(Arm(Timer.LINGER, self._rules.limits.linger))
        if heard:
            self._rules.tally.broken += 1
            if self.answering is Answering.CUT and ledger.answer_at is None:
                kind = self.facts.request_type or "request"
                ledger.error = f"{ledger.error}; not sent again: the {kind} may have run"
            self._keep_client = False
            actions.append(self._cut())
            if self.asking is Asking.DROPPING:
                self._step(Event.CLIENT_LOST)
        return actions + self._finish_if_over(now)

    def backend_unreadable(self, error: WireError, now: float) -> Actions:
        """The backend sent what is no answer, or closed in the middle of one."""
        gone = error.text.startswith(CLOSED)
        ending = Ending.BACKEND_LOST if gone else Ending.PROTOCOL_ERROR
        return self.backend_lost(error.text, now, ending)

    def expired(self, timer: Timer, now: float) -> Actions:
        """Nothing has moved for as long as the last :class:`Arm` allowed."""
        ledger = self.ledger
        if timer is Timer.LINGER:
            self._step(Event.CLIENT_LOST)
            self._keep_client = False
            return [self._cut(), *self._finish_if_over(now)]
        if ledger.ending is Ending.DONE:
            ledger.ending = Ending.TIMED_OUT
        if timer is Timer.REQUEST:
            ledger.error = "the client stopped in the middle of its request"
            if self.answering is Answering.WAITING:
                refusal = Refusal(408, "the rest of the request did not come")
                self._keep_client = False
                return [DropBackend(), *self._refuse(refusal, now)]
            return self.client_lost_by_us(now)
        if timer is Timer.STALL:
            ledger.error = "the client did not take its answer"
            return self.client_lost_by_us(now)
        if timer is Timer.QUIET:
            self._rules.tally.hangs += 1
        text = self._waited(timer)
        if ledger.ending is Ending.TIMED_OUT:
            ledger.error = text
        if timer is Timer.ORPHAN:
            # A long Execute is nobody's fault; only its client did not wait for it.
            return self.backend_lost(text, now, Ending.TIMED_OUT, blame=False)
        return self.backend_lost(text, now, Ending.TIMED_OUT)

    def pair_lost(self, text: str, now: float) -> Actions:
        """The backend connection that this client is tied to has gone, or must not be used: the client's
        goes as well, and nothing has been sent. It comes back with a new one, and is authenticated anew.
        """
        self.ledger.ending, self.ledger.error = Ending.BACKEND_LOST, text
        self._keep_client = self._keep_backend = False
        self._step(Event.CLIENT_LOST)
        return [self._cut(), *self._finish_if_over(now)]

    def _waited(self, timer: Timer) -> str:
        if timer is Timer.ANSWER:
            return f"the backend did not begin to answer within {self._first_byte:g} s"
        if timer is Timer.QUIET:
            announced = f", though X-PendingPeriod is {self._period:g} s" if self._period else ""
            return f"hang: no PENDING and no data for {self._quiet:g} s{announced}"
        return "the backend did not finish for a client that was gone"

    def shut_down(self, now: float) -> Actions:
        """The proxy stops and waits no longer: both connections end, and the record says why."""
        if self.ledger.ending is Ending.DONE:
            self.ledger.ending = Ending.SHUTDOWN
            self.ledger.error = "the proxy was stopped"
        self._keep_pulse()
        self._keep_client = self._keep_backend = False
        self._step(Event.CLIENT_LOST)
        return [DropBackend(), self._cut(), *self._finish_if_over(now)]

    def session_over(self, text: str, now: float) -> Actions:
        """The session has been ended elsewhere: nobody waits for this answer any more."""
        self.ledger.ending, self.ledger.error = Ending.CLIENT_DISCONNECT, text
        return self.shut_down(now)

    def client_lost_by_us(self, now: float) -> Actions:
        """We end the client's connection in the middle of its exchange."""
        return [self._cut(), *self.client_lost(now)]

    def bad_request(self, error: WireError, now: float) -> Actions:
        """The request's body breaks the rules of its framing: nothing more of it may be believed."""
        self.ledger.ending = Ending.PROTOCOL_ERROR
        self.ledger.error = error.text
        self._keep_client = False
        if self.answering is Answering.WAITING and self.asking is not Asking.DECIDING:
            actions: Actions = [DropBackend()]
            if self.asking is Asking.SENDING:
                actions += self._refuse(Refusal(error.status, error.text), now)
            self._step(Event.CLIENT_LOST)
            return actions + self._finish_if_over(now)
        return self.client_lost_by_us(now)
