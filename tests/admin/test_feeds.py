"""JSON and metrics for scripts."""

from __future__ import annotations

import json

import pytest
from support.admin import HOSTILE, TOKEN, FakeSite, header
from support.orders import SESSION
from twisted.internet.defer import Deferred

from mapiproxy.admin.feeds import MOST_SCRAPES, Feeds
from mapiproxy.admin.message import Answer, Asked

BEARER = {"authorization": f"Bearer {TOKEN}", "content_type": "application/json"}


@pytest.mark.parametrize("name", ["status", "servers", "sessions", "statistics"])
def test_each_page_has_a_twin_in_json(name: str) -> None:
    site = FakeSite()
    site.proxy.sessions = [{**SESSION, "user": HOSTILE}]
    answer = site.ask("GET", f"/api/{name}")
    assert (answer.status, answer.kind) == (200, "application/json")
    assert json.loads(answer.body) == site.proxy.answer({"command": name})


def test_sessions_are_filtered_as_on_the_page() -> None:
    site = FakeSite()
    site.proxy.sessions = [{**SESSION, "id": str(n), "mailbox": f"m{n}"} for n in range(30)]
    found = json.loads(site.ask("GET", "/api/sessions?mailbox=m1&limit=3&offset=2").body)
    assert [each["id"] for each in found["sessions"]] == ["11", "12", "13"]
    assert found["total"] == 11
    assert site.ask("GET", "/api/sessions?limit=x").status == 400
    assert site.ask("GET", "/api/sessions?limit=1000").status == 200
    assert site.ask("GET", "/api/sessions?limit=1001").status == 400


def test_what_the_proxy_does_not_know_is_an_error() -> None:
    site = FakeSite()
    site.proxy.statistics = None
    answer = site.ask("GET", "/api/statistics")
    assert answer.status == 400
    assert json.loads(answer.body)["ok"] is False


def test_metrics_are_asked_for_by_what_the_scraper_accepts() -> None:
    answer = FakeSite().ask("GET", "/metrics", accept="application/openmetrics-text")
    come: list[object] = []
    assert answer.later is not None
    answer.later.addCallback(come.append)
    assert come == [("text/plain; version=0.0.4", b"# accepts application/openmetrics-text")]


def test_so_many_are_told_at_the_same_time_and_no_more() -> None:
    site = FakeSite()
    made: list[Deferred[tuple[str, bytes]]] = []

    def slowly(accept: str) -> Deferred[tuple[str, bytes]]:
        made.append(Deferred())
        return made[-1]

    feeds = Feeds(site.proxy.answer, slowly, site.gate, site.notes.append)
    visitor = site.gate.stranger(Asked("GET", "/metrics"))

    def scrape() -> Answer:
        return feeds.seen["/metrics"](Asked("GET", "/metrics"), visitor)

    assert [scrape().status for _ in range(MOST_SCRAPES + 1)] == [*[200] * MOST_SCRAPES, 503]
    assert len(made) == MOST_SCRAPES
    made[0].callback(("text/plain", b"x"))
    made[1].addErrback(lambda failure: None)
    made[1].errback(RuntimeError("a bug"))
    assert [scrape().status for _ in range(3)] == [200, 200, 503]


def test_orders_need_a_token_that_no_browser_sends_by_itself() -> None:
    site = FakeSite(TOKEN)
    browser = site.browser()
    browser.log_in()
    assert browser.post("/api/orders", browser.key(), command="drain").status == 403
    body = json.dumps({"command": "drain", "server": "EXCH1"}).encode()
    assert site.ask("POST", "/api/orders", body, content_type="application/json").status == 401
    assert FakeSite().ask("POST", "/api/orders", body, content_type="application/json").status == 400
    assert site.proxy.changed == []
    answer = site.ask("POST", "/api/orders", body, **BEARER)
    assert (answer.status, json.loads(answer.body)["ok"]) == (200, True)
    assert site.proxy.changed == [{"command": "drain", "server": "EXCH1"}]
    assert site.notes[-1] == 'order {"command": "drain", "server": "EXCH1"} by 127.0.0.1'


def test_a_script_that_sends_json_to_a_form_is_told_so() -> None:
    answer = FakeSite(TOKEN).ask("POST", "/order", b"{}", **BEARER)
    assert (answer.status, answer.body) == (400, b"That is no form of this page: a form is expected\n")


@pytest.mark.parametrize(
    ("body", "status"), [(b"", 400), (b"[]", 400), (b"\xff", 400), (b'{"command": "dance"}', 400), (b"[" * 60_000, 400)]
)
def test_orders_that_are_none_are_refused(body: bytes, status: int) -> None:
    answer = FakeSite(TOKEN).ask("POST", "/api/orders", body, **BEARER)
    assert answer.status == status
    assert header(answer, "X-Content-Type-Options") == "nosniff"


def test_orders_are_json() -> None:
    headers = {**BEARER, "content_type": "text/plain"}
    assert FakeSite(TOKEN).ask("POST", "/api/orders", b"{}", **headers).status == 415


@pytest.mark.parametrize("command", ["drain", "kill", "reload", "anything-new", None, ["drain"]])
def test_where_the_page_is_read_only_only_looking_is_ordered(command: object) -> None:
    site = FakeSite(TOKEN, read_only=True)
    body = json.dumps({"command": command, "server": "EXCH1", "session": "7f3a"}).encode()
    assert site.ask("POST", "/api/orders", body, **BEARER).status == 403
    assert site.proxy.changed == []
    assert site.ask("POST", "/api/orders", b'{"command": "status"}', **BEARER).status == 200
