"""Who is let in, and which forms are believed."""

from __future__ import annotations

import pytest
from support.admin import TOKEN, FakeSite, header

from mapiproxy.admin.message import Asked

FORM = "application/x-www-form-urlencoded"


def test_without_a_token_whoever_is_on_this_machine_may_look() -> None:
    assert FakeSite().ask("GET", "/").status == 200


@pytest.mark.parametrize("target", ["/api/status", "/api/sessions", "/metrics", "/fragment/overview"])
def test_scripts_without_a_token_get_a_401_that_says_how(target: str) -> None:
    answer = FakeSite(TOKEN).ask("GET", target)
    assert answer.status == 401
    assert header(answer, "WWW-Authenticate") == 'Bearer realm="mapiproxy"'
    assert FakeSite(TOKEN).ask("GET", target, authorization=f"Bearer {TOKEN}").status == 200


def test_people_without_a_token_are_led_to_the_form_and_back() -> None:
    site = FakeSite(TOKEN)
    browser = site.browser()
    assert header(browser.get("/sessions?mailbox=alice"), "Location") == "/login?to=%2Fsessions%3Fmailbox%3Dalice"
    page = browser.get("/login?to=%2Fsessions%3Fmailbox%3Dalice")
    assert b'value="/sessions?mailbox=alice"' in page.body
    answer = browser.post("/login", browser.key("/login"), token=TOKEN, to="/sessions?mailbox=alice")
    assert (answer.status, header(answer, "Location")) == (303, "/sessions?mailbox=alice")
    assert browser.get("/sessions?mailbox=alice").status == 200
    assert site.notes == ["logged in from 127.0.0.1"]


@pytest.mark.parametrize(
    "place", ["//evil.example/", "https://evil.example/", "/\\evil.example", "javascript:alert(1)", "/x", ""]
)
def test_a_log_in_leads_nowhere_else(place: str) -> None:
    browser = FakeSite(TOKEN).browser()
    answer = browser.post("/login", browser.key("/login"), token=TOKEN, to=place)
    assert header(answer, "Location") == "/"


def test_the_cookie_is_for_this_site_alone_and_unlike_any_before() -> None:
    site = FakeSite(TOKEN)
    browser = site.browser()
    key = browser.key("/login")
    before = browser.cookies["mapiproxy"]
    cookie = header(browser.post("/login", key, token=TOKEN), "Set-Cookie")
    assert cookie is not None
    assert cookie.partition(";")[2] == " Path=/; Secure; HttpOnly; SameSite=Strict"
    assert browser.cookies["mapiproxy"] != before
    asked = Asked("GET", "/", headers={"host": "localhost"}, secure=True)
    assert site.gate.cookie(asked, "x")[1].startswith("__Host-mapiproxy=x; ")


@pytest.mark.parametrize(
    "token", ["", "wrong", TOKEN[:-1], TOKEN + "x", TOKEN.upper(), "\N{LATIN SMALL LETTER A WITH DIAERESIS}"]
)
def test_wrong_tokens_are_refused_noted_without_the_token_and_slowed(token: str) -> None:
    site = FakeSite(TOKEN)
    browser = site.browser()
    answer = browser.post("/login", browser.key("/login"), token=token)
    assert answer.status == 401
    assert b"That is not a token." in answer.body
    assert site.notes == ["wrong token from 127.0.0.1, 1 in a row"]
    right = site.ask("GET", "/api/status", authorization=f"Bearer {TOKEN}")
    assert (right.status, header(right, "Retry-After")) == (429, "2")
    site.now += 1.5
    assert site.ask("GET", "/api/status", authorization=f"Bearer {TOKEN}").status == 200
    assert site.ask("GET", "/api/status", authorization=f"Basic {TOKEN}").status == 401


def test_who_is_logged_in_is_not_slowed_by_the_failures_of_others() -> None:
    site = FakeSite(TOKEN)
    browser = site.browser()
    browser.log_in()
    site.ask("GET", "/api/status", authorization="Bearer wrong")
    assert browser.get("/").status == 200


def test_log_out_ends_the_session_on_our_side() -> None:
    site = FakeSite(TOKEN)
    browser = site.browser()
    browser.log_in()
    cookies = dict(browser.cookies)
    assert browser.post("/logout", browser.key()).status == 303
    browser.cookies = cookies
    assert browser.get("/").status == 303


def test_an_id_that_was_never_logged_in_opens_nothing() -> None:
    browser = FakeSite(TOKEN).browser()
    browser.get("/login")
    assert len(browser.cookies["mapiproxy"]) == 64
    assert browser.get("/").status == 303


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("localhost:8444", 200), ("LOCALHOST", 200), ("127.0.0.1:8444", 200), ("[::1]:9", 200),
        ("admin.example.com:8444", 200), ("Admin.Example.com", 200),
        ("evil.example:8444", 421), ("evil.example", 421), ("", 421), ("localhost.evil.example", 421),
        ("localhost:8444@evil.example", 421), ("10.0.0.1", 421), ("localhost, evil.example", 421),
        ("localhost:8444:8444", 421), ("localhost:x", 421), ("[::1", 421),
    ],
)  # fmt: skip
def test_only_our_own_names_are_answered(host: str, status: int) -> None:
    site = FakeSite(names=("admin.example.com",))
    assert site.ask("GET", "/api/status", host=host).status == status


