"""How late are we ourselves? A backend must not be blamed for a reactor that was busy elsewhere.

The sweep that runs about once a second tells when it came; what is more than the interval is lag.
"""

from __future__ import annotations

from collections import deque


class Lag:
    """Lateness of the reactor, in seconds.

    :ivar now: of the last beat; ``worst`` of all.
    """

    def __init__(self, now: float, interval: float = 1.0) -> None:
        self.now = 0.0
        self.worst = 0.0
        self._interval = interval
        self._last = now
        self._beats: deque[tuple[float, float]] = deque(maxlen=300)

    def beat(self, now: float) -> float:
        """The sweep has come round; returns how late it is."""
        self.now = max(0.0, now - self._last - self._interval)
        self._last = now
        self.worst = max(self.worst, self.now)
        self._beats.append((now, self.now))
        return self.now

    def worst_since(self, moment: float, now: float) -> float:
        """The worst lateness between two moments, that of the beat which is due now included."""
        due = max(0.0, now - self._last - self._interval)
        return max([due, *(late for at, late in self._beats if at >= moment)])
