"""Requests and answers as values."""

from __future__ import annotations

import pytest

from mapiproxy.admin.message import Asked, json_answer, say, see

FORM = {"content-type": "application/x-www-form-urlencoded; charset=utf-8"}


def test_a_cookie_is_found_by_its_whole_name() -> None:
    asked = Asked("GET", "/", headers={"cookie": "xmapiproxy=1; mapiproxy=2;theme=dark; mapiproxy2=3"})
    assert asked.cookie("mapiproxy") == "2"
    assert asked.cookie("theme") == "dark"
    assert asked.cookie("proxy") == ""


def test_a_form_is_read_with_its_encoding_and_empty_fields() -> None:
    assert Asked("POST", "/", headers=FORM, body=b"a=1%2B1&b=&c=%C3%BC+x").form() == {
        "a": "1+1", "b": "", "c": "ü x",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        ({}, b"a=1"),
        ({"content-type": "text/plain"}, b"a=1"),
        ({"content-type": "multipart/form-data; boundary=x"}, b"--x--"),
        (FORM, b"\xff\xfe"),
        (FORM, b"&".join(b"a%d=1" % n for n in range(100))),
    ],
)
def test_what_is_no_form_of_ours_is_refused(headers: dict[str, str], body: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011
        Asked("POST", "/", headers=headers, body=body).form()


def test_answers_say_what_they_are() -> None:
    assert (say(403, "no").status, say(403, "no").body) == (403, b"no\n")
    assert see("/x").headers == (("Location", "/x"),)
    assert json_answer({"ok": True}).kind == "application/json"
