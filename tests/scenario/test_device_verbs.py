"""What happens to devices, as steps."""

from __future__ import annotations

from support.scenarios import FRAME, play, step, told

WAN = FRAME + '[[device]]\nname = "wan"\nplace = "client-side"\n'
RESET = '{fault = "reset", request_type = "Execute", phase = "before_answer", limit = 1}'


def test_a_fault_strikes_and_is_told_of() -> None:
    played = play(step("20s", "fault", device='"wan"', rule=RESET), frame=WAN)

    labels = [label for _, label in told(played, "wan", "fault")]
    assert labels == ["reset begins", "reset"]
    assert played.facts["executes_unknown"] == 1


def test_a_fault_that_lasts_is_removed_again() -> None:
    rule = '{fault = "http_status", status = 503, request_type = "Execute"}'
    played = play(step("20s", "fault", device='"wan"', rule=rule, lasting='"10s"'), frame=WAN)

    assert (30, "http_status ends") in told(played, "wan")
    refused = [each.at for each in played.happenings if each.outcome == "status"]
    assert refused
    assert all(20 <= at < 30 for at in refused)


def test_a_device_is_healed() -> None:
    rule = '{fault = "http_status", status = 503, request_type = "Execute"}'
    steps = step("20s", "fault", device='"wan"', rule=rule) + step("30s", "heal", device='"wan"')
    played = play(steps, frame=WAN)

    assert (30, "is healed") in told(played, "wan")
    assert all(each.at < 30 for each in played.happenings if each.outcome == "status")


def test_an_address_translation_rebinds() -> None:
    nat = WAN + 'device = "nat"\nmode = "rst_both"\n'
    played = play(step("20s", "rebind", device='"wan"'), frame=nat)

    assert (20, "rebinds") in told(played, "wan", "fault")
    assert len(played.facts["log"]["ClientIpAddress"]) == 2


def test_a_captive_portal_lets_people_in() -> None:
    portal = WAN + 'device = "captive_portal"\n'
    played = play(step("20s", "log_in", device='"wan"'), frame=portal)

    assert played.facts["statuses"] == {"302": len([e for e in played.happenings if e.outcome == "status"])}
    assert (20, "logged in") in told(played, "wan")
    assert played.facts["connects"] > 0
