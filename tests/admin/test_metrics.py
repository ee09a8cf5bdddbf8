"""The exposition: both formats, read by the parsers of prometheus-client."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.ledgers import execute
from support.scrape import Scraped, state

from mapiproxy.admin.catalogue import METRICS
from mapiproxy.admin.metrics import gather, render
from mapiproxy.record.statistics import Statistics

OPENMETRICS = "application/openmetrics-text; version=1.0.0; charset=utf-8"


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        ("", "text/plain"),
        ("*/*", "text/plain"),
        ("text/html,application/xhtml+xml;q=0.9", "text/plain"),
        (f"{OPENMETRICS};q=0.6,text/plain;version=0.0.4;q=0.3", "application/openmetrics-text"),
        ("application/openmetrics-text; version=nonsense", "application/openmetrics-text"),
        ("application/openmetrics-text; version=2.\r\nX-Injected: 1", "application/openmetrics-text"),
        ("application/openmetrics-text; version=99.0.0", "application/openmetrics-text"),
        ("\x00;;;,=", "text/plain"),
    ],
)
def test_whoever_asks_gets_a_format_that_it_can_read(accept: str, expected: str) -> None:
    statistics = Statistics()
    statistics.add(execute(pool="mail"))
    found = Scraped(*render(state(statistics), accept))

    content_type, _ = render(state(), accept)
    assert content_type.startswith(expected)
    assert "\n" not in content_type
    assert "99" not in content_type
    assert found.one("requests_total", request_type="Execute", code="0") == 1
    assert found.one("request_duration_seconds_bucket", phase="total", le="+Inf") == 1
    assert found.one("process_resident_memory_bytes") > 0


@settings(max_examples=30, deadline=None)
@given(st.text(alphabet="application/openmetrics-text;version=1.0,q*plain \r\n"))
def test_no_accept_header_is_too_strange(accept: str) -> None:
    content_type, body = render(state(), accept)
    assert body
    assert "\r" not in content_type


def test_what_is_parsed_is_what_the_catalogue_says() -> None:
    families = {family.name: family for family in Scraped(*render(state(), OPENMETRICS)).families}

    for name, described in METRICS.items():
        family = families[name.removesuffix("_total").removesuffix("_info")]
        assert (family.type, family.documentation) == (described.kind, described.help)
    rest = set(families) - {name.removesuffix("_total").removesuffix("_info") for name in METRICS}
    assert all(name.startswith("mapiproxy_process_") for name in rest)


def test_strange_names_in_the_configuration_do_not_break_the_format() -> None:
    statistics = Statistics()
    statistics.add(execute(pool='a "pool"\\\n', backend="b}"))
    for accept in ("", OPENMETRICS):
        found = Scraped(*render(state(statistics), accept))
        assert found.one("requests_total", pool='a "pool"\\\n', backend="b}") == 1


def test_what_is_written_later_is_what_was_gathered() -> None:
    statistics = Statistics()
    statistics.add(execute(pool="mail"))
    write = gather(state(statistics))
    statistics.add(execute(pool="mail"))

    assert Scraped(*write()).one("requests_total") == 1


def test_asking_changes_nothing() -> None:
    """Each answer is made anew: nothing is registered twice, nothing is reset."""
    statistics = Statistics()
    statistics.add(execute(pool="mail"))
    first, second = (Scraped(*render(state(statistics))) for _ in range(2))
    ours = [[s for s in each.samples if "_process_" not in s.name] for each in (first, second)]

    assert ours[0] == ours[1]