def test_away_from_loopback_the_address_is_a_name_and_localhost_is_none() -> None:
    site = FakeSite(TOKEN)

    def status(host: str, here: str) -> int:
        headers = {"host": host, "authorization": f"Bearer {TOKEN}"}
        return site.routes.answer(Asked("GET", "/api/status", headers=headers, here=here, secure=True)).status

    assert status("10.0.0.5:8444", "10.0.0.5") == 200
    assert status("[2001:db8::5]:8444", "2001:db8::5") == 200
    assert status("localhost:8444", "10.0.0.5") == 421
    assert status("10.0.0.6", "10.0.0.5") == 421


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("origin", "https://evil.example"), ("origin", "null"), ("origin", "http://localhost:9999"),
        ("origin", "https://localhost:8444"), ("origin", "http://[::1"), ("origin", "http://localhost:8444/x"), ("sec_fetch_site", "cross-site"), ("sec_fetch_site", "same-site"),
    ],
)  # fmt: skip
def test_forms_of_other_pages_are_refused_even_with_the_key(name: str, value: str) -> None:
    site = FakeSite()
    browser = site.browser()
    key = browser.key()
    cookie = f"mapiproxy={browser.cookies['mapiproxy']}"
    body = f"key={key}&do=drain&server=EXCH1&pool=mapi".encode()
    answer = site.ask("POST", "/order", body, content_type=FORM, cookie=cookie, **{name: value})
    assert answer.status == 403
    assert site.proxy.changed == []
    assert len(site.notes) == 1
    assert site.ask("POST", "/order", body, content_type=FORM, cookie=cookie).status == 303


@pytest.mark.parametrize(
    ("site", "mode", "dest", "status"),
    [
        ("cross-site", "no-cors", "image", 403), ("same-site", "cors", "empty", 403), ("cross-site", "navigate", "iframe", 403),
        ("cross-site", "navigate", "document", 200), ("none", "navigate", "document", 200),
        ("same-origin", "cors", "empty", 200), ("", "", "", 200),
    ],
)  # fmt: skip
def test_other_pages_may_link_here_and_fetch_nothing(site: str, mode: str, dest: str, status: int) -> None:
    headers = {"sec_fetch_site": site, "sec_fetch_mode": mode, "sec_fetch_dest": dest}
    for path in ("/", "/sessions", "/metrics", "/api/sessions", "/files/icon.svg"):
        assert FakeSite().ask("GET", path, **headers).status == status
    assert FakeSite().ask("HEAD", "/metrics", **headers).status == status


def test_a_form_that_hides_its_origin_is_believed_where_the_browser_vouches_for_it() -> None:
    """As Chromium sends them from a page with Referrer-Policy: no-referrer."""
    site = FakeSite()
    browser = site.browser()
    body = f"key={browser.key()}&do=drain&server=EXCH1".encode()
    headers = {"content_type": FORM, "cookie": f"mapiproxy={browser.cookies['mapiproxy']}", "origin": "null"}
    for vouched, status in (("cross-site", 403), ("none", 403), ("", 403), ("same-origin", 303)):
        assert site.ask("POST", "/order", body, sec_fetch_site=vouched, **headers).status == status


@pytest.mark.parametrize("key", ["", "0" * 64, "x", "\N{LATIN SMALL LETTER A WITH DIAERESIS}"])
def test_forms_without_their_key_are_refused(key: str) -> None:
    site = FakeSite()
    browser = site.browser()
    browser.get("/")
    assert browser.post("/order", key, do="drain", server="EXCH1", pool="mapi").status == 403
    assert site.proxy.changed == []


def test_the_key_of_another_session_is_no_key() -> None:
    site = FakeSite(TOKEN)
    one, other = site.browser(), site.browser()
    one.log_in()
    other.log_in()
    assert one.post("/order", other.key(), do="drain", server="EXCH1").status == 403
    assert one.post("/order", one.key(), do="drain", server="EXCH1").status == 303


def test_a_form_without_a_log_in_changes_nothing() -> None:
    site = FakeSite(TOKEN)
    browser = site.browser()
    key = browser.key("/login")
    assert browser.post("/order", key, do="drain", server="EXCH1").status == 401
    assert site.proxy.changed == []


def test_refusals_that_anybody_can_cause_do_not_fill_the_log() -> None:
    site = FakeSite()
    for _ in range(50):
        site.ask("GET", "/", host="evil")
        site.ask("POST", "/order", b"", origin="https://evil")
    assert len(site.notes) == 1
    site.now += 1
    site.ask("GET", "/", host="evil")
    assert len(site.notes) == 2


def test_a_token_that_a_reload_took_away_ends_its_sessions() -> None:
    from attrs import evolve

    from mapiproxy.admin.access import Tokens

    site = FakeSite(TOKEN)
    browser = site.browser()
    browser.log_in()
    assert browser.get("/").status == 200
    site.gate.keys = evolve(site.gate.keys, tokens=Tokens([b"another-token-of-it"]))
    assert browser.get("/").status == 303
