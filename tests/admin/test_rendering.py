"""Everything that is printed is escaped, and everything that is needed is in the package."""

from __future__ import annotations

import re
from importlib.resources import files

from support.admin import HOSTILE

from mapiproxy.admin.rendering import read_files, render

FOLDER = files("mapiproxy.admin")


def templates() -> dict[str, str]:
    return {each.name: each.read_text() for each in (FOLDER / "templates").iterdir() if each.name.endswith(".html")}


def test_what_is_printed_is_escaped_and_made_plain() -> None:
    page = render("error.html", status=404, text=HOSTILE, theme="", key="k", back='/"><script>').decode()
    assert "<script>alert" not in page
    assert '"><script>' not in page
    assert "&lt;script&gt;alert" in page
    assert not any(bad in page for bad in "\u202e\x00\x1b")
    assert "{{7*7}}" in page


def test_no_template_trusts_text_or_has_script_or_style_of_its_own() -> None:
    found = templates()
    assert len(found) >= 8
    for name, text in found.items():
        assert not re.search(r"\|\s*safe\b|autoescape\s+false|Markup", text), name
        assert not re.search(r"<style|\sstyle=|\son\w+=|javascript:", text), name
        assert not re.search(r"<script(?! src=\"/files/admin\.js\" defer></script>)", text), name


def test_nothing_is_fetched_from_elsewhere() -> None:
    texts = {**templates(), **{name: content.decode() for name, (_, content) in read_files().items()}}
    for name, text in texts.items():
        places = re.findall(r"(?:https?:)?//[a-z][\w.-]+\.[a-z]+", text)
        assert [place for place in places if place != "http://www.w3.org"] == [], name
        assert "@import" not in text


def test_each_file_has_its_type() -> None:
    assert {name: kind for name, (kind, _) in read_files().items()} == {
        "admin.css": "text/css; charset=utf-8", "admin.js": "text/javascript; charset=utf-8",
        "icon.svg": "image/svg+xml",
    }  # fmt: skip


def luminance(colour: str) -> float:
    parts = (int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5))
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def test_text_can_be_read_in_the_light_and_in_the_dark() -> None:
    """WCAG 2.1, 1.4.3: 4.5 to 1."""
    style = read_files()["admin.css"][1].decode()
    light, dark, dark_by_choice = (
        dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6})", block))
        for block in re.findall(r"\{([^{}]*--ground:[^{}]*)\}", style)
    )
    assert dark == dark_by_choice
    for colours in (light, dark):
        pairs = [(ink, ground) for ink in ("ink", "dim", "link", "good", "bad") for ground in ("ground", "card", "head")]
        pairs += [(name, f"{name}-soft") for name in ("good", "fair", "bad", "off")]
        pairs += [("card", "link"), ("card", "bad"), ("fair", "card")]
        low = {pair: contrast(colours[pair[0]], colours[pair[1]]) for pair in pairs}
        assert {pair: ratio for pair, ratio in low.items() if ratio < 4.5} == {}
