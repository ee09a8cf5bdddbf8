"""How late are we ourselves? A backend must not be blamed for a reactor that was busy elsewhere.

The sweep that runs about once a second tells when it came; what is more than the interval is lag.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable


class Lag:
    """Lateness of the reactor, in seconds.

    :param clock: one that does not jump, which a reactor's own does; whoever asks here uses it too.
    :ivar now: of the last beat; ``worst`` of all.
    """

    def __init__(self, clock: Callable[[], float], interval: float = 1.0) -> None:
        self.clock = clock
        self.now = 0.0
        self.worst = 0.0
        self._interval = interval
        self._last = clock()
        self._beats: deque[tuple[float, float]] = deque(maxlen=300)

    def beat(self) -> float:
        """The sweep has come round; returns how late it is."""
        now = self.clock()
        self.now = max(0.0, now - self._last - self._interval)
        self._last = now
        self.worst = max(self.worst, self.now)
        self._beats.append((now, self.now))
        return self.now

    def worst_since(self, moment: float) -> float:
        """The worst lateness since a moment of the clock, that of the beat which is due included."""
        due = max(0.0, self.clock() - self._last - self._interval)
        return max([due, *(late for at, late in self._beats if at >= moment)])
