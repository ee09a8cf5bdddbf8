"""The page: well formed, self-contained, and what others wrote is only text in it."""

from __future__ import annotations

import json
from html.parser import HTMLParser

from support.played import BAD, played

from mapiproxy.scenario.report import as_json, html

VOID = {"meta", "br", "link", "img", "input", "hr"}


class Reader(HTMLParser):
    """Checks that every element that is opened is closed; collects attributes and text."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.text = ""
        self.tags: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs

    def handle_endtag(self, tag: str) -> None:
        assert self.open, f"</{tag}> closes nothing"
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def read(page: str) -> Reader:
    reader = Reader()
    reader.feed(page)
    reader.close()
    assert reader.open == []
    return reader


def test_the_page_is_well_formed_and_tells_everything() -> None:
    reader = read(html([played(), played(BAD, kind="grommunio")]))

    assert "1 of 2 scenarios as expected" in reader.text
    assert "FAILED: contexts_lost: expected 0, got 2" in reader.text
    assert "wifi-to-lte.toml:13" in reader.text
    assert reader.text.count("From Wi-Fi to LTE & back") >= 4
    assert reader.tags.count("svg") >= 2
    ids = [value for key, value in reader.attributes if key == "id"]
    assert ids == ["wifi-to-lte-exchange", "wifi-to-lte-grommunio"]


def test_the_page_needs_nothing_from_outside() -> None:
    reader = read(html([played()]))

    assert not {"script", "link", "img", "iframe"} & set(reader.tags)
    for key, value in reader.attributes:
        if key in ("src", "href"):
            assert str(value).startswith("#"), (key, value)
    assert "url(" not in html([played()])


def test_what_others_wrote_stays_text() -> None:
    page = html([played()])

    assert "<script>" not in page
    assert "forgets &lt;b&gt;" in page
    assert "people &lt;move&gt;" in page


def test_a_run_of_nothing_can_be_shown() -> None:
    read(html([played(happenings=(), facts={}, findings=(), error="it broke")]))


def test_the_json_holds_what_the_page_holds() -> None:
    document = json.loads(as_json([played(), played(BAD)]))

    assert document["ok"] is False
    assert [each["ok"] for each in document["scenarios"]] == [True, False]
    assert document["scenarios"][0]["timeline"][2]["label"] == "forgets <b>"
