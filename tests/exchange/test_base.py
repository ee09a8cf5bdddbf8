"""What every step stands on."""

from __future__ import annotations

from support.script import Play, request


def test_the_repr_tells_the_state_and_no_secret():
    play = Play(request("Execute", "Cookie: MapiContext=verysecret", "Authorization: Basic YWxpY2U6cGFzc3dvcmQ="))
    play.do("begin")

    assert "Execute DIALING/WAITING" in repr(play.exchange)
    shown = repr(play.exchange) + repr(play.ledger) + repr(play.exchange.head) + repr(play.exchange.facts)
    assert not [word for word in ("verysecret", "password", "YWxpY2U6") if word in shown]


def test_the_ledger_knows_the_session_by_a_digest():
    play = Play(request("Execute", "Cookie: MapiContext=verysecret"))

    assert len(play.ledger.session) == 16


def test_a_wait_is_known_in_any_spelling():
    assert Play(request("NOTIFICATIONWAIT")).exchange.is_wait
    assert not Play(request("Execute")).exchange.is_wait
