"""What operators do, as steps: through the orders of the real service."""

from __future__ import annotations

from support.scenarios import FRAME, play, step, told

TWO = FRAME + "[proxy]\nnodes = 2\n"


def test_drain_maint_ready_and_weight_are_orders_to_the_proxy() -> None:
    played = play(
        step("10s", "drain", server='"mbx2"', deadline='"10s"')
        + step("30s", "ready")
        + step("35s", "weight", server='"mbx2"', weight="50")
        + step("40s", "maint", server='"mbx2"', lasting='"5s"')
    )

    labels = [label for _, label in told(played, "operator")]
    assert labels == ["drain MBX2", "ready MBX1", "ready MBX2", "weight MBX2", "maint MBX2", "ready MBX2"]
    said = [text for _, text in played.facts["says"]]
    assert said.count("backend MBX2: maint") == 2  # the deadline, and the order
    assert played.facts["contexts_lost"] == 0


def test_a_killed_session_is_told_so() -> None:
    played = play(step("20s", "kill_session", client='"alice"'))

    assert [label for _, label in told(played, "operator")] == ["kill a session of alice"]
    assert set(played.facts["codes"]) == {"10"}
    assert played.facts["contexts_lost"] >= 1


def test_a_reload_changes_what_it_says_and_one_that_is_refused_is_an_error() -> None:
    good = play(step("20s", "reload", extra="'''[timeouts]\nclient_idle = \"5m\"\n'''"))
    bad = play(step("20s", "reload", extra='"[nonsense]"'))

    assert any("[timeouts] changed" in text for _, text in good.facts["says"])
    assert good.error is None
    assert bad.error is not None
    assert "the file was refused" in bad.error


def test_a_proxy_that_is_restarted_finds_sessions_by_their_cookie() -> None:
    played = play(step("20s", "restart_proxy"))

    assert played.facts["contexts_lost"] == 0
    assert played.facts["unmatched_cookies"] > 0 or played.facts["log"]["RoutedBy"]["route-cookie"] > 0


def test_a_second_node_takes_the_address_of_the_first() -> None:
    played = play(step("20s", "lose_proxy"), frame=TWO)

    assert told(played, "operator") == [(20, "node 1 dies, node 2 takes its address")]
    assert (played.facts["contexts_lost"], played.facts["offline"]) == (0, 0)
    assert max(each.at for each in played.happenings if each.lane == "alice") > 40


def test_without_a_second_node_nobody_can_take_over() -> None:
    played = play(step("20s", "lose_proxy"))

    assert played.error is not None
    assert "there is no other node" in played.error


def test_the_clock_of_the_proxy_jumps_and_nothing_else_does() -> None:
    played = play(step("20s", "clock", by='"1h"'))

    assert told(played, "operator") == [(20, "the proxy's clock jumps by 3600s")]
    assert (played.facts["contexts_lost"], played.facts["reconnects"]) == (0, 0)
