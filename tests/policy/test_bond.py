"""When a connection is tied to its backend, and what may move it."""

from __future__ import annotations

import pytest

from mapiproxy.backends.fleet import Admin, Backend, Pool
from mapiproxy.backends.kind import Kind
from mapiproxy.mapi.credentials import NO_CHALLENGE, Challenge, Credentials, Step
from mapiproxy.policy.bond import Bond, keep
from mapiproxy.policy.routing import Route

TOKEN = Challenge(frozenset({"ntlm"}), token=True)
OFFER = Challenge(frozenset({"ntlm", "basic"}))
BEGIN = Credentials("ntlm", Step.BEGIN)
FINAL = Credentials("ntlm", Step.FINAL, "CORP\\alice")


def tied(backend: str = "one") -> Bond:
    return Bond(True, backend, scheme="NTLM", user="CORP\\alice")


def pool_of(kind: Kind = Kind.EXCHANGE) -> Pool:
    return Pool("mapi", kind, (Backend("one", "one", 443, kind=kind), Backend("two", "two", 443, kind=kind)))


def test_a_handshake_ties_from_its_first_token_on():
    bond = Bond()
    bond.asked(BEGIN, "NTLM")
    assert (bond.tied, bond.handshaking, bond.user) == (True, False, None)

    bond.answered(TOKEN, 401)
    assert bond.handshaking

    bond.asked(FINAL, "NTLM")
    bond.answered(NO_CHALLENGE, 200)
    assert (bond.tied, bond.handshaking, bond.scheme, bond.user) == (True, False, "NTLM", "CORP\\alice")


@pytest.mark.parametrize("scheme", ["basic", "bearer"])
def test_schemes_of_the_request_alone_tie_nothing_even_if_others_are_offered(scheme):
    bond = Bond()
    bond.asked(Credentials(None), None)
    bond.answered(OFFER, 401)
    bond.asked(Credentials(scheme, Step.FINAL, "alice"), scheme)
    bond.answered(NO_CHALLENGE, 200)
    assert not bond.tied


def test_an_empty_question_ties_nothing_and_a_token_of_the_server_does():
    bond = Bond()
    bond.asked(Credentials("bearer", Step.EMPTY), "Bearer")
    bond.asked(Credentials("negotiate", Step.EMPTY), "Negotiate")
    assert not bond.tied
    bond.answered(Challenge(persistent=True), 200)
    assert bond.tied


def test_whoever_is_refused_is_nobody():
    bond = tied()
    bond.answered(OFFER, 401)
    assert (bond.tied, bond.user) == (True, None)


def test_a_new_handshake_forgets_the_user_at_once():
    bond = tied()
    bond.asked(BEGIN, "NTLM")
    assert bond.user is None


def test_a_pair_that_is_given_up_leaves_nothing():
    bond = tied()
    bond.loosen()
    assert (bond.tied, bond.backend, bond.scheme, bond.user) == (False, None, None, None)


def test_an_authenticated_connection_stays_whatever_the_ladder_says():
    pool = pool_of()
    route = keep(tied(), Route(pool.by_name["two"], "session"), pool, False)
    assert (route.backend.name, route.by) == ("one", "connection")


def test_a_session_of_grommunio_lives_elsewhere_and_that_is_worth_a_new_handshake():
    pool = pool_of(Kind.GROMMUNIO)
    elsewhere = Route(pool.by_name["two"], "session")
    assert keep(tied(), elsewhere, pool, False) is elsewhere
    assert keep(tied(), Route(pool.by_name["two"], "mailbox"), pool, True).backend.name == "one"


def test_in_the_middle_of_a_handshake_there_is_no_elsewhere():
    pool = pool_of(Kind.GROMMUNIO)
    bond = tied()
    bond.handshaking = True
    pool.by_name["one"].admin = Admin.DRAIN
    assert keep(bond, Route(pool.by_name["two"], "session"), pool, True).backend.name == "one"


@pytest.mark.parametrize(("admin", "creating", "name"), [(Admin.DRAIN, True, "two"), (Admin.DRAIN, False, "one"),
                                                         (Admin.MAINT, False, "two")])  # fmt: skip
def test_a_backend_that_drains_gets_no_new_sessions_over_old_connections(admin, creating, name):
    pool = pool_of()
    pool.by_name["one"].admin = admin
    assert keep(tied(), Route(pool.by_name["two"], "mailbox"), pool, creating).backend.name == name


def test_a_virtual_directory_that_the_backend_does_not_serve_is_elsewhere():
    pool = pool_of()
    route = Route(pool.by_name["two"], "mailbox")
    assert keep(tied("three"), route, pool, False) is route
    assert keep(Bond(tied=True), route, pool, False) is route
