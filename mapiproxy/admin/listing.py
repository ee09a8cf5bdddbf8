"""Which sessions are shown: filters and pages, from a query to an order, and from its reply to rows.

Filtering is done by whoever answers the order, so that a page costs a page. Must not know HTML.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from attrs import evolve, frozen

PER_PAGE = 50
STATES = ("active", "waiting", "idle")
_LONGEST = 200


@frozen
class Filters:
    """What is asked for; empty for all."""

    mailbox: str = ""
    server: str = ""
    client: str = ""
    state: str = ""
    page: int = 1

    @classmethod
    def read(cls, fields: Mapping[str, str]) -> Filters:
        """From a query; what makes no sense counts as not asked for."""
        page = fields.get("page", "1")
        state = fields.get("state", "")
        texts = {key: fields.get(key, "").strip()[:_LONGEST] for key in ("mailbox", "server", "client")}
        number = int(page) if page.isascii() and page.isdigit() and len(page) < 7 else 1
        return cls(**texts, state=state if state in STATES else "", page=max(1, number))

    def order(self) -> dict[str, Any]:
        """The order whose reply is this page."""
        names = ("mailbox", "server", "client", "state")
        return {
            "command": "sessions",
            "limit": PER_PAGE,
            "offset": (self.page - 1) * PER_PAGE,
            **{name: value for name in names if (value := getattr(self, name))},
        }

    def query(self, page: int | None = None) -> str:
        """As it stands in a URL, of another page if one is given."""
        turned = self if page is None else evolve(self, page=page)
        names = ("mailbox", "server", "client", "state")
        pairs = [(name, value) for name in names if (value := getattr(turned, name))]
        if turned.page > 1:
            pairs.append(("page", str(turned.page)))
        return urlencode(pairs)


@frozen
class Pages:
    """Where we are among the pages."""

    page: int
    total: int

    @property
    def last(self) -> int:
        return max(1, -(-self.total // PER_PAGE))

    @property
    def first_row(self) -> int:
        return min(self.total, (self.page - 1) * PER_PAGE + 1)

    @property
    def last_row(self) -> int:
        return min(self.total, self.page * PER_PAGE)


def call_of(session: Mapping[str, Any]) -> list[str]:
    """What runs, in words."""
    return [
        f"{each['request_type'] or 'request'}, {each['phase']}" for each in session["current"]
    ]


def pending_of(session: Mapping[str, Any]) -> float | None:
    """Seconds since the last sign of life of a wait that is open; the longest, if there are several."""
    ages = [each["quiet"] for each in session["current"] if each["request_type"] == "NotificationWait"]
    return max(ages) if ages else None
