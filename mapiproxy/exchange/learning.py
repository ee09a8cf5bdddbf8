"""What one exchange teaches about its session: where it lives, that it lives on, that it has ended.

Kept apart from the exchange because the rules are the protocol's, not the connection's (reference M6,
4.2): a Set-Cookie alone proves nothing, an answer with code 0 to a Connect or Bind does; every good answer
refreshes; Disconnect, Unbind and the codes that mean gone end it.
"""

from __future__ import annotations

from mapiproxy.backends.kind import Kind
from mapiproxy.backends.sessions import Session, Sessions, State
from mapiproxy.mapi.reading import AnswerFacts, RequestFacts
from mapiproxy.mapi.vocabulary import CREATING, ENDING, ends_session
from mapiproxy.policy.routing import client_of
from mapiproxy.record.ledger import Ledger

#: A session is kept at least so long after its last answer, in seconds: X-ExpirationInfo of a Connect
#: may be shorter than what the server really allows (reference 15, doubt 8).
LEAST_LIFE = 900.0
#: And so much longer than it announces: gromox has a hidden grace of 60 s (reference 6.1).
SLACK = 120.0


class Learning:
    """The session side of one exchange.

    :ivar session: what is known of it; ``None`` while nothing is.
    """

    __slots__ = ("_begun", "_facts", "_fresh", "_kind", "_ledger", "_sessions", "session")

    def __init__(self, sessions: Sessions, facts: RequestFacts, kind: Kind, ledger: Ledger) -> None:
        self.session: Session | None = None
        self._sessions = sessions
        self._facts = facts
        self._kind = kind
        self._ledger = ledger
        self._begun: Session | None = None
        self._fresh = False

    def begin(self, session: Session | None, now: float) -> None:
        """The request is let through: its session must not expire while it runs."""
        self.session = session
        if session is not None and self._begun is None:
            self._begun = session
            session.calls += 1
            session.used = now
            self._note(session)

    def answer(self, facts: AnswerFacts, status: int, backend: str, stale: bool, now: float) -> None:
        """The head of the answer.

        :param stale: the backend was not shown the session's cookies.
        """
        if status != 200 or facts.code is None:
            return
        asked = self._facts.session
        if facts.code != 0:
            self._disowned(facts.code, backend, stale, now)
            return
        endpoint = self._facts.target.endpoint
        until = now + max(facts.expiration or 0.0, LEAST_LIFE) + SLACK
        creating = self._facts.request_type in CREATING
        key = facts.session
        if key is None:
            key = asked if not creating else None
        if key is None or endpoint is None or (not creating and asked is None):
            return
        old = self.session
        if creating and old is not None and key not in old.keys:
            # A reconnect: the server destroys the context whose cookies came along (R1277).
            self._sessions.drop(old)
            old = None
        session = self._sessions.learn(key, backend, endpoint, until, now, None if creating else old)
        if creating:
            # The line of a Connect is one of those of the session that it has made.
            self._ledger.session = key.hex()[:16]
        if session is not old:
            self.session = session
            self._fresh = True
            self._note(session)

    def end(self, status: int | None, code: int | None, late: int | None, backend: str, now: float) -> bool:
        """The answer is complete, with the code that came after DONE if one did.

        Returns whether the session has been ended by this call (a Disconnect or Unbind).
        """
        final = late if late is not None else code
        if status != 200 or final is None:
            return False
        if late is not None and late != 0:
            self._disowned(late, backend, False, now)
        if final == 0 and self._facts.request_type in ENDING and self.session is not None:
            self._sessions.drop(self.session)
            return True
        return False

    def finish(self) -> None:
        """The exchange is over, however it ended."""
        if self._begun is not None:
            self._begun.calls -= 1
            self._begun = None

    def _disowned(self, code: int, backend: str, stale: bool, now: float) -> None:
        asked, endpoint = self._facts.session, self._facts.target.endpoint
        if asked is None or endpoint is None or stale or not ends_session(code, self._kind):
            return
        session = self.session
        key = session.keys[-1] if session is not None else asked
        self._sessions.disown(key, backend, endpoint, now + LEAST_LIFE, now)

    def _note(self, session: Session) -> None:
        """What the request's head says of the session, for people."""
        ledger = self._ledger
        session.requests += 1
        if session.client_ip != ledger.client_ip:
            # Of no consequence whatever, and what people want to know (complaint 35).
            ledger.moved_from = session.client_ip or None
            session.client_ip = ledger.client_ip
        if ledger.user is not None:
            session.user = ledger.user
        if session.mailbox is None or self._fresh:
            session.mailbox = ledger.mailbox
            session.application = ledger.client_application or ledger.user_agent
        client = client_of(self._facts)
        if client is not None and client != session.client and session.state is State.LIVE:
            self._sessions.know_client(session, client)
