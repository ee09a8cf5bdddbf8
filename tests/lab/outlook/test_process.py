"""Each event in a machine's life, in each state that it can come upon, with both kinds of server."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from attrs import evolve
from support.outlooks import ANNA, QUIET, TEAM, Place, counts, own

from mapiproxy.lab.outlook import Outlook, Recovery
from mapiproxy.lab.outlook.uplink import Offline

KINDS = pytest.mark.parametrize("kind", ["exchange", "grommunio"])
STATES = pytest.mark.parametrize("state", ["idle", "running", "event"])
#: How long an Execute takes here.
TAKES = 1.0
#: Two X-PendingPeriods and a bit: when a client gives up what is silent.
PATIENCE = 63.0


def short_sleep(place: Place, outlook: Outlook) -> None:
    outlook.hibernate()
    place.net.run(60)
    outlook.resume()


def long_sleep(place: Place, outlook: Outlook) -> None:
    """Longer than a context lives."""
    outlook.hibernate()
    place.net.run(2000)
    outlook.resume()


def forgotten_sleep(place: Place, outlook: Outlook) -> None:
    """A firewall has forgotten the connections, and says nothing."""
    outlook.hibernate()
    place.net.run(60)
    place.net.swallow()
    outlook.resume()


def closed_sleep(place: Place, outlook: Outlook) -> None:
    """The server has closed the connections meanwhile."""
    outlook.hibernate()
    place.net.run(60)
    for connection in list(place.server.connections):
        connection.transport.loseConnection()
    place.net.run(1)
    outlook.resume()


def stopped(place: Place, outlook: Outlook) -> None:
    outlook.pause()
    place.net.run(60)
    outlook.resume()


def silent_switch(place: Place, outlook: Outlook) -> None:
    outlook.switch_network("127.0.0.9", gap=3.0)


def loud_switch(place: Place, outlook: Outlook) -> None:
    outlook.switch_network("127.0.0.9", gap=3.0, reset=True)


def flap(place: Place, outlook: Outlook) -> None:
    outlook.vpn_flap(gap=3.0)


def long_unplugged(place: Place, outlook: Outlook) -> None:
    outlook.unplug()
    place.net.run(100)
    outlook.plug()


#: Event → what it costs: (contexts lost, longest time without service at most, connections at least).
#: Of an Execute that runs meanwhile the outcome is unknown where the connection dies under it.
SLEEPS: dict[Any, tuple[int, float, int]] = {
    short_sleep: (0, 0.0, 0),
    stopped: (0, 0.0, 0),
    closed_sleep: (0, 0.0, 2),
    long_sleep: (1, 2 * TAKES + 0.1, 1),
    forgotten_sleep: (0, PATIENCE + 2 * TAKES, 2),
}
CUTS: dict[Any, tuple[int, float, int]] = {
    silent_switch: (0, 3.0 + 2 * TAKES, 2),
    loud_switch: (0, 3.0 + 2 * TAKES, 2),
    flap: (0, 3.0 + 2 * TAKES, 2),
    long_unplugged: (0, 100.0 + 2 * TAKES, 2),
}


def in_state(kind: str, state: str) -> tuple[Place, Outlook]:
    place = Place(kind, execute_delay=TAKES)
    outlook = place.started()
    if state == "running":
        place.act(outlook)
        place.net.run(TAKES / 2)
    elif state == "event":
        place.server.postman.bring(ANNA.login)
    return place, outlook


def afterwards(place: Place, outlook: Outlook) -> None:
    """The user can work, the wait pends, nothing was executed twice or answered by somebody else."""
    assert place.wrong(outlook) == []
    assert outlook.ready
    assert (outlook.book.outage_open, outlook.book.unrecovered) == (None, 0)
    answered = outlook.book.executes_answered
    place.act(outlook)
    place.net.run(TAKES + 0.1)
    assert outlook.book.executes_answered == answered + 1
    # An event still reaches the user: at once, or when a server lets go of a wait that it holds for nobody.
    seen = outlook.book.mail
    place.server.postman.bring(ANNA.login)
    place.net.run_until(lambda: outlook.book.mail == seen + 1, 60.0)


@KINDS
@STATES
@pytest.mark.parametrize("event", SLEEPS, ids=lambda event: event.__name__)
def test_sleep_is_survived(kind: str, state: str, event: Any) -> None:
    lost, outage, dials = SLEEPS[event]
    place, outlook = in_state(kind, state)
    before = outlook.book.dials
    event(place, outlook)
    place.net.run(200)
    book = outlook.book
    assert book.contexts_lost == lost
    assert book.outage_max <= outage
    assert book.dials - before >= dials
    assert book.mail == (state == "event")
    assert [recovery.label for recovery in book.recoveries] == ["resume"]
    # Only what vanished silently made the client give up a call.
    assert book.executes_unknown == (event is forgotten_sleep)
    assert book.connects - 1 == (event in (long_sleep, forgotten_sleep))
    afterwards(place, outlook)


@KINDS
@STATES
@pytest.mark.parametrize("event", CUTS, ids=lambda event: event.__name__)
def test_a_network_that_changes_is_survived(kind: str, state: str, event: Any) -> None:
    lost, outage, dials = CUTS[event]
    place, outlook = in_state(kind, state)
    before = outlook.book.dials
    event(place, outlook)
    place.net.run(200)
    book = outlook.book
    assert book.contexts_lost == lost
    assert 3.0 < book.outage_max <= outage
    assert book.dials - before >= dials
    assert book.mail == (state == "event")
    assert [recovery.label for recovery in book.recoveries] == ["network"]
    # An Execute under way makes a new context, with the old cookies; a wait alone does not.
    running = state == "running"
    assert counts(book, "executes_unknown", "connects_with_cookies", "connects") == (running, running, 1 + running)
    assert book.waits_lost <= 1
    afterwards(place, outlook)


def test_new_connections_come_from_the_new_address() -> None:
    place = Place()
    outlook = place.started(source="127.0.0.8")
    assert {source for source, _ in place.net.dials} == {"127.0.0.8"}
    place.net.dials.clear()
    outlook.switch_network("127.0.0.9", gap=1.0)
    assert (outlook.source, outlook.online) == ("127.0.0.9", False)
    place.net.run(5)
    assert {source for source, _ in place.net.dials} == {"127.0.0.9"}
    assert outlook.online


def test_a_silent_switch_is_not_heard_by_the_server_and_a_loud_one_is() -> None:
    for reset in (False, True):
        place = Place()
        outlook = place.started()
        held = set(place.server.connections)
        outlook.switch_network("127.0.0.9", gap=100.0, reset=reset)
        place.net.run(1)
        assert (held & place.server.connections == held) is not reset
        # The end of the process is the end of its sockets, whoever believes in them.
        outlook.kill()
        place.net.run(1)
        assert place.server.connections == set()


def test_a_network_that_comes_back_while_the_machine_sleeps_is_used_when_it_wakes() -> None:
    place = Place()
    outlook = place.started()
    outlook.switch_network("127.0.0.9", gap=2.0)
    outlook.hibernate()
    dials = len(place.net.dials)
    place.net.run(100)
    assert (len(place.net.dials), outlook.online) == (dials, True)
    outlook.resume()
    place.net.run(2)
    assert len(place.net.dials) > dials
    assert [recovery.label for recovery in outlook.book.recoveries] == ["network", "resume"]
    # Nobody was there for most of it.
    assert outlook.book.outage_max < 1.0


def test_nothing_happens_on_a_machine_that_sleeps() -> None:
    place = Place()
    outlook = place.started()
    requests = len(place.server.backend.seen)
    outlook.hibernate()
    outlook.hibernate()
    assert outlook.asleep
    place.act(outlook)
    place.server.postman.bring(ANNA.login)
    place.net.run(500)
    assert len(place.server.backend.seen) == requests
    outlook.resume()
    outlook.resume()
    assert not outlook.asleep
    place.net.run(1)
    assert outlook.book.life["hibernates"] == 1
    assert outlook.book.notifications == 1


def test_connections_of_before_are_given_up_where_the_profile_says_so() -> None:
    place = Place()
    outlook = place.started(profile=evolve(QUIET, fresh_start=True))
    before = outlook.book.dials
    short_sleep(place, outlook)
    place.net.run(5)
    assert outlook.book.dials == before + 2
    afterwards(place, outlook)


@KINDS
def test_closing_ends_every_context_and_every_connection(kind: str) -> None:
    place = Place(kind)
    outlook = place.started(mailboxes=[TEAM], profile=evolve(QUIET, look_up=100.0))
    assert outlook.open_contexts == 3
    over: list[object] = []
    outlook.close().addCallback(over.append)
    place.net.run(1)
    assert over == [None]
    assert (outlook.ended, outlook.open_contexts) == (True, 0)
    assert len(place.server.backend.contexts) == 0
    place.net.run(60)
    assert place.server.connections == set()
    # One that is over stays so.
    outlook.kill()
    outlook.close().addCallback(over.append)
    assert over == [None, None]
    assert place.wrong(outlook) == []


@KINDS
@STATES
def test_a_crash_says_nothing_and_leaves_the_context(kind: str, state: str) -> None:
    place, outlook = in_state(kind, state)
    outlook.kill()
    place.net.run(60)
    assert place.server.connections == set()
    assert len(place.server.backend.contexts) == 1
    assert outlook.book.life == {"crashed": 1}
    assert outlook.book.executes_unknown == (state == "running")
    assert "Disconnect" not in outlook.book.calls
    assert place.wrong(outlook) == []
    assert [call for call in place.net.getDelayedCalls() if "owntime" in repr(call.func)] == []


def test_closing_without_a_network_or_asleep_does_not_wait_for_one() -> None:
    for event in (Outlook.unplug, Outlook.hibernate):
        place = Place()
        outlook = place.started()
        event(outlook)
        over: list[object] = []
        outlook.close().addCallback(over.append)
        place.net.run(6)
        assert over == [None]
        assert "Disconnect" not in outlook.book.calls


def test_a_server_that_does_not_answer_the_farewell_holds_nobody() -> None:
    place = Place()
    outlook = place.started()
    place.net.swallow()
    over: list[object] = []
    outlook.close().addCallback(over.append)
    place.net.run(6)
    assert over == [None]


def test_everything_is_told_by_lane() -> None:
    place = Place()
    outlook = place.started(mailboxes=[TEAM], profile=evolve(QUIET, look_up=100.0))
    outlook.hibernate()
    outlook.resume()
    outlook.vpn_flap(gap=1.0)
    place.net.run(10)
    lanes = {happening.lane for happening in place.told}
    assert lanes == {"u00001", "u00001/wait", "u00001/team001", "u00001/team001/wait", "u00001/nspi"}
    marks = [(each.kind, each.label) for each in place.told if each.kind != "request"]
    assert marks == [
        ("state", "starts"),
        ("state", "hibernates"),
        ("state", "goes on"),
        ("fault", "its tunnel breaks"),
        ("state", "network is there"),
    ]
    assert {each.outcome for each in place.requests()} == {"ok", "code", "lost", "refused"}
    for each in place.requests():
        assert each.until is not None
        assert each.until >= each.at
    told = " ".join(f"{each.label} {each.detail}" for each in place.told)
    for secret in ("secret", "MAPI", "Basic", str(place.port)):
        assert secret not in told


def test_two_runs_with_the_same_seed_are_the_same() -> None:
    def one() -> tuple[Any, ...]:
        place = Place("grommunio", execute_delay=0.2)
        outlook = place.started(profile=evolve(QUIET, think=5.0, sends=0.2, sync=(1, 4), look_up=20.0))
        place.net.run(100)
        outlook.switch_network("127.0.0.9", gap=2.0)
        place.net.run(100)
        return place.told, outlook.book.as_dict()

    first, second = one(), one()
    assert len(first[0]) > 30
    assert first == second


@pytest.mark.parametrize("user", ["shared", "stranger"])
def test_a_mailbox_that_may_not_be_opened_is_left_alone(user: str) -> None:
    place = Place()
    stranger = evolve(TEAM, login="other@example.test", dn=TEAM.dn + "x") if user == "stranger" else TEAM
    outlook = place.started(mailboxes=[stranger])
    place.net.run(100)
    assert outlook.open_contexts == (1 if user == "stranger" else 2)
    assert outlook.book.logons_refused == (user == "stranger")
    afterwards(place, outlook)


def test_without_a_network_nothing_is_tried() -> None:
    place = Place()
    outlook = place.outlook()
    outlook.unplug()
    outlook.start()
    place.net.run(100)
    assert place.net.dials == []
    assert counts(outlook.book, "dials", "dials_refused") == (0, 0)
    assert outlook.book.dials_offline > 3
    outlook.plug("127.0.0.7")
    place.net.run(1)
    assert outlook.ready
    assert outlook.book.recoveries == [Recovery("network", *_when(outlook))]
    assert issubclass(Offline, Exception)


def _when(outlook: Outlook) -> tuple[float, float]:
    recovery = outlook.book.recoveries[0]
    assert recovery.seconds < 0.1
    return recovery.at, recovery.seconds


def test_what_breaks_in_the_simulation_is_in_the_book() -> None:
    place = Place()
    outlook = place.started()

    async def breaks() -> None:
        raise KeyError("a mistake of ours")

    run: Callable[[Any], None] = outlook._run
    run(breaks())
    assert outlook.book.crashes == ["u00001: KeyError('a mistake of ours')"]
    assert own(outlook).live
