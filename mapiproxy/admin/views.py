"""What there is to ask for: pages and feeds, by path.

Must not know who may.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Protocol

from mapiproxy.admin.gate import Visitor
from mapiproxy.admin.message import Answer, Asked

#: Answers a request of somebody who has been let in.
View = Callable[[Asked, Visitor], Answer]


class Part(Protocol):
    """Some of it."""

    seen: Mapping[str, View]
    done: Mapping[str, View]


class Views:
    """All of it.

    :param open: paths that need no log-in.
    :param failed: makes the answer where there is nothing: request, status, text.
    :ivar seen: by GET; ``done``: by POST.
    """

    def __init__(
        self, *parts: Part, open: Collection[str], failed: Callable[[Asked, int, str], Answer]
    ) -> None:
        self.seen = {path: view for part in parts for path, view in part.seen.items()}
        self.done = {path: view for part in parts for path, view in part.done.items()}
        self.open = open
        self.failed = failed
