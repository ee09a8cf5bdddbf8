"""Filters and pages of sessions."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.orders import SESSION

from mapiproxy.admin.listing import PER_PAGE, Filters, Pages, pending_of
from mapiproxy.admin.message import read_fields


def test_a_query_becomes_an_order() -> None:
    filters = Filters.read({"mailbox": " alice ", "server": "EXCH1", "state": "waiting", "page": "3", "client": ""})
    assert filters.order() == {
        "command": "sessions", "limit": 50, "offset": 100, "mailbox": "alice", "server": "EXCH1",
        "state": "waiting",
    }  # fmt: skip
    assert Filters.read({}).order() == {"command": "sessions", "limit": PER_PAGE, "offset": 0}


@pytest.mark.parametrize("page", ["", "0", "-1", "x", "1e3", "99999999999", "²", "1.5"])
def test_a_page_that_is_none_is_the_first(page: str) -> None:
    assert Filters.read({"page": page}).page == 1


def test_a_state_that_is_none_is_not_asked_for() -> None:
    assert Filters.read({"state": "asleep"}).state == ""


@given(st.text(max_size=50), st.integers(1, 99999))
def test_a_query_reads_back_as_what_it_was(text: str, page: int) -> None:
    text = text.encode("utf-8", "ignore").decode()
    filters = Filters.read({"mailbox": text, "client": text, "page": str(page)})
    assert Filters.read(read_fields(filters.query())) == filters
    assert Filters.read(read_fields(filters.query(7))).page == 7


def test_pages_count_from_one_and_the_last_is_not_empty() -> None:
    assert (Pages(1, 0).last, Pages(1, 0).first_row, Pages(1, 0).last_row) == (1, 0, 0)
    assert Pages(1, 50).last == 1
    assert (Pages(2, 51).last, Pages(2, 51).first_row, Pages(2, 51).last_row) == (2, 51, 51)


def test_the_age_of_the_last_pending_is_that_of_waits_alone() -> None:
    call = SESSION["current"][0]
    execute = {**call, "request_type": "Execute", "quiet": 90}
    assert pending_of({"current": [execute, call, {**call, "quiet": 12.0}]}) == 12.0
    assert pending_of({"current": [execute]}) is None
