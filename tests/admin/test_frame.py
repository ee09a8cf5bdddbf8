"""The frame of every page, and where a form may lead back to."""

from __future__ import annotations

import pytest
from support.admin import TOKEN, FakeSite

from mapiproxy.admin.frame import inside


@pytest.mark.parametrize("place", ["/", "/sessions?mailbox=a%40b&page=2", "/order?do=drain&server=E1", "/login?to=%2F"])
def test_places_of_ours_are_kept(place: str) -> None:
    assert inside(place) == place


@pytest.mark.parametrize(
    "place",
    ["", "sessions", "//x/", "/\\x", "https://x/", "/sessions\r\nX: y", "/sessions/../x", "/api/status", "/s\u00e9"],
)
def test_others_become_the_overview(place: str) -> None:
    assert inside(place) == "/"


def test_log_out_is_offered_where_there_is_something_to_log_out_of() -> None:
    assert b"Log out" not in FakeSite().ask("GET", "/").body
    browser = FakeSite(TOKEN).browser()
    assert b"Log out" not in browser.get("/login").body
    browser.log_in()
    assert b"Log out" in browser.get("/").body


def test_a_page_that_is_none_says_so_in_the_frame_or_in_plain_text_for_scripts() -> None:
    site = FakeSite()
    page = site.ask("GET", "/nothing")
    assert (page.status, page.kind) == (404, "text/html; charset=utf-8")
    assert b"There is no such page." in page.body
    assert site.ask("GET", "/api/nothing").kind == "text/plain; charset=utf-8"


def test_a_read_only_page_says_so() -> None:
    assert b">read only</span>" in FakeSite(read_only=True).ask("GET", "/sessions").body
