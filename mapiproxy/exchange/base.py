"""What every step of an exchange stands on: its state, its two half machines, its ledger.

Kept apart from the steps so that each file answers one question: ``exchange.py`` the ordinary course,
``losses.py`` what can go wrong, this one what both need.
"""

from __future__ import annotations

from mapiproxy.backends.fleet import Backend
from mapiproxy.backends.sessions import Session
from mapiproxy.backends.vdir import MAPI
from mapiproxy.exchange import local
from mapiproxy.exchange.actions import Action, Arm, CutClient, Finish, Timer, ToClient
from mapiproxy.exchange.learning import Learning
from mapiproxy.exchange.table import Answering, Asking, Event, is_over, step
from mapiproxy.mapi.pulse import Pulse
from mapiproxy.mapi.reading import RequestFacts, read_request, read_target
from mapiproxy.policy.bond import Bond
from mapiproxy.policy.channels import CHANNEL_METHODS
from mapiproxy.policy.headers import Hop
from mapiproxy.policy.illness import Blame
from mapiproxy.policy.refusals import Refusal
from mapiproxy.policy.routecookie import NAME
from mapiproxy.policy.rules import Rules, Timeouts
from mapiproxy.record.ledger import Ledger, Miss
from mapiproxy.wire.heads import RequestHead

Actions = list[Action]


class ExchangeBase:
    """State of one exchange, and how it is moved.

    :ivar pulse: watcher for the answer's payload, or ``None``; set when the answer's head has come.
    :ivar kept: body pieces that the backend was given, while the request may have to be sent again;
        whoever passes pieces on puts them here, and ``None`` when they are too many.
    :ivar blame: what the backend did wrong, if it did; ``None`` as well when it was not asked.
    :ivar dechunk: the client gets the payload without chunk framing (it speaks HTTP/1.0).
    """

    def __init__(
        self, rules: Rules, head: RequestHead, hop: Hop, ledger: Ledger, bond: Bond | None = None
    ) -> None:
        self.asking = Asking.DECIDING
        self.answering = Answering.WAITING
        self.head = head
        self.ledger = ledger
        self.pulse: Pulse | None = None
        self.kept: list[bytes] | None = []
        self.blame: Blame | None = None
        self.backend: Backend | None = None
        self.dechunk = False
        self.over = False
        self._rules = rules
        self._hop = hop
        self._pool = rules.pool_for(read_target(head.target).path)
        self._kind = self._pool.kind if self._pool is not None else rules.kind
        self._vdir = self._pool.vdir if self._pool is not None else MAPI
        ledger.protocol = self._vdir.shape.protocol
        ledger.pool = rules.name
        self._bond = bond if bond is not None else Bond()
        self.facts: RequestFacts = read_request(head, self._kind, NAME)
        if self.facts.session is not None:
            ledger.session = self.facts.session.hex()[:16]
        self._learning = Learning(rules.sessions, self.facts, self._kind, ledger)
        self._tried: list[str] = []
        self._refused: list[str] = []
        self._again = 0
        self._complete = False
        self._stale = False
        self._keep_client = head.keep_alive
        self._keep_backend = False
        self._ends_by_closing = False
        self._first_byte, self._quiet, self._client_quiet = self._patience(rules.limits)
        #: What its channel is registered under, and where; ``None`` for what is none.
        self._channel: tuple[str, str] | None = None
        #: The mailbox under which the request is counted.
        self._counted: str | None = None
        if self.is_channel:
            # Without end, and never to be sent again.
            self.kept = None
        self._period: float | None = None

    def __repr__(self) -> str:
        ledger = self.ledger
        return (
            f"<Exchange {ledger.request_id[:8]} {self.facts.request_type} "
            f"{self.asking.name}/{self.answering.name} {ledger.backend} pulses={ledger.pulses}>"
        )

    @property
    def session(self) -> Session | None:
        """What is known of the session that the request belongs to, or has made."""
        return self._learning.session

    @property
    def is_wait(self) -> bool:
        """Whether it is a long poll, which may end at any time without harm (reference 7)."""
        return self.facts.request_type == "NotificationWait"

    @property
    def is_channel(self) -> bool:
        """Whether it is a channel of Outlook Anywhere, open for as long as both ends want it."""
        return self._vdir.name == "rpc" and self.head.method in CHANNEL_METHODS

    def _patience(self, limits: Timeouts) -> tuple[float, float, float]:
        """Seconds in which the answer need not begin, the answer need not go on, the request neither."""
        if self.is_channel:
            return limits.long_poll, limits.long_poll, limits.long_poll
        if self._vdir.name == "microsoft-server-activesync":
            # A Ping is answered when there is mail, or when its heartbeat (an hour at most) is over.
            return max(limits.first_byte, limits.long_poll), limits.quiet, limits.client_quiet
        return limits.first_byte, limits.quiet, limits.client_quiet

    def _step(self, event: Event) -> None:
        self.asking, self.answering = step(self.asking, self.answering, event)

    def _refuse(self, refusal: Refusal, now: float) -> Actions:
        if refusal.status == 503:
            # Whoever comes back comes to a connection without a past (reference 6.3).
            self._keep_client = False
        close = not self._keep_client
        return self._answer(local.refuse(refusal, self.ledger, self.head.method, close=close), now)

    def _answer(self, answer: bytes, now: float) -> Actions:
        self._step(Event.REFUSED)
        if self._complete:
            self._step(Event.REQUEST_END)
        actions: Actions = [ToClient(answer), Arm(Timer.LINGER, self._rules.limits.linger)]
        return actions + self._finish_if_over(now)

    def _missed(self, *, reached: bool) -> None:
        """The chosen backend does not serve the request; perhaps another one will."""
        ledger = self.ledger
        ledger.retries += 1
        if ledger.misses is None:
            ledger.misses = []
        ledger.misses.append(Miss(str(ledger.backend), reached))

    def _leave_channel(self) -> None:
        if self._channel is not None:
            self._rules.channels.closed(*self._channel)
            self._channel = None

    def _cut(self) -> CutClient:
        """A close that nobody can take for the end of the answer (reference 5.3, N3)."""
        return CutClient(hard=self._ends_by_closing)

    def _keep_pulse(self) -> None:
        """Move what the pulse has seen into the ledger."""
        pulse = self.pulse
        if pulse is not None:
            self.ledger.pulses = pulse.beats
            self.ledger.late_response_code = pulse.code
            self.ledger.elapsed_ms = pulse.elapsed_ms(self._kind)

    def _finish_if_over(self, now: float) -> Actions:
        if not is_over(self.asking, self.answering):
            return []
        self.over = True
        self.ledger.ended_at = now
        self._learning.finish()
        self._leave_channel()
        if self._counted is not None:
            self._rules.usage.end(self.ledger.client_ip, self._counted)
        return [Finish(self._keep_client and not self._rules.stopping, self._keep_backend)]
