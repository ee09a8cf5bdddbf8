"""Where on a drawing is a moment? Long stretches in which nothing happens are cut short, visibly.

Pure geometry: seconds in, positions out.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from itertools import pairwise

from attrs import frozen

#: A gap that would take more than this share of the width is cut short,
_SHARE = 1 / 9
#: if it is also so many times as long as what is usual between two moments;
_UNUSUAL = 4
#: so many seconds, where there are too few moments to tell.
_FEW = 150.0
#: How wide a cut is drawn.
BREAK = 54.0
#: Seconds between two ticks that a person likes.
_NICE = (0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 43200, 86400)
#: Least distance of two ticks.
_TICK = 64.0


@frozen
class Stretch:
    """A piece of time and where it is drawn; *cut*: not to scale."""

    begin: float
    end: float
    left: float
    right: float
    cut: bool = False

    @property
    def seconds(self) -> float:
        """How long it is."""
        return self.end - self.begin


@frozen
class Axis:
    """The whole time, in stretches without holes."""

    stretches: tuple[Stretch, ...]

    def x(self, at: float) -> float:
        """Where a moment is drawn; moments outside are drawn at the ends."""
        begins = [stretch.begin for stretch in self.stretches]
        stretch = self.stretches[max(0, bisect_right(begins, at) - 1)]
        if stretch.seconds <= 0:
            return stretch.left
        share = min(1.0, max(0.0, (at - stretch.begin) / stretch.seconds))
        return stretch.left + share * (stretch.right - stretch.left)

    @property
    def cuts(self) -> tuple[Stretch, ...]:
        """What is not to scale."""
        return tuple(stretch for stretch in self.stretches if stretch.cut)

    def ticks(self) -> tuple[float, ...]:
        """Moments to write at the axis."""
        drawn = [stretch for stretch in self.stretches if not stretch.cut and stretch.seconds > 0]
        if not drawn:
            return (self.stretches[0].begin,)
        widest = max(drawn, key=lambda stretch: stretch.right - stretch.left)
        scale = (widest.right - widest.left) / widest.seconds
        step = next((nice for nice in _NICE if nice * scale >= _TICK), _NICE[-1])
        found: list[float] = []
        last = float("-inf")
        for stretch in drawn:
            number = -(-stretch.begin // step)
            while number * step <= stretch.end:
                at = number * step
                place = self.x(at)
                if place - last >= _TICK:
                    found.append(at)
                    last = place
                number += 1
        return tuple(found) or (drawn[0].begin,)


def make_axis(moments: Iterable[float], begin: float, end: float, left: float, right: float) -> Axis:
    """An axis from *begin* to *end* between *left* and *right* that keeps the *moments* apart."""
    known = sorted({begin, end, *(at for at in moments if begin < at < end)})
    gaps = list(pairwise(known))
    cut: set[tuple[float, float]] = set()
    room, drawn = right - left, end - begin
    usual = _usual([last - first for first, last in gaps], end - begin)
    while True:
        free = room - BREAK * len(cut)
        long = [
            gap for gap in gaps
            if gap not in cut and free > 3 * BREAK and gap[1] - gap[0] > _UNUSUAL * usual
            and (gap[1] - gap[0]) * free / drawn > max(room * _SHARE, 1.5 * BREAK)
        ]  # fmt: skip
        # The longest first: without it others may not be long any more, or may become so.
        longest = max(long, key=lambda gap: gap[1] - gap[0], default=None)
        rest = drawn - (longest[1] - longest[0]) if longest is not None else 0.0
        if longest is None or rest <= 0:
            break
        cut.add(longest)
        drawn = rest
    scale = (room - BREAK * len(cut)) / drawn if drawn > 0 else 0.0
    return Axis(tuple(_lay(gaps, cut, left, right, scale)) or (Stretch(begin, end, left, right),))


def _usual(gaps: list[float], whole: float) -> float:
    """What three of four gaps are shorter than, those within a burst left out."""
    counted = sorted(gap for gap in gaps if gap > min(1.0, whole / 100))
    return counted[len(counted) * 3 // 4] if len(counted) > 3 else _FEW


def _lay(
    gaps: list[tuple[float, float]], cut: set[tuple[float, float]], left: float, limit: float, scale: float
) -> list[Stretch]:
    """The stretches side by side; what rounding adds up to does not stick out."""
    laid: list[Stretch] = []
    for first, last in gaps:
        is_cut = (first, last) in cut
        right = min(limit, left + (BREAK if is_cut else (last - first) * scale))
        before = laid[-1] if laid else None
        if before is not None and not is_cut and not before.cut:
            laid[-1] = Stretch(before.begin, last, before.left, right)
        else:
            laid.append(Stretch(first, last, left, right, is_cut))
        left = right
    return laid


def show_moment(at: float) -> str:
    """``1:30``, ``2:00:05``, ``0.4s`` below a second."""
    if 0 < at < 1:
        return f"{at:.1f}s"
    whole = round(at)
    hours, minutes, seconds = whole // 3600, whole // 60 % 60, whole % 60
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"


def show_length(seconds: float) -> str:
    """``20ms``, ``1.5s``, ``4m12s``, ``7h50m``."""
    if seconds < 1:
        return f"{seconds * 1000:.0f}ms"
    if seconds < 60:
        return f"{seconds:.1f}".removesuffix(".0") + "s"
    whole = round(seconds)
    parts = (whole // 3600, "h"), (whole // 60 % 60, "m"), (whole % 60, "s")
    shown = [f"{number}{unit}" for number, unit in parts if number]
    return "".join(shown[:2])
