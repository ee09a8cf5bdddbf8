"""What one exchange teaches about its session: where it lives, that it lives on, that it has ended.

Kept apart from the exchange because the rules are the protocol's, not the connection's (reference M6,
4.2): a Set-Cookie alone proves nothing, an answer with code 0 to a Connect or Bind does; every good answer
refreshes; Disconnect, Unbind and the codes that mean gone forget.
"""

from __future__ import annotations

from mapiproxy.backends.kind import Kind
from mapiproxy.backends.ties import Ties
from mapiproxy.mapi.reading import AnswerFacts, RequestFacts
from mapiproxy.mapi.vocabulary import CREATING, ENDING, ends_session

#: A session is kept at least so long after its last answer, in seconds: X-ExpirationInfo of a Connect
#: may be shorter than what the server really allows (reference 15, doubt 8).
LEAST_LIFE = 900.0
#: And so much longer than it announces: gromox has a hidden grace of 60 s (reference 6.1).
SLACK = 120.0


class Learning:
    """The session side of one exchange."""

    __slots__ = ("_begun", "_facts", "_kind", "_sessions", "_ties")

    def __init__(self, ties: Ties, facts: RequestFacts, kind: Kind) -> None:
        self._ties = ties
        self._facts = facts
        self._kind = kind
        self._begun = False
        self._sessions: tuple[bytes, ...] = (facts.session,) if facts.session is not None else ()

    def begin(self) -> None:
        """The request goes out: its session must not expire while it runs."""
        if self._facts.session is not None:
            self._begun = True
            self._ties.begin(self._facts.session)

    def answer(self, facts: AnswerFacts, status: int, backend: str, now: float) -> None:
        """The head of the answer."""
        if status != 200 or facts.code is None:
            return
        asked = self._facts.session
        if facts.code != 0:
            if asked is not None and ends_session(facts.code, self._kind):
                self._ties.untie(asked)
            return
        until = now + max(facts.expiration or 0.0, LEAST_LIFE) + SLACK
        creates = self._facts.request_type in CREATING
        if facts.session is not None and (creates or asked is not None):
            self._ties.tie(facts.session, backend, until)
            if facts.session != asked:
                self._sessions += (facts.session,)
        if asked is not None and asked != facts.session and not creates:
            self._ties.tie(asked, backend, until)

    def end(self, status: int | None, code: int | None, late: int | None) -> None:
        """The answer is complete, with the code that came after DONE if one did."""
        final = late if late is not None else code
        if status != 200 or final is None:
            return
        ended = final == 0 and self._facts.request_type in ENDING
        if ended or (final != 0 and ends_session(final, self._kind)):
            for session in self._sessions:
                self._ties.untie(session)

    def finish(self) -> None:
        """The exchange is over, however it ended."""
        if self._begun and self._facts.session is not None:
            self._begun = False
            self._ties.finish(self._facts.session)
