"""A rule: a fault, where it strikes, which way, and when. How one is written in a table.

``{ fault = "latency", delay = "200ms", request_type = "NotificationWait", phase = "pending", pending = 2 }``
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from attrs import field, frozen

from mapiproxy.lab.network.faults import FAULTS
from mapiproxy.lab.network.faults.base import Fault
from mapiproxy.lab.network.pieces import Direction
from mapiproxy.lab.network.reading import (
    BadRule,
    duration,
    keys_of,
    known_name,
    line,
    refuse_unknown,
    take,
)
from mapiproxy.lab.network.selector import Selector
from mapiproxy.settings.units import show


@frozen
class Window:
    """When a rule is in force: *after* so many seconds since it was added, for *lasts* seconds."""

    after: float = duration(0.0)
    lasts: float | None = duration(None)
    name: str | None = line(None)


@frozen
class Rule:
    """A fault with its selector.

    :ivar name: what it is called in what is told; the fault's name if none was given.
    """

    fault: Fault
    kind: str
    selector: Selector = field(factory=Selector)
    direction: Direction = Direction.BOTH
    after: float = 0.0
    lasts: float | None = None
    name: str = ""

    @property
    def per_request(self) -> bool:
        """Whether it strikes single requests; else whole connections."""
        return self.fault.per_request or (self.selector.looks_inside)

    @property
    def looks_inside(self) -> bool:
        """Whether the plaintext must be seen."""
        return self.fault.per_request or self.selector.looks_inside

    def goes(self, direction: Direction) -> bool:
        """Whether it acts in this one direction."""
        return self.direction in (direction, Direction.BOTH)


_DIRECTIONS = ", ".join(Direction)


def parse_rule(table: Mapping[str, Any]) -> Rule:
    """A rule from a table.

    :raise BadRule: the text names the key and what is allowed.
    """
    kind = known_name(table, "fault", FAULTS)
    cls = FAULTS[kind]
    refuse_unknown(
        table, {"fault", "direction", *keys_of(Selector), *keys_of(Window), *keys_of(cls)}, kind
    )
    fault = take(cls, table, kind)
    selector = take(Selector, _with_phase(table, cls, kind), kind)
    window = take(Window, table, kind)
    direction = _direction(table, cls, selector, kind)
    return Rule(fault, kind, selector, direction, window.after, window.lasts, window.name or kind)


def rule(fault: Fault, *, direction: Direction | None = None, **selection: Any) -> Rule:
    """A rule from a fault in hand; *selection* as in a table, without ``fault``.

    :raise BadRule: as :func:`parse_rule`.
    """
    kind = next(name for name, cls in FAULTS.items() if cls is type(fault))
    refuse_unknown(selection, {*keys_of(Selector), *keys_of(Window)}, kind)
    selector = take(Selector, _with_phase(selection, type(fault), kind), kind)
    window = take(Window, selection, kind)
    given = selection if direction is None else {"direction": str(direction)}
    chosen = _direction(given, type(fault), selector, kind)
    return Rule(fault, kind, selector, chosen, window.after, window.lasts, window.name or kind)


def _with_phase(table: Mapping[str, Any], cls: type[Fault], kind: str) -> Mapping[str, Any]:
    """The table with the phase that the fault has by nature."""
    phase = table.get("phase")
    if cls.phase is not None:
        if phase not in (None, cls.phase):
            raise BadRule(f'{kind}: phase: it strikes in phase "{cls.phase}" only')
        return {**table, "phase": cls.phase}
    if phase is not None and not cls.at_phases:
        raise BadRule(f"{kind}: phase: this fault is about whole messages or connections and knows no phase")
    return table


def _direction(table: Mapping[str, Any], cls: type[Fault], selector: Selector, kind: str) -> Direction:
    given = table.get("direction")
    if given is None:
        natural = selector.direction if selector.direction is not Direction.BOTH else cls.direction
        chosen = natural if natural in cls.directions else cls.direction
    elif given in list(Direction):
        chosen = Direction(given)
    else:
        raise BadRule(f"{kind}: direction: {show(given)} is not one of {_DIRECTIONS}")
    if chosen not in cls.directions:
        allowed = ", ".join(cls.directions)
        raise BadRule(f"{kind}: direction: {show(str(chosen))} makes no sense for it; allowed are {allowed}")
    if selector.direction is not Direction.BOTH and chosen is not selector.direction:
        if given is None or chosen is not Direction.BOTH:
            raise BadRule(
                f'{kind}: direction: phase "{selector.phase}" comes {selector.direction} only'
            )
        chosen = selector.direction
    return chosen
