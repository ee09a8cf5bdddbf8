"""One request and its answer: what has happened so far, and what is to be done about it.

The net room tells an :class:`Exchange` what happened and carries out the actions it gets back. Body pieces
do not come here, only the edges of messages and losses: the table decides what they do to the two halves,
the rules decide what follows, the ledger keeps what the log will say.
"""

from __future__ import annotations

from mapiproxy.backends.fleet import Pool
from mapiproxy.backends.sessions import State
from mapiproxy.exchange import local
from mapiproxy.exchange.actions import Arm, DropBackend, EndWaits, Timer, ToBackend, ToClient
from mapiproxy.exchange.base import Actions
from mapiproxy.exchange.editing import Editing
from mapiproxy.exchange.table import Answering, Asking, Event
from mapiproxy.mapi.pulse import Pulse
from mapiproxy.mapi.reading import read_answer
from mapiproxy.policy.admission import admit
from mapiproxy.policy.headers import answer_for_client, request_for_backend
from mapiproxy.policy.illness import illness_of
from mapiproxy.policy.refusals import CONTINUE, Refusal
from mapiproxy.policy.routecookie import NAME, set_cookie_line
from mapiproxy.policy.routing import RETRY_AFTER
from mapiproxy.record.ending import Ending
from mapiproxy.wire.framing import CHUNKED, UNTIL_CLOSE
from mapiproxy.wire.heads import ResponseHead
from mapiproxy.wire.scanner import Tap

#: Cookies that are not for the backend: our own, and with them the two of another grommunio (M7).
_NONE: frozenset[bytes] = frozenset()
_OURS = frozenset((NAME,))
_OURS_AND_THEIRS = _OURS | {b"sid", b"sequence"}

#: Answered here for each virtual directory, as Exchange's front end does: it tells whether *this* front
#: end can serve.
HEALTH_PAGE = "/healthcheck.htm"


