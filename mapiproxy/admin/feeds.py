"""For scripts: the replies to orders as JSON, and the metrics.

Must not know HTML.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from twisted.internet.defer import Deferred

from mapiproxy.admin.gate import Gate, Note, Visitor
from mapiproxy.admin.message import Answer, Asked, json_answer, say
from mapiproxy.admin.views import View

Plain = dict[str, Any]
Metrics = Callable[[str], Deferred[tuple[str, bytes]]]
Made = TypeVar("Made")

#: Orders that only look: the others are refused where the page is read only.
LOOKING = frozenset(("status", "servers", "sessions", "statistics"))
#: Sessions in one answer: making it holds up what the proxy is there for.
MOST_SESSIONS = 1000
#: Answers with metrics that are being made: each has to look at everything, and is megabytes.
MOST_SCRAPES = 4
_TEXTS = ("mailbox", "server", "client", "state")


class Feeds:
    """What scripts ask for.

    :param metrics: from an Accept header to (content type, body); ``None``: there are none.
    """

    def __init__(
        self, answer: Callable[[Plain], Plain], metrics: Metrics | None, gate: Gate, note: Note
    ) -> None:
        self._ask = answer
        self._metrics = metrics
        self._gate = gate
        self._note = note
        self._scrapes = 0
        seen: dict[str, View] = {
            f"/api/{name}": lambda asked, _, name=name: self._look({"command": name})  # type: ignore[misc]
            for name in ("status", "servers", "statistics")
        }
        seen["/api/sessions"] = self._sessions
        if metrics is not None:
            seen["/metrics"] = self._count
        self.seen: Mapping[str, View] = seen
        self.done: Mapping[str, View] = {"/api/orders": self._order}

    def _look(self, order: Plain) -> Answer:
        reply = self._ask(order)
        return json_answer(reply, 200 if reply.get("ok") else 400)

    def _sessions(self, asked: Asked, visitor: Visitor) -> Answer:
        order: Plain = {"command": "sessions"}
        fields = asked.fields()
        try:
            order |= {key: int(fields[key]) for key in ("limit", "offset") if key in fields}
        except ValueError:
            return json_answer({"ok": False, "error": "limit and offset are whole numbers"}, 400)
        if order.get("limit", 0) > MOST_SESSIONS:
            text = f"limit is {MOST_SESSIONS} at most here, for requests wait meanwhile; go on with offset"
            return json_answer({"ok": False, "error": text}, 400)
        order |= {key: fields[key] for key in _TEXTS if fields.get(key)}
        return self._look(order)

    def _count(self, asked: Asked, visitor: Visitor) -> Answer:
        assert self._metrics is not None, "the path is there with them only"
        if self._scrapes >= MOST_SCRAPES:
            return say(503, "Others are being told already.", ("Retry-After", "1"))
        later = self._metrics(asked.get("accept"))
        self._scrapes += 1
        return Answer(200, later=later.addBoth(self._scraped))

    def _scraped(self, made: Made) -> Made:
        self._scrapes -= 1
        return made

    def _order(self, asked: Asked, visitor: Visitor) -> Answer:
        """Any order of the control socket, for whoever sends a token along: no page of others can."""
        if not visitor.script:
            return say(403, "Orders by JSON need a token in Authorization; or use the control socket.")
        if asked.get("content-type").partition(";")[0].strip().lower() != "application/json":
            return say(415, "An order is application/json.")
        try:
            order = json.loads(asked.body)
        except (ValueError, RecursionError) as error:
            return json_answer({"ok": False, "error": f"that is no JSON: {error}"}, 400)
        if not isinstance(order, dict):
            return json_answer({"ok": False, "error": "an order is a JSON object"}, 400)
        command = order.get("command")
        if not isinstance(command, str) or command not in LOOKING:
            if self._gate.keys.read_only:
                return json_answer({"ok": False, "error": "this page is read only"}, 403)
            self._note(f"order {json.dumps(order)[:200]} by {visitor.name}")
        return self._look(order)
