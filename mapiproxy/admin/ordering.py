"""Ordering something: what it would do is said first, then it is done once, then what came of it is said."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import Any

from mapiproxy.admin.deeds import DEEDS, BadForm, Deed, order_of, told
from mapiproxy.admin.frame import Frame
from mapiproxy.admin.gate import Gate, Note, Visitor
from mapiproxy.admin.message import Answer, Asked, see
from mapiproxy.admin.views import View

Plain = dict[str, Any]

#: Results that can still be looked at.
_MOST_RESULTS = 64


class Ordering:
    """The forms of orders.

    :param answer: from an order to its reply, as on the control socket.
    """

    def __init__(
        self,
        answer: Callable[[Plain], Plain],
        gate: Gate,
        frame: Frame,
        chance: Callable[[int], bytes],
        note: Note,
    ) -> None:
        self._ask = answer
        self._gate = gate
        self._frame = frame
        self._chance = chance
        self._note = note
        self._results: OrderedDict[str, tuple[str, bool, list[str], str]] = OrderedDict()
        self.seen: Mapping[str, View] = {"/order": self._confirm, "/result": self._result}
        self.done: Mapping[str, View] = {"/order": self._carry_out}

    def _confirm(self, asked: Asked, visitor: Visitor) -> Answer:
        return self._form(asked, visitor, asked.fields(), None)

    def _form(
        self, asked: Asked, visitor: Visitor, fields: Mapping[str, str], problem: str | None
    ) -> Answer:
        deed = DEEDS.get(fields.get("do", ""))
        if deed is None:
            return self._frame.failed(asked, 404, "There is no such order.")
        if self._gate.keys.read_only:
            return self._frame.failed(asked, 403, "This page is read only.")
        about, filled = self._about(deed, fields)
        if deed.asks is not None:
            filled = fields.get(deed.asks[0], filled)
        hidden = {name: fields[name] for name in ("pool", "server", "session") if fields.get(name)}
        name = fields.get(deed.target, "")[:100] if deed.target else ""
        return self._frame.page(
            asked, "order.html", visitor, code=200 if problem is None else 400, deed=deed, name=name,
            about=about, hidden=hidden, filled=filled, problem=problem, away=_away(deed),
        )  # fmt: skip

    def _about(self, deed: Deed, fields: Mapping[str, str]) -> tuple[list[str], str]:
        """What it would hit, in lines, and what to fill in at first."""
        if deed.target != "server":
            return [], ""
        for at in self._ask({"command": "servers"}).get("servers") or ():
            if at["name"] == fields.get("server") and fields.get("pool") in (None, "", at["pool"]):
                up = "UP" if at["up"] else "DOWN"
                said = f"Now: {at['admin']}, {up}, weight {at['weight']}; {at['safe_text']}."
                return [said], str(at["weight"]) if deed.command == "weight" else ""
        return ["It is not among the servers that are there now."], ""

    def _carry_out(self, asked: Asked, visitor: Visitor) -> Answer:
        fields = asked.form()
        deed = DEEDS.get(fields.get("do", ""))
        if self._gate.keys.read_only:
            return self._frame.failed(asked, 403, "This page is read only.")
        if deed is None:
            return self._frame.failed(asked, 404, "There is no such order.")
        try:
            order = order_of(deed, fields)
        except BadForm as error:
            return self._form(asked, visitor, fields, str(error))
        reply = self._ask(order)
        what = " ".join(f"{key}={value}" for key, value in order.items() if key != "command")
        end = "done" if reply.get("ok") else f"refused: {reply.get('error')}"
        self._note(f"{deed.command} {what} by {visitor.name}: {end}".replace("  ", " "))
        number = self._chance(12).hex()
        title = f"{deed.title}: {fields[deed.target][:100]}" if deed.target else deed.title
        self._results[number] = (title, bool(reply.get("ok")), told(deed, reply), _away(deed))
        while len(self._results) > _MOST_RESULTS:
            self._results.popitem(last=False)
        # Loading the page that follows again does nothing again.
        return see(f"/result?id={number}")

    def _result(self, asked: Asked, visitor: Visitor) -> Answer:
        found = self._results.get(asked.fields().get("id", ""))
        if found is None:
            return self._frame.failed(asked, 404, "That result is not kept any more.")
        title, ok, lines, away = found
        return self._frame.page(asked, "result.html", visitor, title=title, ok=ok, lines=lines, away=away)


def _away(deed: Deed) -> str:
    return "/sessions" if deed.target == "session" else "/"
