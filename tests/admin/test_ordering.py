"""Orders: asked for, confirmed, done once, told."""

from __future__ import annotations

import pytest
from support.admin import HOSTILE, TOKEN, FakeSite, header


@pytest.mark.parametrize(
    ("fields", "order"),
    [
        ({"do": "drain", "pool": "mapi", "server": "EXCH1", "deadline": "30m"},
         {"command": "drain", "server": "EXCH1", "pool": "mapi", "deadline": 1800}),
        ({"do": "weight", "pool": "mapi", "server": "EXCH1", "weight": "50"},
         {"command": "weight", "server": "EXCH1", "pool": "mapi", "weight": 50}),
        ({"do": "kill", "session": "7f3a91c2"}, {"command": "kill", "session": "7f3a91c2"}),
        ({"do": "reload"}, {"command": "reload"}),
    ],
)  # fmt: skip
def test_an_order_is_confirmed_and_then_done_once(fields: dict[str, str], order: dict[str, object]) -> None:
    site = FakeSite()
    browser = site.browser()
    query = "&".join(f"{key}={value}" for key, value in fields.items())
    page = browser.get(f"/order?{query}")
    assert (page.status, site.proxy.changed) == (200, [])
    assert all(f'value="{value}"'.encode() in page.body for value in fields.values())
    answer = browser.post("/order", browser.key(), **fields)
    assert site.proxy.changed == [order]
    place = header(answer, "Location")
    assert place is not None
    first, again = browser.get(place), browser.get(place)
    assert first.status == again.status == 200
    assert site.proxy.changed == [order]
    assert site.notes[-1].startswith(f"{order['command']} ")
    assert "by 127.0.0.1: " in site.notes[-1]


def test_a_confirmation_says_what_it_would_hit() -> None:
    body = FakeSite().ask("GET", "/order?do=maint&pool=mapi&server=EXCH1").body.decode()
    assert "Now: ready, UP, weight 100; 0 Execute, 37 waits, 41 sessions, safe in &lt;= 4m12s." in body
    assert "its connections are closed" in body
    gone = FakeSite().ask("GET", "/order?do=maint&server=EXCH9").body.decode()
    assert "It is not among the servers that are there now." in gone


def test_the_weight_that_is_shown_first_is_the_one_it_has() -> None:
    assert b'name="weight" value="100"' in FakeSite().ask("GET", "/order?do=weight&server=EXCH1").body


def test_a_field_that_cannot_be_meant_is_asked_for_again() -> None:
    site = FakeSite()
    browser = site.browser()
    answer = browser.post("/order", browser.key(), do="drain", server="EXCH1", pool="mapi", deadline="soon")
    assert answer.status == 400
    assert b"a time is written like" in answer.body
    assert b'value="soon"' in answer.body
    assert site.proxy.changed == []


def test_a_refusal_is_told_with_its_lines() -> None:
    site = FakeSite()
    browser = site.browser()
    place = header(browser.post("/order", browser.key(), do="reload"), "Location")
    body = browser.get(str(place)).body
    assert b">refused<" in body
    assert b"m.toml:3: bad" in body
    assert site.notes[-1] == "reload by 127.0.0.1: refused: refused"


def test_orders_that_there_are_not_are_not_found() -> None:
    site = FakeSite()
    browser = site.browser()
    assert browser.get("/order?do=dance").status == 404
    assert browser.get("/order").status == 404
    assert browser.post("/order", browser.key(), do="status").status == 404
    assert browser.get("/result?id=nothing").status == 404


@pytest.mark.parametrize("do", ["ready", "drain", "maint", "weight", "kill", "reload"])
def test_a_read_only_page_neither_offers_nor_does_it(do: str) -> None:
    site = FakeSite(TOKEN, read_only=True)
    browser = site.browser()
    browser.log_in()
    for page in ("/", "/sessions"):
        assert b"/order?" not in browser.get(page).body
    assert browser.get(f"/order?do={do}&server=EXCH1&session=7f3a").status == 403
    answer = browser.post("/order", browser.key(), do=do, server="EXCH1", session="7f3a", weight="1")
    assert answer.status == 403
    assert site.proxy.changed == []


def test_what_stands_in_a_link_is_shown_and_not_obeyed() -> None:
    from urllib.parse import quote

    page = FakeSite().ask("GET", f"/order?do=kill&session={quote(HOSTILE)}").body.decode()
    assert "<script>alert" not in page
    assert "\u202e" not in page


def test_results_are_bounded() -> None:
    browser = FakeSite().browser()
    key = browser.key()
    places = [str(header(browser.post("/order", key, do="kill", session=f"{n:08}"), "Location")) for n in range(70)]
    assert len(set(places)) == 70
    assert browser.get(places[0]).status == 404
    assert browser.get(places[-1]).status == 200
