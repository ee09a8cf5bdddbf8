"""What was it like in the last minutes? Time series of an hour, and Executes of the last five minutes.

Fed once every ten seconds; the time is an argument.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

from attrs import define, field

from mapiproxy.record.histogram import FINE, merge, quantile

#: Seconds that one value of a series stands for, and how many values an hour has.
STEP = 10
STEPS = 360
#: Steps in which Executes count as recent: five minutes.
RECENT = 30

#: The series, in the order in which they are told.
SERIES = ("requests", "errors", "execute_p50_ms", "execute_p95_ms", "waits", "sessions")

Value = float | None


class Executes:
    """How long the Executes of one backend took of late.

    :ivar now: of the step that runs; whoever counts does so here, by the buckets of ``FINE``.
    """

    __slots__ = ("_past", "now")

    def __init__(self) -> None:
        self.now = [0] * (len(FINE) + 1)
        self._past: deque[list[int] | None] = deque(maxlen=RECENT)

    def turn(self) -> list[int] | None:
        """The step is over; returns what was counted in it, ``None`` for nothing."""
        over = self.now if any(self.now) else None
        self._past.append(over)
        if over is not None:
            self.now = [0] * (len(FINE) + 1)
        return over

    def recent(self) -> list[int]:
        """Of the last five minutes, and of the step that runs."""
        return merge([self.now, *(each for each in self._past if each is not None)])


@define(eq=False)
class Hour:
    """The series of the last hour.

    :ivar ended: when the last value was complete, on the caller's clock.
    """

    ended: float
    values: dict[str, deque[Value]] = field(factory=lambda: {name: deque(maxlen=STEPS) for name in SERIES})

    def is_due(self, now: float) -> bool:
        """Whether a step is over."""
        return now - self.ended >= STEP

    def turn(self, now: float, executes: Sequence[Sequence[int]], **gauges: int) -> None:
        """A step is over. When more than one has gone by (we were held up), nobody knows of the others.

        :param executes: what :meth:`Executes.turn` returned, of all backends.
        :param gauges: the values of the other series.
        """
        counts = merge(executes) if executes else []
        found: dict[str, Value] = {
            "execute_p50_ms": as_ms(quantile(counts, 0.5)),
            "execute_p95_ms": as_ms(quantile(counts, 0.95)),
            **gauges,
        }
        missed = min(int((now - self.ended) // STEP) - 1, STEPS)
        for name, series in self.values.items():
            series.extend([None] * missed)
            series.append(found[name])
        # Steps follow one another without a gap as long as we are in time.
        late = now - self.ended
        self.ended = now - late % STEP

    def told(self) -> dict[str, list[Value]]:
        """All series, the oldest value first, of equal length: ``None`` before we began."""
        return {
            name: [*[None] * (STEPS - len(series)), *series] for name, series in self.values.items()
        }


def as_ms(seconds: float | None) -> float | None:
    """Milliseconds, with as many digits as they are worth."""
    return None if seconds is None else float(f"{seconds * 1000:.3g}")
