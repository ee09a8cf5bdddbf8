"""A scenario from its beginning to its verdict."""

from __future__ import annotations

from support.scenarios import FRAME, play, scenario, step

from mapiproxy.lab.happening import Happening
from mapiproxy.scenario.playing import in_order, play_virtually


def test_a_verdict_with_everything_that_led_to_it() -> None:
    played = play(step("20s", "crash", server='"mbx2"', name='"the crash"'), expect="reconnects = 0")

    assert played.ok
    assert (played.name, played.kind, played.seed, played.time) == ("a-test", "exchange", 1, "virtual")
    assert played.findings[0].name == "reconnects"
    assert played.facts["marks"] == {"the crash": 20.0}
    assert played.lanes["alice"] == "client"
    assert played.lanes["MBX1"] == "server"
    times = [each.at for each in played.happenings]
    assert times == sorted(times)
    assert times[-1] < 62.5


def test_people_do_not_all_start_in_the_same_moment() -> None:
    played = play(frame=FRAME + '[[client]]\nname = "bob"\nopens = "10s"\n[[client]]\nname = "carol"\n')
    starts = {each.lane: each.at for each in played.happenings if each.label == "starts"}

    assert starts["alice"] != starts["carol"]
    assert 10 < starts["bob"] < 11


def test_steps_of_one_moment_are_played_in_the_order_of_the_file() -> None:
    played = play(step("20s", "drain", server='"mbx2"') + step("20s", "ready", server='"mbx2"'))

    assert [each.label for each in played.happenings if each.lane == "operator"] == ["drain MBX2", "ready MBX2"]


def test_a_configuration_that_is_no_good_is_an_error_and_no_exception() -> None:
    played = play(frame=FRAME + '[proxy]\nextra = "[nonsense]"\n')

    assert played.error is not None
    assert "unknown key" in played.error
    assert played.findings == ()
    assert not played.ok


def test_a_step_that_fails_names_its_line() -> None:
    played = play(step("0s", "crash"))

    assert played.error is not None
    assert played.error.startswith("line 10, crash: CannotAct: ")


def test_another_seed_can_be_given() -> None:
    one = scenario()

    assert play_virtually(one, "exchange", 5).seed == 5


def test_what_the_end_cuts_is_not_over_and_not_lost() -> None:
    events = [
        Happening(at=101.0, until=150.0, lane="alice/wait", kind="request", label="wait", outcome="lost"),
        Happening(at=102.0, lane="b", kind="state", label="later"),
        Happening(at=102.0, lane="a", kind="state", label="later"),
        Happening(at=110.0, lane="alice", kind="fault", label="crashes"),
    ]
    found = in_order(events, 100.0, 10.0)

    assert [(each.at, each.lane) for each in found] == [(1.0, "alice/wait"), (2.0, "a"), (2.0, "b")]
    assert (found[0].until, found[0].outcome, found[0].detail) == (10.0, "ok", "not over at the end")
