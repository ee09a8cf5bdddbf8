"""Client builds by name, out of what clients say of themselves."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mapiproxy.record.builds import MOST, OTHER, SILENT, Builds, build_of

#: As clients really send them (protocol reference 1.2), and what is counted.
KNOWN = {
    "Outlook/16.0.17328.20162": "Outlook 16.0.17328",
    "Outlook/15.0 (15.0.4569.1503; MSI; x86)": "Outlook 15.0.4569",
    "Microsoft Office/16.0 (Windows NT 10.0; Microsoft Outlook 16.0.16731; Pro)": "Outlook 16.0.16731",
    "MacOutlook/16.80.23121017 (Intelx64 Mac OS X 14.2)": "MacOutlook 16.80",
    "Outlook-iOS/2.0": "Outlook-iOS 2.0",
    "MSRPC": "MSRPC",
    "curl/8.5.0": OTHER,
    "": SILENT,
}


@pytest.mark.parametrize(("text", "build"), KNOWN.items())
def test_a_build_is_a_product_and_a_version(text: str, build: str) -> None:
    assert build_of(text) == build


@given(st.one_of(st.none(), st.text(), st.text(alphabet="Outlok/ 0123456789.\u0663(;")))
def test_a_build_is_made_of_known_words_and_ascii(text: str | None) -> None:
    build = build_of(text)
    assert build.isascii()
    assert len(build) < 40
    assert build.isprintable()


@given(st.lists(st.tuples(st.integers(0, 99), st.integers(0, 9)), max_size=400))
def test_no_request_is_lost_and_no_name_too_many(versions: list[tuple[int, int]]) -> None:
    builds = Builds(most=5)
    for major, minor in versions:
        builds.cell(f"Outlook/{major}.{minor}.1.1")[0] += 1
    told = list(builds)

    assert sum(count for _, count in told) == len(versions)
    assert len(told) <= 6


def test_invented_builds_do_not_drive_out_the_real_ones() -> None:
    builds = Builds()
    for _ in range(10):
        builds.cell("Outlook/16.0.17328.20162")[0] += 1
    for number in range(10 * MOST):
        builds.cell(f"Outlook/1.0.{number}")[0] += 1

    assert next(iter(builds)) == ("Outlook 16.0.17328", 10)
    assert len(list(builds)) == MOST + 1


def test_a_build_that_was_driven_out_is_counted_anew() -> None:
    builds = Builds(most=1)
    for text in ("Outlook/1.0.1", "Outlook/1.0.2", "Outlook/1.0.1"):
        builds.cell(text)[0] += 1

    assert list(builds) == [("Outlook 1.0.1", 1), (OTHER, 2)]


def test_many_texts_that_nobody_knows_take_no_room() -> None:
    builds = Builds()
    for number in range(5000):
        builds.cell(f"robot {number}")[0] += 1

    assert list(builds) == [(OTHER, 5000)]
    assert len(builds._seen) <= 1024
