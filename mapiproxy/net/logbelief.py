"""Which time of day may decide that a file is old? A clock that jumps ahead would take a whole log with it.

The clock of the wall is believed as long as it goes as fast as one that cannot be set. What it says beyond
that is believed after a day of saying so; until then files are as old as they were before it jumped. Where
it goes back it is believed at once: then less is removed. Both times are arguments.
"""

from __future__ import annotations

from attrs import define

#: Seconds by which the clock may be put forward unnoticed: more than a correction or a leap needs.
SLACK = 3600.0
#: Seconds for which a jump has to last.
DOUBT = 86400.0


@define
class Belief:
    """What time of day it is, to judge the age of files.

    :ivar doubted: by how many seconds the clock is ahead of what is believed; 0.0: it is believed.
    """

    doubted: float = 0.0
    _wall: float | None = None
    _steady: float = 0.0
    _since: float = 0.0

    def at(self, wall: float, steady: float) -> float:
        """The time that is believed, in seconds since 1970.

        :param wall: what the clock says; at first it is taken at its word.
        :param steady: seconds of a clock that cannot be set.
        """
        if self._wall is None:
            self._wall, self._steady = wall, steady
        expected = self._wall + (steady - self._steady)
        ahead = wall - expected
        if ahead > SLACK:
            if not self.doubted:
                self._since = steady
            if steady - self._since < DOUBT:
                self.doubted = ahead
                return expected
        self.doubted = 0.0
        self._wall, self._steady = wall, steady
        return wall