class Exchange(Editing):
    """One request of a client and its answer.

    Every input returns actions, in the order in which they are to be carried out; after a Finish there
    are no more. The methods come in the order of an ordinary exchange.
    """

    def begin(self, now: float) -> Actions:
        """The request's head is here: let it in and choose a backend, or answer it."""
        refusal = admit(self.head)
        if refusal is not None:
            return self._refuse(refusal, now)
        if self._pool is None:
            return self._refuse(Refusal(404, f"nothing is published at {self._shown_path()!r}"), now)
        refusal = self._refuse_stranger(now)
        if refusal is not None:
            return self._refuse(refusal, now)
        if self._asks_for_health():
            return self._tell_health(self._pool, now)
        return self._check_credentials(now) or self._check_mapi_http(now) or self._route(now)

    def connected(self, fresh: bool, body_is_here: bool, now: float) -> Actions:
        """A connection to the chosen backend is ours.

        :param fresh: it was dialled for this request.
        :param body_is_here: the client did not wait for our 100.
        """
        self._step(Event.CONNECTED)
        ledger = self.ledger
        ledger.connected_at = ledger.request_started_at = now
        ledger.new_connection = fresh
        without = _OURS_AND_THEIRS if self._stale else _OURS
        if self.facts.route is None and not self._stale:
            without = _NONE
        dropped = self._not_for_backend()
        actions: Actions = [ToBackend(request_for_backend(self.head, self._hop, without, dropped))]
        if self._again and self.kept:
            actions.append(ToBackend(b"".join(self.kept)))
        if self._complete:
            self._step(Event.REQUEST_END)
            return [*actions, *self._all_sent(now)]
        if self.head.expects_continue and not body_is_here and not self._again:
            actions.append(ToClient(CONTINUE))
        actions.append(Arm(Timer.REQUEST, self._client_quiet))
        return actions

    def dial_failed(self, text: str, now: float, refused: bool = False) -> Actions:
        """The backend could not be reached; nothing of the request has left us, so try another.

        :param refused: nobody listens there: its process is gone, and what it held in memory.
        """
        self._step(Event.DIAL_FAILED)
        if refused:
            self._refused.append(str(self.ledger.backend))
        ledger = self.ledger
        ledger.error = text
        self._missed(reached=False)
        self._tried.append(str(ledger.backend))
        if len(self._tried) >= self._rules.max_dials:
            ledger.ending = Ending.CONNECT_FAILED
            self._rules.tally.refused += 1
            return self._refuse(Refusal(503, "no backend could be reached", RETRY_AFTER), now)
        actions = self._route(now)
        if ledger.status == 503:
            ledger.ending = Ending.CONNECT_FAILED
        return actions

    def request_end(self, now: float) -> Actions:
        """The last byte of the request has been read (and, if anybody wants it, passed on)."""
        self._step(Event.REQUEST_END)
        self._complete = True
        if self.asking is Asking.SENT:
            return self._all_sent(now)
        return self._finish_if_over(now)

    def _all_sent(self, now: float) -> Actions:
        self.ledger.request_ended_at = now
        self.ledger.phase = "wait"
        if self.answering is Answering.WAITING:
            return [Arm(Timer.ANSWER, self._first_byte)]
        return self._finish_if_over(now)

    def interim(self, head: ResponseHead) -> Actions:
        """A 1xx answer: goes through, but for a 100 that we have given already."""
        if self.answering is not Answering.WAITING or self.head.version == b"1.0":
            return []
        if head.status == 100 and self.head.expects_continue:
            return []
        return [ToClient(head.raw)]

    def response_head(self, head: ResponseHead, now: float) -> Actions:
        """The final answer's head: learn from it, and pass it on."""
        ledger = self.ledger
        if head.status == 408 and not ledger.new_connection and self.answering is Answering.WAITING:
            # It belongs to the time in which the connection was idle (reference M15).
            text = "the backend had closed the idle connection (408)"
            return self.backend_lost(text, now, blame=False)
        self._step(Event.RESPONSE_HEAD)
        self.kept = None
        facts = read_answer(head, self.facts.target.endpoint, self._kind)
        self._learning.answer(facts, head.status, str(ledger.backend), self._stale, now)
        self.blame = illness_of(head.status, facts.code, self._kind)
        framing = head.framing_for(self.head.method)
        self.dechunk = self.head.version == b"1.0" and framing == CHUNKED
        self._ends_by_closing = self.dechunk or framing == UNTIL_CLOSE
        self._keep_backend = head.keep_alive and framing != UNTIL_CLOSE
        close = self._rules.stopping or not self._keep_client
        if close or self.dechunk or not self._keep_backend:
            self._keep_client = False
        if facts.pending_period is not None:
            # Three missed PENDING mean a hang (reference M2, A.3).
            self._period = facts.pending_period
            self._quiet = max(60.0, 3 * facts.pending_period)
        if self.facts.target.endpoint is not None and head.status == 200 and not facts.code:
            self.pulse = Pulse()
        first = head.first
        ledger.answer_at = now
        ledger.backend_status = head.status
        if self.answering is not Answering.UNHEARD:
            ledger.status = head.status
        ledger.response_code = facts.code
        # MAPI has the former, OWA and what a front end answers itself the latter.
        ledger.backend_version = _text(first.get(b"x-serverapplication") or first.get(b"x-owa-version"))
        ledger.backend_request_id = _text(first.get(b"request-id"))
        ledger.phase = "answer"
        said = self._note_challenge(head, now)
        if self.answering is Answering.UNHEARD:
            return [*said, Arm(Timer.ORPHAN, self._rules.limits.orphan)]
        if self._is_to_be_edited(head):
            return [*said, Arm(Timer.QUIET, self._quiet)]
        answer = answer_for_client(
            head,
            close=close,
            dechunk=self.dechunk,
            more=self._route_cookie(),
            schemes=self._vdir.schemes if head.status == 401 else None,
        )
        return [*said, ToClient(answer), Arm(Timer.QUIET, self._quiet)]

    def watch(self, payload: Tap | None) -> Tap | None:
        """Who wants to see the answer's payload: the pulse, *payload* for a client that gets it bare."""
        pulse = self.pulse
        if self.edited is not None:
            return self.gather
        if pulse is None or payload is None:
            return payload if pulse is None else pulse.feed

        def both(piece: bytes) -> None:
            pulse.feed(piece)
            payload(piece)

        return both

    def response_end(self, now: float) -> Actions:
        """The answer is complete."""
        ledger = self.ledger
        ledger.answer_ended_at = now
        self._keep_pulse()
        late = ledger.late_response_code
        ended = self._learning.end(
            ledger.backend_status, ledger.response_code, late, str(ledger.backend), now
        )
        if late:
            self.blame = illness_of(200, late, self._kind)
        self._step(Event.RESPONSE_END)
        ends: Actions = self._publish()
        if ended and self.facts.session is not None:
            # grommunio leaves them open (observed).
            ends.append(EndWaits(self.facts.session))
        if self.asking is Asking.SENDING:
            if self._keep_backend:
                return [*ends, Arm(Timer.REQUEST, self._client_quiet)]
            # Answered early, and the backend hears no more: the rest is read and thrown away, so
            # that our answer is not overtaken by a reset.
            self._step(Event.BACKEND_LOST)
            return [*ends, DropBackend(), Arm(Timer.LINGER, self._rules.limits.linger)]
        return ends + self._finish_if_over(now)

    def _route_cookie(self) -> tuple[bytes, ...]:
        """The line that tells the client where its session lives, if it does not say so itself."""
        keys, session = self._rules.route_keys, self._learning.session
        pool, endpoint = self._pool, self.facts.target.endpoint
        if keys is None or session is None or pool is None or endpoint is None:
            return ()
        if session.state is not State.LIVE:
            return ()
        key = session.keys[-1]
        value = keys.issue(pool.name, session.backend, key)
        session.route = value
        if self.facts.route == value:
            return ()
        path = b"/mapi/" + endpoint.value.encode("ascii")
        return (set_cookie_line(value, path, self._hop.secure),)

    def _asks_for_health(self) -> bool:
        path = self.facts.target.path.lower()
        if not path.endswith(HEALTH_PAGE) or self.head.method not in (b"GET", b"HEAD"):
            return False
        return path.removesuffix(HEALTH_PAGE) in self._vdir.shape.paths

    def _tell_health(self, pool: Pool, now: float) -> Actions:
        rules = self._rules
        if rules.stopping or not pool.able():
            return self._refuse(Refusal(503, f"no backend of {pool.title!r} is in service"), now)
        close = not self._keep_client
        return self._answer(
            local.tell_health(rules.server_name, self.ledger, self.head.method, close=close), now
        )

    def _shown_path(self) -> str:
        path = self.facts.target.path[:64]
        return path.encode("unicode_escape").decode("ascii")


def _text(value: bytes | None) -> str | None:
    return None if value is None else value.decode("latin-1")
