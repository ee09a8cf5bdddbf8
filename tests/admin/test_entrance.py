"""Logging in and out, and the colours. Who is let in with what: test_gate.py."""

from __future__ import annotations

import re

import pytest
from support.admin import HOSTILE, TOKEN, FakeSite, header


def test_the_form_asks_for_a_token_and_never_shows_one() -> None:
    browser = FakeSite(TOKEN).browser()
    answer = browser.post("/login", browser.key("/login"), token=HOSTILE)
    assert answer.status == 401
    assert b'type="password"' in answer.body
    assert b"gpj" not in answer.body


def test_a_form_that_was_refused_can_be_sent_again() -> None:
    site = FakeSite(TOKEN)
    browser = site.browser()
    answer = browser.post("/login", browser.key("/login"), token="wrong", to="/sessions")
    found = re.search(rb'name="key" value="(\w+)"', answer.body)
    assert found is not None
    assert b'name="to" value="/sessions"' in answer.body
    site.now += 2
    assert browser.post("/login", found[1].decode(), token=TOKEN).status == 303


def test_too_early_an_attempt_is_told_when() -> None:
    browser = FakeSite(TOKEN).browser()
    browser.log_in("wrong")
    answer = browser.log_in()
    assert (answer.status, header(answer, "Retry-After")) == (429, "2")
    assert b"wait 2 s" in answer.body


def test_where_nothing_is_asked_for_there_is_no_form() -> None:
    assert header(FakeSite().ask("GET", "/login"), "Location") == "/"


@pytest.mark.parametrize(("theme", "age"), [("dark", "31622400"), ("light", "31622400"), ("", "0")])
def test_colours_are_kept_in_a_cookie_and_shown(theme: str, age: str) -> None:
    browser = FakeSite().browser()
    answer = browser.post("/theme", browser.key(), theme=theme, to="/sessions?page=2")
    assert header(answer, "Location") == "/sessions?page=2"
    assert header(answer, "Set-Cookie") == f"theme={theme}; Path=/; Max-Age={age}; HttpOnly; SameSite=Strict"
    page = browser.get("/sessions").body.decode()
    assert (f'<html lang="en" data-theme="{theme}">' in page) is bool(theme)


def test_other_colours_are_refused_wherever_they_come_from() -> None:
    browser = FakeSite().browser()
    assert browser.post("/theme", browser.key(), theme='"><script>').status == 400
    browser.cookies["theme"] = '"><script>x'
    assert b"<script>x" not in browser.get("/").body


def test_the_colours_can_be_changed_before_one_is_logged_in() -> None:
    browser = FakeSite(TOKEN).browser()
    assert browser.post("/theme", browser.key("/login"), theme="dark", to="/login").status == 303
