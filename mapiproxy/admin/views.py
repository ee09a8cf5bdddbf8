"""What there is to ask for: pages and feeds, by path.

Must not know who may.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Protocol

from mapiproxy.admin.gate import Visitor
from mapiproxy.admin.message import Answer, Asked

#: Answers a request of somebody who has been let in.
View = Callable[[Asked, Visitor], Answer]


class _Part(Protocol):
    seen: Mapping[str, View]
    done: Mapping[str, View]


class _Pages(_Part, Protocol):
    open: frozenset[str]

    def failed(self, asked: Asked, status: int, text: str) -> Answer: ...


class Views:
    """All of it.

    :ivar seen: by GET; ``done``: by POST. :ivar open: paths that need no log-in.
    """

    def __init__(self, pages: _Pages, feeds: _Part) -> None:
        self.seen = {**pages.seen, **feeds.seen}
        self.done = {**pages.done, **feeds.done}
        self.open = pages.open
        self.failed = pages.failed
