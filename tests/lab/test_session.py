"""The client's side of a context, and a wait under way."""

from __future__ import annotations

from twisted.internet.defer import Deferred

from mapiproxy.lab.session import Session, Waiting


def test_request_ids_rise_and_another_context_has_another_guid() -> None:
    session = Session("emsmdb")
    first, second = session.next_id(), session.next_id()
    assert first == f"{session.guid}:1"
    assert second == f"{session.guid}:2"
    session.renew()
    assert session.next_id().endswith(":1")
    assert not first.startswith(session.guid)


def test_a_wait_opens_pulses_and_fires_everything_in_the_end() -> None:
    waiting = Waiting(Deferred())
    waiting.word("PROCESSING")
    assert (waiting.opened.called, waiting.pulsed.called) == (True, False)
    waiting.word("PENDING")
    waiting.word("PENDING")
    waiting.word(None)
    assert waiting.pulsed.called
    never = Waiting(Deferred())
    never.word(None)
    assert (never.opened.called, never.pulsed.called) == (True, True)
