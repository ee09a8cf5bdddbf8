"""One direction of one connection: rules in order, what waits in front of the way out, and when it may leave.

Fed with items and the time; gives out items. No sockets, no clock of its own. Order is kept whatever the
rules do, and removing a rule lets go what it held.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from random import Random

from attrs import define

from mapiproxy.lab.network.faults.base import At
from mapiproxy.lab.network.pieces import Cut, Direction, Fin, Item, Piece, Place, Rst
from mapiproxy.lab.network.rule import Rule
from mapiproxy.lab.network.selector import Aim

#: Bytes that may wait in one direction before the sender is held back.
MOST_WAITING = 1024 * 1024

#: Times that differ by less are the same: sums of floats are not exact.
_GRAIN = 1e-9

#: A rule has struck at a place.
Struck = Callable[["RuleInPlay", Place], None]


@define(eq=False)
class RuleInPlay:
    """A rule on a device: its counts are common to all connections."""

    rule: Rule
    aim: Aim
    number: int
    removed: bool = False


class _Stage:
    """One rule in one lane, with what waits behind it."""

    def __init__(self, play: RuleInPlay, chance: Random, struck: Struck) -> None:
        self.play = play
        self.fault = play.rule.fault
        self.state = self.fault.begin()
        self.queue: deque[tuple[float, Item]] = deque()
        self.bytes = 0
        self._chance = chance
        self._struck = struck
        self._last = 0.0

    def take(self, item: Item, now: float) -> None:
        """Let the fault have *item*, if it is meant or caught."""
        size = self.play.rule.selector.begins_within(item) if isinstance(item, Piece) else 0
        if size and isinstance(item, Piece):
            item, rest = item.split(size)
            self._take(item, now)
            self._take(rest, now)
        else:
            self._take(item, now)

    def _take(self, item: Item, now: float) -> None:
        if isinstance(item, Piece | Fin | Rst):
            strikes = not self.play.removed and self.play.aim.strikes(item.place)
            if strikes or self.state.caught:
                outs = list(self.fault.take(self.state, item, At(now, self._chance)))
                # A filter that lets a request through has done nothing.
                acts = not self.fault.per_request or outs != [(now, item)]
                if strikes and acts and self.play.aim.struck_now(item.place):
                    self._struck(self.play, item.place)
                for due, out in outs:
                    self._wait(due, out)
                return
        self._wait(now, item)

    def _wait(self, due: float, item: Item) -> None:
        self._last = max(self._last, due)
        self.queue.append((self._last, item))
        self.bytes += _size(item)

    def ready(self, now: float) -> Item | None:
        """The next item whose time has come."""
        if self.queue and self.queue[0][0] <= now + _GRAIN:
            item = self.queue.popleft()[1]
            self.bytes -= _size(item)
            return item
        return None

    def retire(self, now: float) -> bool:
        """The rule is removed: all that waits is due; whether the stage can go when it is empty."""
        if self.fault.finishes and self.state.caught:
            self.queue = deque((now, item) for _, item in self.queue)
            self._last = now
            return False
        held = list(self.fault.release(self.state))
        # An end that was still to come does not come; an end that release asks for is the price of a loss.
        kept = [(now, item) for _, item in self.queue if not isinstance(item, Cut)]
        self.queue = deque([*kept, *((now, item) for item in held)])
        self._last = now
        return True


class Lane:
    """One direction.

    :param deliver: is given each item when it leaves.
    :param chance: makes the chance of a rule in this lane, so that rules do not disturb each other.
    """

    def __init__(
        self,
        direction: Direction,
        deliver: Callable[[Item], None],
        chance: Callable[[RuleInPlay, Direction], Random],
        struck: Struck,
    ) -> None:
        self.direction = direction
        self._deliver = deliver
        self._chance = chance
        self._struck = struck
        self._stages: list[_Stage] = []
        self._input: deque[Item] = deque()
        self._running = False
        self.closed = False

    def add(self, play: RuleInPlay) -> None:
        """Put a rule behind the others, if it goes this way.

        Faults of messages come before those of the stream, which may leave no head in one piece.
        """
        if play.rule.goes(self.direction):
            stage = _Stage(play, self._chance(play, self.direction), self._struck)
            of_messages = sum(each.fault.per_request for each in self._stages)
            self._stages.insert(of_messages if stage.fault.per_request else len(self._stages), stage)

    def wake(self, play: RuleInPlay, place: Place, now: float) -> None:
        """Tell a rule that has been added to a connection that goes on, although nothing has come."""
        for stage in self._stages:
            if stage.play is play:
                stage.take(Piece(b"", place), now)
        self.run(now)

    def remove(self, play: RuleInPlay, now: float) -> None:
        """Take a rule out; nothing that it held is lost."""
        play.removed = True
        for stage in list(self._stages):
            if stage.play is play and stage.retire(now):
                index = self._stages.index(stage)
                self._stages.remove(stage)
                for _, item in stage.queue:
                    self._pass(index, item, now)
        self.run(now)

    def put(self, item: Item, now: float) -> None:
        """What has come in."""
        self._input.append(item)
        self.run(now)

    def run(self, now: float) -> None:
        """Move on all that is due; harmless at any time."""
        if self._running:
            return
        self._running = True
        try:
            while self._input:
                self._pass(0, self._input.popleft(), now)
            for stage in list(self._stages):
                self._let_go(stage, now)
        finally:
            self._running = False
        if self._input:
            self.run(now)

    def _pass(self, index: int, item: Item, now: float) -> None:
        """Give *item* to the stage at *index*, and on as far as it goes at once."""
        if self.closed:
            return
        if index >= len(self._stages):
            self._deliver(item)
            return
        stage = self._stages[index]
        stage.take(item, now)
        self._let_go(stage, now)

    def _let_go(self, stage: _Stage, now: float) -> None:
        # Whoever is given an item may remove rules: where the stage stands is asked anew each time.
        while stage in self._stages and (ready := stage.ready(now)) is not None:
            self._pass(self._stages.index(stage) + 1, ready, now)

    @property
    def next_due(self) -> float | None:
        """When :meth:`run` has something to do; ``None``: not of itself."""
        dues = [stage.queue[0][0] for stage in self._stages if stage.queue]
        due = min(dues, default=None)
        return None if due is None or due == float("inf") else due

    @property
    def waiting(self) -> int:
        """How many bytes wait for their time; what a fault gathers on purpose is not counted."""
        return sum(stage.bytes for stage in self._stages)

    @property
    def full(self) -> bool:
        """Whether the sender must be held back."""
        return self.waiting >= MOST_WAITING

    def close(self) -> None:
        """The connection is over: nothing leaves any more."""
        self.closed = True
        self._stages.clear()
        self._input.clear()


def _size(item: Item) -> int:
    return len(item.data) if isinstance(item, Piece) else 0
