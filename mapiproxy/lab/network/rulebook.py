"""Which rules are in force at a device, and from when to when?

The only place that sets clocks for rules. What a rule does to connections is told to the device's two
functions.
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any

from mapiproxy.lab.network.lane import RuleInPlay
from mapiproxy.lab.network.rule import Rule
from mapiproxy.lab.network.selector import Aim


class Rulebook:
    """Rules by the time at which they begin and end.

    :param clock: has ``callLater``.
    :param began: told of a rule that comes into force, *ended* of one that goes out of it.
    :ivar in_play: those in force, in the order in which they act.
    """

    def __init__(
        self,
        clock: Any,
        seed: int,
        began: Callable[[RuleInPlay], None],
        ended: Callable[[RuleInPlay], None],
    ) -> None:
        self.in_play: list[RuleInPlay] = []
        self._clock = clock
        self._seed = seed
        self._began = began
        self._ended = ended
        self._count = 0
        self._coming: list[RuleInPlay] = []
        self._timers: dict[RuleInPlay, list[Any]] = {}
        self._fixed: set[RuleInPlay] = set()

    def add(self, rule: Rule, *, fixed: bool = False) -> RuleInPlay:
        """Put a rule in force when its time comes; :meth:`clear` leaves *fixed* ones alone."""
        self._count += 1
        aim = Aim(rule.selector, Random(f"{self._seed}/{self._count}"), rule.per_request)
        play = RuleInPlay(rule, aim, self._count)
        if fixed:
            self._fixed.add(play)
        timers = self._timers[play] = []
        if rule.after:
            self._coming.append(play)
            timers.append(self._clock.callLater(rule.after, self._begin, play))
        else:
            self._begin(play)
        if rule.lasts is not None:
            timers.append(self._clock.callLater(rule.after + rule.lasts, self.remove, play))
        return play

    def _begin(self, play: RuleInPlay) -> None:
        if play in self._coming:
            self._coming.remove(play)
        self.in_play.append(play)
        self._began(play)

    def remove(self, which: RuleInPlay | str) -> bool:
        """Take a rule, or all of a name, out of force; false: there is none."""
        known = [*self.in_play, *self._coming]
        found = [play for play in known if play is which or play.rule.name == which]
        for play in found:
            play.removed = True
            self._fixed.discard(play)
            for timer in self._timers.pop(play):
                if timer.active():
                    timer.cancel()
            if play in self.in_play:
                self.in_play.remove(play)
                self._ended(play)
            else:
                self._coming.remove(play)
        return bool(found)

    def clear(self) -> None:
        """Remove all that are not fixed."""
        for play in [*self.in_play, *self._coming]:
            if play not in self._fixed:
                self.remove(play)

    def stop(self) -> None:
        """Remove all."""
        for play in [*self.in_play, *self._coming]:
            self.remove(play)

    @property
    def looks_inside(self) -> bool:
        """Whether a rule in force has to see plaintext."""
        return any(play.rule.looks_inside for play in self.in_play)
