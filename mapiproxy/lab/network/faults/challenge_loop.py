"""challenge_loop: 401 for ever, whatever credentials come."""

from __future__ import annotations

from attrs import frozen

from mapiproxy.lab.network.faults.answering import Answers, answer, page
from mapiproxy.lab.network.faults.base import At
from mapiproxy.lab.network.pieces import Exchange
from mapiproxy.lab.network.reading import words


@frozen
class ChallengeLoop(Answers):
    """Each request gets 401 with one WWW-Authenticate for each of *schemes*."""

    schemes: tuple[str, ...] = words(("Negotiate", "NTLM"))

    def answer(self, exchange: Exchange, at: At) -> bytes | None:
        headers = [("WWW-Authenticate", scheme) for scheme in self.schemes]
        text = page("Unauthorized", "You are not authorized to view this page.")
        return answer(401, text, headers, method=exchange.head.method)
