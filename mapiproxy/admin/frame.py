"""What all pages have in common: the frame around them, and what is said when there is nothing to show."""

from __future__ import annotations

from typing import Any

from mapiproxy.admin.gate import Gate, Visitor
from mapiproxy.admin.message import Answer, Asked, say
from mapiproxy.admin.rendering import render

HTML = "text/html; charset=utf-8"
THEMES = ("", "light", "dark")


class Frame:
    """Makes whole pages."""

    def __init__(self, gate: Gate) -> None:
        self._gate = gate

    def page(
        self,
        asked: Asked,
        template: str,
        visitor: Visitor,
        *,
        code: int = 200,
        outside: bool = False,
        **values: Any,
    ) -> Answer:
        """A page from a template.

        :param outside: it is for those who are not logged in.
        """
        theme = asked.cookie("theme")
        back = asked.path + (f"?{asked.query}" if asked.query else "")
        common = {
            "theme": theme if theme in THEMES else "",
            "back": back if asked.method in ("GET", "HEAD") else "/",
            "key": self._gate.form_key(visitor),
            "inside": not outside,
            "asks": bool(self._gate.keys.tokens),
            "read_only": self._gate.keys.read_only,
        }
        return Answer(code, render(template, **common, **values), HTML)

    def failed(self, asked: Asked, status: int, text: str) -> Answer:
        """What to answer when there is nothing."""
        if asked.path.startswith(("/api/", "/fragment/")):
            return say(status, text)
        stranger = self._gate.stranger(asked)
        return self.page(asked, "error.html", stranger, code=status, status=status, text=text)


def inside(place: str) -> str:
    """A path of ours, whatever somebody wrote into a link."""
    plain = place.isascii() and place.isprintable() and "\\" not in place
    known = place.partition("?")[0] in ("/", "/sessions", "/order", "/login")
    return place if plain and known else "/"

