"""What is a fault? Settings that turn pieces into deliveries; how to write a new one is said here.

A fault is a frozen value with the settings, one file each, named in ``faults/__init__.py``. It is given what
comes along one direction of one connection, an item at a time, and says what is to leave and when. It knows
no sockets, and its clock and chance are arguments. What it has to remember of a connection is in a state
that
:meth:`Fault.begin` makes. The lane keeps the order: nothing overtakes what left before.

Two rules. An item that a fault keeps must come out of :meth:`Fault.release`, so that nothing is lost when
the rule is removed; one that throws bytes away must end the connection there. And a fault whose effect
stays, once it has struck, says so with :attr:`State.caught`: from then on it is given everything, selected
or not.
"""

from __future__ import annotations

from collections.abc import Iterable
from random import Random
from typing import Any, ClassVar

from attrs import define, frozen

from mapiproxy.lab.network.pieces import Arrival, Direction, Item

#: An item and the time at which it may leave, on the clock that ``At.now`` is of.
Due = tuple[float, Item]
#: A time that does not come: what is due then leaves when the rule is removed.
NEVER = float("inf")


@frozen
class At:
    """The moment at which a fault is asked."""

    now: float
    chance: Random


@define
class State:
    """What a fault remembers of one direction of one connection."""

    caught: bool = False


@frozen
class Fault:
    """The common part: passes everything on.

    :cvar direction: where it acts if the rule does not say.
    :cvar directions: where it can act.
    :cvar per_request: it is about requests or answers, so it has to see plaintext.
    :cvar phase: the only phase it knows, if it has one.
    :cvar at_phases: whether a rule may name a phase for it.
    :cvar finishes: removed in the middle of a message, it goes on while :attr:`State.caught` is set.
    """

    direction: ClassVar[Direction] = Direction.BOTH
    directions: ClassVar[tuple[Direction, ...]] = tuple(Direction)
    per_request: ClassVar[bool] = False
    phase: ClassVar[str | None] = None
    at_phases: ClassVar[bool] = True
    finishes: ClassVar[bool] = False

    def begin(self) -> Any:
        """A new state, for one direction of one connection."""
        return State()

    def take(self, state: Any, item: Arrival, at: At) -> Iterable[Due]:
        """What is to leave for *item*, and when."""
        raise NotImplementedError

    def release(self, state: Any) -> Iterable[Item]:
        """The rule is removed: what was kept."""
        return ()


def leaves(item: Item, at: At) -> tuple[Due]:
    """It leaves now."""
    return ((at.now, item),)
