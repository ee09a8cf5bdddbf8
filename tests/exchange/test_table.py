"""The two half machines: everything that can be reached has a way to the end."""

from __future__ import annotations

import pytest

from mapiproxy.exchange.table import Answering, Asking, Event, IllegalStep, is_over, step

START = (Asking.DECIDING, Answering.WAITING)


def after(state):
    """States one legal event away."""
    reached = {}
    for event in Event:
        try:
            reached[event] = step(*state, event)
        except IllegalStep:
            continue
    return reached


def walk():
    """Every joint state that can be reached from the start."""
    seen, edge = {START}, [START]
    while edge:
        for state in after(edge.pop()).values():
            if state not in seen:
                seen.add(state)
                edge.append(state)
    return seen


def test_from_every_state_that_can_be_reached_the_exchange_can_end():
    """A state without a way out would be a connection that hangs for ever."""
    ends = {state for state in walk() if is_over(*state)}
    grown = True
    while grown:
        grown = False
        for state in walk() - ends:
            if ends & set(after(state).values()):
                ends.add(state)
                grown = True

    assert walk() - ends == set()


def test_the_ways_that_matter_are_there():
    """An answer before the request is finished (NTLM's 401), and a backend lost in mid-answer."""
    assert (Asking.SENDING, Answering.SENT) in walk()
    assert (Asking.SENT, Answering.CUT) in walk()
    assert (Asking.SENT, Answering.UNHEARD) in walk()


def test_a_request_is_never_sent_again_once_it_was_given_away():
    """N1: one event alone leads back to a choice of backend, and policy/replay.py stands before it."""
    for asking, answering in walk():
        if asking in (Asking.SENDING, Asking.SENT, Asking.DROPPING, Asking.DROPPED):
            follows = after((asking, answering)).items()
            followers = {following[0] for event, following in follows if event is not Event.AGAIN}
            assert not followers & {Asking.DECIDING, Asking.DIALING}


def test_an_answer_that_was_cut_never_becomes_complete():
    """N3."""
    for asking, answering in walk():
        if answering is Answering.CUT:
            assert {state[1] for state in after((asking, answering)).values()} <= {Answering.CUT}


@pytest.mark.parametrize(
    ("state", "event"),
    [
        (START, Event.CONNECTED),
        (START, Event.RESPONSE_HEAD),
        ((Asking.SENT, Answering.WAITING), Event.REQUEST_END),
        ((Asking.SENT, Answering.SENDING), Event.RESPONSE_HEAD),
        ((Asking.SENT, Answering.SENDING), Event.REFUSED),
        ((Asking.SENT, Answering.SENT), Event.DIAL_FAILED),
    ],
)
def test_an_illegal_step_has_a_name(state, event):
    with pytest.raises(IllegalStep, match=f"{event.name} in {state[0].name}/{state[1].name}"):
        step(*state, event)
