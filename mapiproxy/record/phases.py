"""Where the time of an exchange went: the moments of a ledger as phases that follow one another.

A phase that began but did not end lasts until the exchange ended; one that never began is ``None``. All is
in whole microseconds since the request's head was complete, so that sums are exact.
"""

from __future__ import annotations

from enum import StrEnum

from mapiproxy.record.ledger import Ledger


class Phase(StrEnum):
    """The last phase that began. Values are the words of ``Phase=`` in GenericInfo."""

    HEAD = "Head"
    DIAL = "Dial"
    REQUEST = "Request"
    WAIT = "Wait"
    ANSWER = "Answer"


#: (phase, end, routed, connected, asked, answered, done), each the moment at which that was reached.
#: ``asked``: the request was over, or the answer came before that (a 401 to a POST); ``answered``: the
#: answer's head was here; ``done``: its last byte was.
Moments = tuple[Phase, int, int | None, int | None, int | None, int | None, int | None]


def end_of(ledger: Ledger) -> int:
    """Microseconds from the head to the end of the exchange."""
    end = int((ledger.ended_at - ledger.head_at) * 1e6 + 0.5)
    return end if end > 0 else 0


def moments_of(ledger: Ledger) -> Moments:
    """The moments in their order, each within the exchange; never goes backwards whatever the ledger says."""
    head_at = ledger.head_at
    end = end_of(ledger)

    if ledger.routed_at is None:
        return Phase.HEAD, end, None, None, None, None, None
    routed = _within(0, int((ledger.routed_at - head_at) * 1e6 + 0.5), end)

    if ledger.connected_at is None:
        return Phase.DIAL, end, routed, None, None, None, None
    connected = _within(routed, int((ledger.connected_at - head_at) * 1e6 + 0.5), end)

    answer_at, asked_at = ledger.answer_at, ledger.request_ended_at
    if answer_at is None:
        if asked_at is None:
            return Phase.REQUEST, end, routed, connected, None, None, None
        asked = _within(connected, int((asked_at - head_at) * 1e6 + 0.5), end)
        return Phase.WAIT, end, routed, connected, asked, None, None
    if asked_at is None or asked_at > answer_at:
        asked_at = answer_at
    asked = _within(connected, int((asked_at - head_at) * 1e6 + 0.5), end)
    answered = _within(asked, int((answer_at - head_at) * 1e6 + 0.5), end)

    if ledger.answer_ended_at is None:
        return Phase.ANSWER, end, routed, connected, asked, answered, None
    done = _within(answered, int((ledger.answer_ended_at - head_at) * 1e6 + 0.5), end)
    return Phase.ANSWER, end, routed, connected, asked, answered, done


def _within(low: int, value: int, high: int) -> int:
    return low if value < low else high if value > high else value
