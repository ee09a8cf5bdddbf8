"""The overview and the sessions."""

from __future__ import annotations

import time
from html.parser import HTMLParser

import pytest
from support.admin import EP, HOSTILE, FakeSite, header
from support.orders import SESSION


class Outline(HTMLParser):
    """Elements in order, and whether they are nested as they should be."""

    EMPTY = frozenset(("meta", "link", "input", "br", "wbr"))

    def __init__(self, page: bytes) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(page.decode())
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))
        if tag not in self.EMPTY:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag, tag

    def handle_data(self, data: str) -> None:
        self.text += data

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attrs for each, attrs in self.seen if each == tag]


@pytest.mark.parametrize("target", ["/", "/sessions", "/order?do=weight&server=EXCH1", "/login", "/nothing"])
def test_pages_are_well_formed_and_accessible(target: str) -> None:
    site = FakeSite("a-token-of-sixteen-letters") if target == "/login" else FakeSite()
    outline = Outline(site.ask("GET", target).body)
    assert outline.all("html")[0]["lang"] == "en"
    assert len(outline.all("h1")) == 1
    assert len(outline.all("table")) == len(outline.all("caption"))
    assert all(cell.get("scope") for cell in outline.all("th"))
    ids = [attrs["id"] for _, attrs in outline.seen if "id" in attrs]
    assert len(ids) == len(set(ids))
    assert all(not image.get("role") or image.get("aria-label") for image in outline.all("svg"))
    assert not any(attrs.keys() & {"style", "onclick", "onload"} for _, attrs in outline.seen)
    controls = len([each for each in outline.all("input") if each.get("type") != "hidden"]) + len(outline.all("select"))
    assert len(outline.all("label")) == controls


def test_each_row_of_the_grid_has_as_many_cells_as_the_head() -> None:
    body = FakeSite().ask("GET", "/").body.decode()
    head = body.partition('class="groups"')[2].partition("</thead>")[0]
    groups, titles = head.split("</tr>")[:2]
    assert titles.count("<th ") == 19
    spans = sum(int(each.partition('"')[0]) for each in groups.split('colspan="')[1:])
    assert spans == 19
    for row in body.split('<tr role="row" class="server"')[1:]:
        assert row.partition("</tr>")[0].count('role="cell"') + 1 == 19


def test_the_overview_tells_what_there_is() -> None:
    text = " ".join(Outline(FakeSite().ask("GET", "/").body).text.split())
    for words in (
        "generation 2", "loaded 2026-11-27 17:20:00", "EXCH1", "https://exch1.example.com", "since 4m12s", "24s",
        "10 Context Not Found", "1+3+2+0 ms", "7 of 7 up", "✕ ews, oab", "route-cookie", "sent again unseen",
        "Outlook 16.0.17328", "speaks MAPI/HTTP", "0.0.0.0:443", EP, "Requests per second", "Answered by the proxy itself",
        "131", "312 MB", "own lag".capitalize(),
    ):  # fmt: skip
        assert words in text, words


def test_states_and_dots_are_words_as_well_as_colours() -> None:
    text = Outline(FakeSite().ask("GET", "/").body).text
    for words in ("UP", "DOWN", "✕", "●", "○", "▲"):
        assert words in text


def test_an_older_proxy_without_statistics_is_shown_all_the_same() -> None:
    site = FakeSite()
    site.proxy.statistics = None
    site.proxy.status["certificates"] = {"drift": []}
    for each in site.proxy.servers:
        each.pop("pending_age")
    answer = site.ask("GET", "/")
    assert answer.status == 200
    assert b"The last hour" not in answer.body


def test_a_server_that_nothing_is_known_of_is_shown_all_the_same() -> None:
    site = FakeSite()
    for each in site.proxy.servers:
        each.update(probe=None, why=None, up=True, admin="drain", drain_ends_in=12.0)
    assert b"none yet" in site.ask("GET", "/").body
    assert b"maint in 12s" in site.ask("GET", "/").body


def test_fragments_are_the_part_that_changes_and_say_when_to_ask_again() -> None:
    site = FakeSite()
    for name in ("overview", "sessions", "plots"):
        answer = site.ask("GET", f"/fragment/{name}")
        assert answer.status == 200
        assert b"<html" not in answer.body
    assert header(site.ask("GET", "/fragment/overview"), "X-Every") == "2.0"
    page = site.ask("GET", "/").body
    part = site.ask("GET", "/fragment/overview").body
    assert part in page


