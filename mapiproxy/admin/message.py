"""A request for the status page and its answer, as plain values.

Everything is decided on these, so that a test needs no connection. Must not know what carries them.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl

from attrs import field, frozen
from twisted.internet.defer import Deferred

#: Fields of a form or a query at most; ours have a handful.
_MOST_FIELDS = 32


def read_fields(text: str) -> dict[str, str]:
    """``a=1&b=2`` as it stands in a query or a form; the last of a name counts.

    :raise ValueError: there are too many.
    """
    return dict(parse_qsl(text, keep_blank_values=True, max_num_fields=_MOST_FIELDS))


@frozen
class Asked:
    """A request.

    :ivar query: the part of the URL behind ``?``.
    :ivar headers: by lower-case name; a repeated one is joined with commas.
    :ivar peer: the client's address.
    :ivar here: the address of ours that it connected to.
    :ivar subject: of its certificate, which has been verified; ``None`` without one.
    """

    method: str
    path: str
    query: str = ""
    headers: Mapping[str, str] = field(factory=dict)
    body: bytes = field(default=b"", repr=False)
    peer: str = "127.0.0.1"
    here: str = "127.0.0.1"
    secure: bool = False
    subject: str | None = None

    def get(self, name: str) -> str:
        """A header's value, empty when it is absent."""
        return self.headers.get(name, "")

    def cookie(self, name: str) -> str:
        """A cookie's value, empty when it is absent."""
        for pair in self.get("cookie").split(";"):
            key, _, value = pair.strip().partition("=")
            if key == name:
                return value
        return ""

    def fields(self) -> dict[str, str]:
        """The query's fields. :raise ValueError: too many of them."""
        return read_fields(self.query)

    def form(self) -> dict[str, str]:
        """The body's fields. :raise ValueError: it is no form."""
        if self.get("content-type").partition(";")[0].strip().lower() != "application/x-www-form-urlencoded":
            raise ValueError("a form is expected")
        return read_fields(self.body.decode("utf-8"))


@frozen
class Answer:
    """An answer.

    :ivar headers: beside those that every answer has.
    :ivar later: what is still being made; it brings ``kind`` and ``body``, and whoever carries it waits.
    """

    status: int
    body: bytes = field(default=b"", repr=False)
    kind: str = "text/plain; charset=utf-8"
    headers: tuple[tuple[str, str], ...] = ()
    later: Deferred[tuple[str, bytes]] | None = None


def say(status: int, text: str, *headers: tuple[str, str]) -> Answer:
    """A line of plain text."""
    return Answer(status, text.encode() + b"\n", headers=headers)


def see(place: str, *headers: tuple[str, str]) -> Answer:
    """Look there instead, by GET; *place* is a path of ours."""
    return Answer(303, b"", headers=(("Location", place), *headers))


def json_answer(reply: Mapping[str, Any], status: int = 200) -> Answer:
    """A reply as JSON."""
    return Answer(status, json.dumps(reply).encode() + b"\n", "application/json")
