"""A client's own connections to backends: opened for it, closed with it (N5)."""

from __future__ import annotations

from support.lines import MemoryDialer, MemoryTransport, written

from mapiproxy.backends.fleet import Backend
from mapiproxy.net.doors import Doors


def doors():
    dialer = MemoryDialer()
    return Doors(dialer, None), dialer, Backend("one", "h", 80, tls=False)


def opened(mine, dialer, backend):
    mine.dial(backend, lambda door: None, lambda failure: None)
    return dialer.dials[-1].succeed()


def test_an_open_door_is_found_again_and_a_lost_one_is_not():
    mine, dialer, backend = doors()
    door = opened(mine, dialer, backend)
    assert mine.find(backend) is door
    mine.forget(door)

    assert mine.find(backend) is None


def test_two_clients_never_share_a_door():
    """What was authenticated on it is one user's."""
    mine, dialer, backend = doors()
    other = Doors(dialer, None)
    opened(mine, dialer, backend)

    assert other.find(backend) is None


def test_a_dial_that_fails_before_it_returns_is_not_remembered():
    mine, dialer, backend = doors()
    failures = []

    def dial(*arguments):
        made = MemoryDialer.dial(dialer, *arguments)
        made.fail()
        return made

    dialer.dial = dial
    mine.dial(backend, lambda door: None, failures.append)
    mine.give_up()

    assert [failure.text for failure in failures] == ["refused"]
    assert not dialer.dials[0].given_up


def test_a_busy_door_is_dropped_with_a_reset_and_an_idle_one_in_peace():
    mine, dialer, backend = doors()
    door = opened(mine, dialer, backend)
    door.busy = True
    mine.drop(door)
    assert written(door).ended == "aborted"

    door = opened(mine, dialer, backend)
    mine.drop(door)
    assert written(door).ended == "finished"


def test_only_doors_that_are_idle_for_long_are_retired():
    mine, dialer, backend = doors()
    door = opened(mine, dialer, backend)
    door.idle_since = 10.0
    mine.retire(9.0, but=None)
    mine.retire(99.0, but=door)
    assert len(mine) == 1
    mine.retire(10.0, but=None)

    assert len(mine) == 0


def test_with_its_client_everything_closes():
    mine, dialer, backend = doors()
    door = opened(mine, dialer, backend)
    mine.dial(Backend("two", "h", 80), lambda door: None, lambda failure: None)
    mine.close()

    assert written(door).ended is not None
    assert dialer.dials[-1].given_up
    assert isinstance(written(door), MemoryTransport)
