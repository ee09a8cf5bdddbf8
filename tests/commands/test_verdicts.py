"""What a person, a script and a monitoring system are shown."""

from __future__ import annotations

import io
import json
import os
import time
from collections.abc import Iterator

import pytest
from rich.console import Console

from mapiproxy.commands.verdicts import as_json, nagios, show, show_time, trace, worst
from mapiproxy.selftest.probe import Outcome
from mapiproxy.selftest.target import Plan, Probe, Target
from mapiproxy.selftest.trail import Grade, Stage

#: The moments of the example that Exchange's documentation gives: 2/14/2018 7:15:00 AM and ten seconds on.
START = 1518592500.0
IDENTITY = r"OutlookMapiHttp.Protocol\OutlookMapiHttpSelfTestProbe"


@pytest.fixture(autouse=True)
def utc() -> Iterator[None]:
    before = os.environ.get("TZ")
    os.environ["TZ"] = "UTC"
    time.tzset()
    yield
    if before is None:
        del os.environ["TZ"]
    else:
        os.environ["TZ"] = before
    time.tzset()


def outcome(grade: Grade = Grade.OK, error: str = "", exception: str = "", name: str = "") -> Outcome:
    plan = Plan(Probe.SELF_TEST, Target("mail.example.com", 443, True), password="pass-word", name=name)
    stages = (
        Stage("DNS", START, 0.002, text="mail.example.com is 192.0.2.1"),
        Stage("Reconnect (wait)", START + 0.002, 1.5, grade, text="done"),
    )
    return Outcome(plan, START, START + 10, grade, stages, error, exception)


def shown(*outcomes: Outcome, width: int = 400, as_list: bool = False, iso: bool = False) -> str:
    out = Console(file=io.StringIO(), width=width, highlight=False)
    show(outcomes, out, as_list=as_list, iso=iso)
    return out.file.getvalue()  # type: ignore[attr-defined]


def test_the_table_is_that_of_exchange():
    head, row = shown(outcome()).splitlines()
    assert head.split() == ["MonitorIdentity", "StartTime", "EndTime", "Result", "Error", "Exception"]
    assert row == f"{IDENTITY}  2/14/2018 7:15:00 AM  2/14/2018 7:15:10 AM  Succeeded"


def test_where_it_does_not_fit_or_on_demand_it_is_a_list():
    failed = outcome(Grade.CRITICAL, "TLS: the certificate is for owa.example.com, not mail.example.com", "X: y")
    text = shown(failed, width=80)
    assert text == shown(failed, as_list=True)
    assert text.splitlines() == [
        f"MonitorIdentity : {IDENTITY}",
        "StartTime       : 2/14/2018 7:15:00 AM",
        "EndTime         : 2/14/2018 7:15:10 AM",
        "Result          : Failed",
        "Error           : TLS: the certificate is for owa.example.com, not mail.example.com",
        "Exception       : X: y",
    ]


def test_times_can_be_those_of_iso():
    assert "StartTime       : 2018-02-14T07:15:00+00:00" in shown(outcome(), as_list=True, iso=True)


@pytest.mark.parametrize(
    ("hours", "text"), [(-7.25, "2/14/2018 12:00:00 AM"), (4.75, "2/14/2018 12:00:00 PM"), (6, "2/14/2018 1:15:00 PM")]
)
def test_midnight_and_noon_are_twelve(hours, text):
    assert show_time(START + hours * 3600) == text


def test_a_trace_has_a_line_for_each_stage_and_each_warning():
    stage = Stage("TLS", START + 0.25, 0.0123, text="certificate for x")
    stage.warn("the certificate expires in 3 days")
    first, second = (line.plain for line in trace(stage))
    assert first == "07:15:00.250  TLS                0.012 s  warning   certificate for x"
    assert second.strip() == "the certificate expires in 3 days"
    assert second.index("the") == first.index("certificate")


def test_nagios_gets_one_line_with_performance_data():
    assert nagios([outcome()]) == (
        "MAPIHTTP OK - OutlookMapiHttpSelfTestProbe https://mail.example.com/mapi/ 2 stages passed in 10.00 s"
        " | 'DNS'=0.002s 'Reconnect (wait)'=1.500s 'total'=10.000s"
    )
    line = nagios([outcome(Grade.CRITICAL, "HTTP: a|b\x1b[2J\nc", name="mail")])
    assert line.startswith("MAPIHTTP CRITICAL - mail OutlookMapiHttpSelfTestProbe")
    assert line.count("|") == 1
    assert line.isprintable()
    assert "'mail total'=10.000s" in line


def test_json_has_everything_but_the_password():
    text = json.dumps(as_json([outcome(Grade.WARNING, "TLS: soon")]))
    read = json.loads(text)
    assert read["exit_code"] == 1
    (result,) = read["results"]
    assert (result["MonitorIdentity"], result["Result"], result["Grade"]) == (IDENTITY, "Succeeded", "WARNING")
    assert result["StartTime"] == "2018-02-14T07:15:00+00:00"
    assert result["Stages"][0] == {
        "Name": "DNS", "Seconds": 0.002, "Grade": "OK", "Text": "mail.example.com is 192.0.2.1", "Warnings": [],
    }  # fmt: skip
    assert "pass-word" not in text


def test_of_several_the_worst_counts_and_a_failure_more_than_what_was_not_tried():
    assert worst([outcome(), outcome(Grade.WARNING)]) is Grade.WARNING
    assert worst([outcome(Grade.UNKNOWN), outcome(Grade.WARNING)]) is Grade.UNKNOWN
    assert worst([outcome(Grade.UNKNOWN), outcome(Grade.CRITICAL)]) is Grade.CRITICAL
    assert worst([]) is Grade.UNKNOWN


def test_several_are_rows_or_lists_below_each_other():
    both = (outcome(name="one"), outcome(Grade.CRITICAL, "x", name="two"))
    assert len(shown(*both).splitlines()) == 3
    assert shown(*both, as_list=True).count("MonitorIdentity") == 2


def test_texts_of_strangers_are_printed_as_they_are():
    assert "[red]?[2J" in shown(outcome(Grade.CRITICAL, "[red]\x1b[2J"), as_list=True)
