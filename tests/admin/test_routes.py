"""Methods, headers, and that looking changes nothing."""

from __future__ import annotations

import copy

import pytest
from support.admin import TOKEN, FakeSite, header

from mapiproxy.admin.message import Asked

SITE = FakeSite()
SEEN = [*SITE.routes.views.seen, "/files/admin.css", "/files/admin.js", "/files/icon.svg"]
DONE = [*SITE.routes.views.done]
QUERY = (
    "do=drain&server=EXCH1&pool=mapi&session=7f3a91c2aabbccdd&weight=1&deadline=1s&command=drain&theme=dark"
    "&token=x&id=1&key=1&to=/&limit=5"
)


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("path", [*SEEN, *DONE, "/nothing"])
def test_looking_changes_nothing(method: str, path: str) -> None:
    site = FakeSite()
    before, keys = copy.deepcopy((site.proxy.status, site.proxy.servers, site.proxy.sessions)), site.gate.keys
    site.ask(method, f"{path}?{QUERY}")
    assert site.proxy.changed == []
    assert (site.proxy.status, site.proxy.servers, site.proxy.sessions) == before
    assert site.gate.keys is keys
    assert site.notes == []


def test_looking_logs_nobody_in_or_out() -> None:
    site = FakeSite(TOKEN)
    browser = site.browser()
    assert browser.get(f"/login?token={TOKEN}").status == 200
    assert browser.get("/").status == 303
    browser.log_in()
    assert browser.get("/logout").status == 405
    assert browser.get("/").status == 200


@pytest.mark.parametrize("path", SEEN)
@pytest.mark.parametrize("method", ["PUT", "DELETE", "OPTIONS", "TRACE", "get", "PATCH"])
def test_other_methods_are_refused_with_those_there_are(method: str, path: str) -> None:
    answer = FakeSite().ask(method, path)
    both = path in ("/order", "/login")
    assert (answer.status, header(answer, "Allow")) == (405, "GET, HEAD, POST" if both else "GET, HEAD")


def test_what_is_only_done_cannot_be_looked_at() -> None:
    for path in ("/logout", "/theme", "/api/orders"):
        answer = FakeSite().ask("GET", path)
        assert (answer.status, header(answer, "Allow")) == (405, "POST")


@pytest.mark.parametrize("path", ["/nothing", "/files/", "/files/../pages.py", "/files/%2e%2e/pages.py", "//", "/sessions/"])
def test_there_is_nothing_else(path: str) -> None:
    assert FakeSite().ask("GET", path).status == 404
    assert FakeSite(TOKEN).ask("GET", path).status in (303, 401)


@pytest.mark.parametrize("target", ["/", "/api/status", "/files/admin.js", "/nothing", "/metrics", "/result?id=x"])
def test_every_answer_has_the_headers_that_keep_others_out(target: str) -> None:
    for site in (FakeSite(), FakeSite(TOKEN)):
        answer = site.ask("GET", target)
        policy = str(header(answer, "Content-Security-Policy"))
        assert "default-src 'none'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy
        assert header(answer, "Cache-Control") == "no-store"
        assert header(answer, "X-Content-Type-Options") == "nosniff"
        assert header(answer, "Referrer-Policy") == "no-referrer"


def test_refusals_have_them_too() -> None:
    assert header(FakeSite().ask("GET", "/", host="evil"), "Cache-Control") == "no-store"


def test_a_form_that_is_no_form_is_refused() -> None:
    site = FakeSite()
    assert site.ask("POST", "/order", b"{}", content_type="application/json").status == 400
    assert site.ask("POST", "/order", b"", content_type="application/x-www-form-urlencoded").status == 403


def test_a_bug_is_one_line_for_the_visitor_and_a_trace_for_the_log() -> None:
    site = FakeSite()

    def broken(order: dict[str, object]) -> dict[str, object]:
        raise KeyError("secret")

    site.proxy.answer = broken  # type: ignore[method-assign]
    answer = site.routes.answer(Asked("GET", "/", headers={"host": "localhost"}))
    assert (answer.status, b"secret" in answer.body) == (500, False)
    assert site.bugs == ["bug in the status page, GET '/'"]
    assert header(answer, "Content-Security-Policy")
