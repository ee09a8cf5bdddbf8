"""Rules in when things broke."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mapiproxy.evidence.patterns import Regular, Run, events_of, longest_run, network_of, regular


@pytest.mark.parametrize(
    ("ages", "found"),
    [
        ([60_000] * 4, Regular(60_000, 0, 4, 4)),
        ([59_900, 60_000, 60_100, 61_000, 7_000], Regular(60_100, 900, 4, 5)),
        ([299_000, 300_000, 302_000, 304_000, 309_000], Regular(302_000, 7_000, 5, 5)),
        # Too few, too short, too far apart, too many others.
        ([60_000] * 3, None),
        ([3_000] * 10, None),
        ([10_000, 20_000, 30_000, 40_000, 50_000], None),
        ([60_000] * 4 + [10_000, 20_000, 30_000, 40_000], None),
        ([], None),
    ],
)
def test_a_constant_age_is_a_limit_of_somebody(ages: list[int], found: Regular | None) -> None:
    assert regular(ages) == found


@given(st.lists(st.integers(0, 400_000), max_size=60))
def test_what_is_found_is_there(ages: list[int]) -> None:
    found = regular(ages)
    if found is not None:
        near = [age for age in ages if abs(age - found.ms) <= found.spread]
        assert len(near) >= found.count >= 4
        assert found.of == len(ages)


def test_what_breaks_together_is_one_event() -> None:
    assert events_of([(1040, 3), (1000, 1), (1090, 4), (2000, 5)]) == [1, 5]
    assert events_of([]) == []


def test_the_longest_row_of_refusals() -> None:
    refused = [(at, True) for at in range(3)]
    answers = [*refused, (3, False), *((at, True) for at in range(4, 9)), (9, False), (10, True)]

    assert longest_run(reversed(answers)) == Run(5, 4, 8)
    assert longest_run([(1, False)]) is None
    assert longest_run([]) is None


def test_the_network_of_an_address() -> None:
    assert network_of("10.0.0.77") == "10.0.0.0/24"
    assert network_of("2001:db8:1:2:3::4") == "2001:db8:1:2::/64"
    assert network_of("somewhere") == "somewhere"
