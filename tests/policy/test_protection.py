"""What Extended Protection makes of certificates, and when they drift apart."""

from __future__ import annotations

from mapiproxy.backends.kind import Kind
from mapiproxy.policy.protection import Drift, Leaf, judge

A, B = "9f3a" + "0" * 60, "41c0" + "0" * 60
MINE = [Leaf("mail", A)]


def test_the_same_certificate_is_what_it_takes():
    assert judge("mail", MINE, Leaf("exch1", A), Kind.EXCHANGE) is None
    assert judge("mail", [*MINE, Leaf("mail", B)], Leaf("exch1", B), Kind.EXCHANGE) is None


def test_another_one_is_a_mismatch_in_the_words_people_search_for():
    assert judge("mail", MINE, Leaf("exch1", B), Kind.EXCHANGE) == (
        "EP mismatch: listener leaf 9f3a.. != exch1 leaf 41c0..; "
        "Extended Protection would reject NTLM (0xC000035B)"
    )


def test_plain_http_on_either_side_makes_it_impossible():
    assert judge("mail", MINE, Leaf("exch1", None, tls=False), Kind.EXCHANGE) == (
        "EP impossible: backend exch1 is http:// (SSL offload), Exchange 2019 CU14+ enables EP by default"
    )
    assert "listener mail is plain http" in (judge("mail", [], Leaf("exch1", A), Kind.EXCHANGE) or "")


def test_grommunio_has_no_such_thing_and_what_is_not_known_is_not_judged():
    assert judge("mail", MINE, Leaf("gx", B), Kind.GROMMUNIO) is None
    assert judge("mail", MINE, Leaf("exch1", None), Kind.EXCHANGE) is None


def test_drift_says_who_renewed_and_since_when_and_says_it_once():
    drift = Drift()
    assert drift.compare("mail", MINE, Leaf("exch2", A), Kind.EXCHANGE, "2026-11-01") is None

    line = drift.compare("mail", [Leaf("mail", B)], Leaf("exch2", A), Kind.EXCHANGE, "2026-11-20")

    assert line is not None
    assert line.startswith("CERT drift since 2026-11-01: listener mail renewed, exch2 not; EP mismatch: ")
    assert drift.compare("mail", [Leaf("mail", B)], Leaf("exch2", A), Kind.EXCHANGE, "2026-11-21") is None
    assert [*drift.lines.values()] == [line]


def test_it_may_be_the_server_that_renewed_and_it_may_end():
    drift = Drift()
    drift.compare("mail", MINE, Leaf("exch2", A), Kind.EXCHANGE, "1")
    line = drift.compare("mail", MINE, Leaf("exch2", B), Kind.EXCHANGE, "2")
    assert line is not None
    assert "exch2 renewed, listener mail not" in line

    over = drift.compare("mail", [Leaf("mail", B)], Leaf("exch2", B), Kind.EXCHANGE, "3")
    assert over == "certificates of listener mail and exch2 agree again"
    assert drift.lines == {}


def test_a_mismatch_from_the_beginning_is_no_drift_and_is_said_once():
    drift = Drift()
    first = drift.compare("mail", MINE, Leaf("exch1", B), Kind.EXCHANGE, "1")
    assert first is not None
    assert first.startswith("EP mismatch")
    assert drift.compare("mail", MINE, Leaf("exch1", B), Kind.EXCHANGE, "2") is None


def test_a_server_that_is_silent_for_a_while_changes_nothing():
    drift = Drift()
    drift.compare("mail", MINE, Leaf("exch1", B), Kind.EXCHANGE, "1")
    assert drift.compare("mail", MINE, Leaf("exch1", None), Kind.EXCHANGE, "2") is None
    assert len(drift.lines) == 1


def test_servers_that_are_gone_are_forgotten():
    drift = Drift()
    drift.compare("mail", MINE, Leaf("exch1", B), Kind.EXCHANGE, "1")
    drift.compare("mail", MINE, Leaf("exch2", A), Kind.EXCHANGE, "1")
    drift.forget({"exch2"})
    assert drift.lines == {}
    assert drift.known == {"exch2": A}
