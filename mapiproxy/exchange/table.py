"""The two half machines of an exchange and the rule that joins them; nothing else.

*Asking* is the request on its way from the client to a backend, *answering* the answer on its way back.
They move on their own: an answer may be complete before the request is (a 401 to a POST, as NTLM has
it), and a client may be gone while a backend still works. So there are two small tables instead of one
of products, and one joint rule: an exchange is over when neither half has anything left to do.

Events happen to one half or to both; a half that takes part in an event must have a row for its state,
otherwise the step is illegal, which is a bug of ours and never a peer's.
"""

from __future__ import annotations

from enum import IntEnum


class Asking(IntEnum):
    """Where the request is."""

    DECIDING = 0  # its head is here, nobody has been chosen
    DIALING = 1  # a backend has been chosen; no byte has left us
    SENDING = 2  # some of it has been given to the backend
    SENT = 3  # all of it has
    DROPPING = 4  # nobody wants it; what still comes is read and thrown away
    DROPPED = 5  # nobody wants it, and no more comes


class Answering(IntEnum):
    """Where the answer is."""

    WAITING = 0  # nothing of a final answer yet
    SENDING = 1  # its head has been given to the client
    UNHEARD = 2  # the client is gone; the backend may finish, into the void
    SENT = 3  # complete
    CUT = 4  # will never be complete


class Event(IntEnum):
    """What can happen to an exchange."""

    ROUTED = 0  # a backend was chosen
    REFUSED = 1  # we answered ourselves
    CONNECTED = 2  # a connection to the backend is ours
    DIAL_FAILED = 3  # the backend could not be reached
    REQUEST_END = 4  # the last byte of the request has been read
    RESPONSE_HEAD = 5  # a final head came from the backend
    RESPONSE_END = 6  # the last byte of the answer came
    CLIENT_LEFT = 7  # client gone, request complete: the backend may finish
    CLIENT_LOST = 8  # client gone, and the backend's connection goes as well
    BACKEND_LOST = 9  # the backend's connection is gone, or of no use any more
    AGAIN = 10  # so it is, and the request may be sent once more


class IllegalStep(Exception):
    """An event in a state that has no row for it: always our own bug."""


A, W, E = Asking, Answering, Event

ASKING: dict[tuple[Asking, Event], Asking] = {
    (A.DECIDING, E.ROUTED): A.DIALING,
    (A.DECIDING, E.REFUSED): A.DROPPING,
    (A.DECIDING, E.CLIENT_LOST): A.DROPPED,
    (A.DIALING, E.CONNECTED): A.SENDING,
    (A.DIALING, E.DIAL_FAILED): A.DECIDING,
    (A.DIALING, E.CLIENT_LOST): A.DROPPED,
    (A.SENDING, E.REQUEST_END): A.SENT,
    (A.SENDING, E.REFUSED): A.DROPPING,
    (A.SENDING, E.RESPONSE_HEAD): A.SENDING,
    (A.SENDING, E.RESPONSE_END): A.SENDING,
    (A.SENDING, E.BACKEND_LOST): A.DROPPING,
    (A.SENDING, E.CLIENT_LOST): A.DROPPED,
    (A.SENT, E.RESPONSE_HEAD): A.SENT,
    (A.SENT, E.RESPONSE_END): A.SENT,
    (A.SENT, E.BACKEND_LOST): A.SENT,
    (A.SENT, E.CLIENT_LEFT): A.SENT,
    (A.SENDING, E.AGAIN): A.DECIDING,
    (A.SENT, E.AGAIN): A.DECIDING,
    (A.SENT, E.CLIENT_LOST): A.SENT,
    (A.DROPPING, E.REQUEST_END): A.DROPPED,
    (A.DROPPING, E.CLIENT_LOST): A.DROPPED,
    (A.DROPPING, E.BACKEND_LOST): A.DROPPING,
    (A.DROPPED, E.CLIENT_LOST): A.DROPPED,
    (A.DROPPED, E.BACKEND_LOST): A.DROPPED,
}

ANSWERING: dict[tuple[Answering, Event], Answering] = {
    (W.WAITING, E.REFUSED): W.SENT,
    (W.WAITING, E.RESPONSE_HEAD): W.SENDING,
    (W.WAITING, E.CLIENT_LEFT): W.UNHEARD,
    (W.WAITING, E.CLIENT_LOST): W.CUT,
    (W.WAITING, E.BACKEND_LOST): W.CUT,
    (W.WAITING, E.AGAIN): W.WAITING,
    (W.SENDING, E.RESPONSE_END): W.SENT,
    (W.SENDING, E.CLIENT_LEFT): W.UNHEARD,
    (W.SENDING, E.CLIENT_LOST): W.CUT,
    (W.SENDING, E.BACKEND_LOST): W.CUT,
    (W.UNHEARD, E.RESPONSE_HEAD): W.UNHEARD,
    (W.UNHEARD, E.RESPONSE_END): W.CUT,
    (W.UNHEARD, E.CLIENT_LOST): W.CUT,
    (W.UNHEARD, E.BACKEND_LOST): W.CUT,
    (W.SENT, E.CLIENT_LOST): W.SENT,
    (W.SENT, E.BACKEND_LOST): W.SENT,
    (W.CUT, E.CLIENT_LOST): W.CUT,
    (W.CUT, E.BACKEND_LOST): W.CUT,
}

ASKING_EVENTS = frozenset(event for _, event in ASKING)
ANSWERING_EVENTS = frozenset(event for _, event in ANSWERING)

def _joint() -> dict[tuple[Asking, Answering, Event], tuple[Asking, Answering]]:
    """Both tables as one, for a single look-up a step."""
    joint = {}
    for asking in Asking:
        for answering in Answering:
            for event in Event:
                next_asking = ASKING.get((asking, event)) if event in ASKING_EVENTS else asking
                next_answering = (
                    ANSWERING.get((answering, event)) if event in ANSWERING_EVENTS else answering
                )
                if next_asking is not None and next_answering is not None:
                    joint[asking, answering, event] = next_asking, next_answering
    return joint


_STEPS = _joint()

#: Neither half has anything left to do in these pairs.
_ASKED = frozenset((A.SENT, A.DROPPED))
_ANSWERED = frozenset((W.SENT, W.CUT))


def step(asking: Asking, answering: Answering, event: Event) -> tuple[Asking, Answering]:
    """Both halves after *event*.

    :raise IllegalStep: a half takes part in *event* but has no row for it.
    """
    try:
        return _STEPS[asking, answering, event]
    except KeyError:
        raise IllegalStep(f"{event.name} in {asking.name}/{answering.name}") from None


def is_over(asking: Asking, answering: Answering) -> bool:
    """The joint rule: nothing is left to do."""
    return asking in _ASKED and answering in _ANSWERED
