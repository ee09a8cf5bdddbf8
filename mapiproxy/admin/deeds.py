"""What can be ordered on the page: the forms, what each says before it is done, and the order it becomes.

Must not know HTTP, and not what carrying out an order means.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from attrs import frozen

_DURATION = re.compile(r"(\d{1,6})\s*(s|m|h|)")
_SECONDS = {"": 60, "s": 1, "m": 60, "h": 3600}


class BadForm(Exception):
    """What was filled in cannot be meant; says why."""


@frozen
class Deed:
    """Something to order.

    :ivar title: of the page and the button; ``what`` it does, in a sentence or two.
    :ivar target: ``server``, ``session``, or empty for the proxy itself.
    :ivar asks: a further field: (name, label, what is in it at first, an explanation).
    """

    command: str
    title: str
    what: str
    target: str = "server"
    asks: tuple[str, str, str, str] | None = None
    danger: bool = False


DEEDS = {
    deed.command: deed
    for deed in (
        Deed("ready", "Ready", "It takes sessions again, new ones as well."),
        Deed(
            "drain",
            "Drain",
            "It keeps the sessions it has and takes no new ones.",
            asks=("deadline", "Into maintenance after", "", "such as 30m or 1h; empty: never by itself"),
        ),
        Deed(
            "maint",
            "Maintenance",
            "It takes nothing at all: its connections are closed, and its sessions go elsewhere.",
            danger=True,
        ),
        Deed(
            "weight",
            "Weight",
            "Its share of new mailboxes, until the configuration says another one.",
            asks=("weight", "Weight", "", "0 (no new mailboxes) to 1000"),
        ),
        Deed(
            "kill",
            "End session",
            "Its calls are cut, and its client is told that the session is gone: it connects anew.",
            target="session",
            danger=True,
        ),
        Deed(
            "reload",
            "Reload",
            "The configuration file is read again. If there is a mistake in it, what runs goes on running.",
            target="",
        ),
    )
}


def order_of(deed: Deed, fields: Mapping[str, str]) -> dict[str, Any]:
    """The order that a form asks for. :raise BadForm: something is missing or makes no sense."""
    order: dict[str, Any] = {"command": deed.command}
    if deed.target:
        name = fields.get(deed.target, "")
        if not name:
            raise BadForm(f"which {deed.target}?")
        order[deed.target] = name
    if deed.target == "server" and fields.get("pool"):
        order["pool"] = fields["pool"]
    if deed.command == "drain" and fields.get("deadline", "").strip():
        order["deadline"] = _seconds(fields["deadline"])
    if deed.command == "weight":
        text = fields.get("weight", "").strip()
        if not (text.isascii() and text.isdigit() and int(text[:6]) <= 1000 and len(text) < 6):
            raise BadForm("a weight is a whole number from 0 to 1000")
        order["weight"] = int(text)
    return order


def _seconds(text: str) -> int:
    found = _DURATION.fullmatch(text.strip().lower())
    if found is None:
        raise BadForm('a time is written like "30m", "90s" or "1h"')
    return int(found[1]) * _SECONDS[found[2]]


def told(deed: Deed, reply: Mapping[str, Any]) -> list[str]:
    """What came of it, in lines."""
    if not reply.get("ok"):
        return [str(reply.get("error", "refused")), *map(str, reply.get("problems") or ())]
    server = reply.get("server")
    if deed.command == "weight" and server:
        return [f"{server['name']} has the weight {server['weight']} now."]
    if server:
        return [f"{server['name']} is {server['admin']}: {server['safe_text']}."]
    if deed.command == "kill":
        cut = reply.get("cut", 0)
        return [f"Session {reply.get('session')} is ended, {cut} call{'' if cut == 1 else 's'} cut."]
    changes = [str(each) for each in reply.get("changes") or ()]
    warnings = [str(each) for each in reply.get("problems") or ()]
    effect = f"Configuration {reply.get('generation')} is in effect."
    return [effect, *(changes or ["Nothing changed."]), *warnings]
