"""JUnit XML as continuous integration reads it."""

from __future__ import annotations

from xml.etree import ElementTree as ET

from support.played import BAD, played

from mapiproxy.scenario.judging import Finding
from mapiproxy.scenario.junit import junit


def test_a_suite_for_each_scenario_and_a_case_for_each_expectation() -> None:
    root = ET.fromstring(junit([played(), played(BAD, Finding("waits", True, "3", "3")), played(error="no")]))

    assert root.tag == "testsuites"
    assert (root.get("tests"), root.get("failures"), root.get("errors")) == ("4", "1", "1")
    first, second, third = root.findall("testsuite")
    assert first.get("name") == "wifi-to-lte.exchange"
    assert [case.get("name") for case in second.findall("testcase")] == ["contexts_lost", "waits"]
    (failure,) = second.iter("failure")
    assert failure.get("message") == "expected 0, got 2"
    assert "wifi-to-lte.toml:13" in str(failure.text)
    assert "seed 7" in str(failure.text)
    (error,) = third.iter("error")
    assert error.get("message") == "no"
    for suite in root:
        for key in ("tests", "failures", "errors", "skipped", "time", "name"):
            assert suite.get(key) is not None


def test_what_xml_cannot_hold_is_replaced() -> None:
    text = junit([played(Finding("says", False, "a\x00b <&> \ud800", "c\x1b[31m"))])
    (failure,) = ET.fromstring(text.encode("utf-8")).iter("failure")

    assert failure.get("message") == "expected a?b <&> ?, got c?[31m"