def test_a_page_that_takes_long_is_asked_for_less_often() -> None:
    site = FakeSite()
    real = site.proxy.answer

    def slow(order: dict[str, object]) -> dict[str, object]:
        site.now += 0.15
        return real(order)

    site.proxy.answer = slow  # type: ignore[method-assign]
    assert header(site.ask("GET", "/fragment/sessions"), "X-Every") == "3.0"
    assert header(site.ask("GET", "/fragment/overview"), "X-Every") == "9.0"


def test_without_script_a_page_is_loaded_again_as_a_whole() -> None:
    for target in ("/", "/sessions"):
        assert b'<noscript><meta http-equiv="refresh"' in FakeSite().ask("GET", target).body


def test_sessions_are_filtered_by_the_query_and_the_query_stays() -> None:
    site = FakeSite()
    site.proxy.sessions = [{**SESSION, "id": f"{n:016x}", "mailbox": f"{n % 3}@example.test"} for n in range(300)]
    body = site.ask("GET", "/sessions?mailbox=1%40&page=2&server=EXCH1&state=waiting").body.decode()
    assert "51 to 100 of 100" in body
    assert 'name="mailbox" value="1@"' in body
    assert "<option selected>EXCH1" in body
    assert "<option selected>waiting" in body
    assert 'data-live="/fragment/sessions?mailbox=1%40&amp;server=EXCH1&amp;state=waiting&amp;page=2"' in body
    assert 'href="/sessions?mailbox=1%40&amp;server=EXCH1&amp;state=waiting" rel="prev"' in body


def test_a_page_beyond_the_last_is_the_last() -> None:
    site = FakeSite()
    site.proxy.sessions = [{**SESSION, "id": f"{n:016x}"} for n in range(51)]
    assert b"51 to 51 of 51" in site.ask("GET", "/sessions?page=9999").body


def test_no_session_is_said() -> None:
    site = FakeSite()
    site.proxy.sessions = []
    assert b"No session." in site.ask("GET", "/sessions").body
    assert b"No session fits." in site.ask("GET", "/sessions?mailbox=x").body


@pytest.mark.parametrize("key", ["mailbox", "user", "application", "client", "client_class", "backend", "id"])
def test_hostile_text_in_a_session_stays_text(key: str) -> None:
    site = FakeSite()
    site.proxy.sessions = [{**SESSION, "user": "alice", key: HOSTILE}]
    for target in ("/sessions", "/fragment/sessions"):
        page = site.ask("GET", target).body.decode()
        assert "<script>alert" not in page
        assert not any(bad in page for bad in "\u202e\x00\x1b")
        assert "49" not in page.partition('id="sessions"')[2]
        assert "&lt;script&gt;" in page or "&lt;scr" in page


def test_hostile_text_in_the_overview_stays_text() -> None:
    site = FakeSite()
    site.proxy.servers[0].update(why=HOSTILE, safe_text=HOSTILE, url=HOSTILE)
    site.proxy.servers[1]["probe"] = {**site.proxy.servers[1]["probe"], "stage": HOSTILE, "text": HOSTILE}
    site.proxy.status["certificates"]["drift"] = [HOSTILE]
    assert site.proxy.statistics is not None
    site.proxy.statistics["builds"] = {HOSTILE: 1}
    site.proxy.statistics["vdirs"] = {HOSTILE: {"requests": 1, "errors": 1}}
    page = site.ask("GET", "/").body.decode()
    assert "<script>alert" not in page
    assert not any(bad in page for bad in "\u202e\x00\x1b")


def test_hostile_filters_stay_text() -> None:
    from urllib.parse import quote

    page = FakeSite().ask("GET", f"/sessions?mailbox={quote(HOSTILE)}&client={quote(HOSTILE)}").body.decode()
    assert "<script>alert" not in page
    assert "\u202e" not in page


def test_too_many_fields_are_refused() -> None:
    query = "&".join(f"a{n}=1" for n in range(100))
    for path in ("/", "/sessions", "/order", "/result", "/login", "/fragment/sessions", "/api/sessions"):
        assert FakeSite().ask("GET", f"{path}?{query}").status == 400


def test_a_page_of_many_sessions_costs_a_page() -> None:
    """50 of 20 000 are rendered; generous, because machines are slow and shared."""
    site = FakeSite()
    site.proxy.sessions = [{**SESSION, "id": f"{n:016x}"} for n in range(20_000)]
    site.ask("GET", "/sessions")
    began = time.perf_counter()
    body = site.ask("GET", "/sessions?page=300").body
    assert time.perf_counter() - began < 2
    assert body.count(b'id="session-') == 50
    assert len(body) < 200_000
