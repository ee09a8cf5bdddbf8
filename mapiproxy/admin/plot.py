"""Draws the course of figures as SVG: axes with units and times, gaps where nobody knows.

Colours come from the style sheet by class, so that a plot is right in the dark and in the light; lines
differ in their strokes as well. Numbers in, markup out; must not know what they mean.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

from attrs import frozen
from markupsafe import Markup

Values = Sequence[float | None]

#: The picture, and where the plot is in it.
_WIDE, _HIGH = 420, 150
_LEFT, _RIGHT, _TOP, _BOTTOM = 40, 8, 8, 20
#: Stripes that tell their values to whoever points at them.
_STRIPES = 60


@frozen
class Line:
    """One line of a plot; its place in it decides its looks."""

    name: str
    values: Values


@frozen
class Plot:
    """A title, a unit, lines of equal length, seconds between values, and when the last one was (Unix)."""

    title: str
    unit: str
    lines: tuple[Line, ...]
    step: float
    end: float


def nice_top(most: float) -> tuple[float, float]:
    """Where an axis ends that holds *most*, and its step: 1, 2, 2.5 or 5 times a power of ten."""
    if not math.isfinite(most) or most <= 0:
        return 1.0, 0.5
    rough = most / 3
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(each * power for each in (1.0, 2.0, 2.5, 5.0, 10.0) if each * power >= rough * 0.999)
    return math.ceil(most / step * 0.999) * step, step


def show_number(value: float) -> str:
    """``1.2k``, ``40``, ``0.25``."""
    for unit, factor in (("M", 1e6), ("k", 1e3)):
        if value >= factor:
            return f"{value / factor:.3g}{unit}"
    return f"{value:.3g}"


def draw(plot: Plot) -> Markup:
    """The picture."""
    known = [value for line in plot.lines for value in line.values if value is not None]
    top, step = nice_top(max(known, default=0.0))
    count = max((len(line.values) for line in plot.lines), default=0)
    parts = [*_grid(plot, top, step, count)]
    for number, line in enumerate(plot.lines):
        parts += [
            Markup('<path class="line line-{}" d="{}"/>').format(number, path)
            for path in _paths(line.values, top, count)
        ]
    if not known:
        parts.append(Markup('<text class="nothing" x="{}" y="{}">nothing yet</text>').format(
            (_LEFT + _WIDE - _RIGHT) / 2, (_TOP + _HIGH - _BOTTOM) / 2))  # fmt: skip
    parts += _stripes(plot, count)
    return Markup('<svg class="plot" viewBox="0 0 {} {}" role="img" aria-label="{}">{}</svg>').format(
        _WIDE, _HIGH, summary(plot), Markup("").join(parts)
    )


def summary(plot: Plot) -> str:
    """The plot in words, for those who do not see it."""
    words = []
    for line in plot.lines:
        known = [value for value in line.values if value is not None]
        now = line.values[-1] if line.values else None
        last = "unknown" if now is None else show_number(now)
        most = show_number(max(known)) if known else "unknown"
        words.append(f"{line.name}: now {last}, most {most}")
    return f"{plot.title} in {plot.unit}, the last hour. " + "; ".join(words)


def _x(at: float, count: int) -> float:
    return round(_LEFT + (_WIDE - _LEFT - _RIGHT) * at / max(1, count - 1), 1)


def _y(value: float, top: float) -> float:
    return round(_HIGH - _BOTTOM - (_HIGH - _TOP - _BOTTOM) * value / top, 1)


def _grid(plot: Plot, top: float, step: float, count: int) -> Iterator[Markup]:
    for number in range(round(top / step) + 1):
        y = _y(number * step, top)
        yield Markup('<path class="rule" d="M{} {}H{}"/><text class="up" x="{}" y="{}">{}</text>').format(
            _LEFT, y, _WIDE - _RIGHT, _LEFT - 5, y + 3.5, show_number(number * step)
        )
    for back, place in _times(plot, count):
        label = datetime.fromtimestamp(back, UTC).strftime("%H:%M")
        yield Markup('<path class="tick" d="M{} {}v4"/><text class="along" x="{}" y="{}">{}</text>').format(
            place, _HIGH - _BOTTOM, place, _HIGH - 5, label
        )


def _times(plot: Plot, count: int) -> Iterator[tuple[float, float]]:
    """Whole ten minutes (or more, in a long series), and where they are."""
    span = plot.step * max(0, count - 1)
    every = next((each for each in (600, 1800, 3600, 21600) if span / each <= 8), 86400)
    moment = math.floor(plot.end / every) * every
    while span and moment >= plot.end - span:
        place = _x((moment - (plot.end - span)) / plot.step, count)
        if _LEFT + 12 <= place <= _WIDE - _RIGHT - 12:
            yield moment, place
        moment -= every


def _paths(values: Values, top: float, count: int) -> Iterator[str]:
    """A path for each run of known values; a value alone becomes a dot."""
    run: list[str] = []
    shift = count - len(values)
    for at, value in [*enumerate(values, shift), (count, None)]:
        if value is not None and math.isfinite(value):
            run.append(f"{_x(at, count)} {_y(max(0.0, value), top)}")
        elif run:
            yield "M" + "L".join(run) + ("h0.1" if len(run) == 1 else "")
            run = []


def _stripes(plot: Plot, count: int) -> Iterator[Markup]:
    """Invisible, each with a title: the mean of each line over a stripe's time."""
    each = max(1, math.ceil(count / _STRIPES))
    for start in range(0, count, each):
        stop = min(count, start + each)
        when = datetime.fromtimestamp(plot.end - (count - 1 - start) * plot.step, UTC)
        words = [when.strftime("%H:%M:%S UTC")]
        for line in plot.lines:
            shift = count - len(line.values)
            stripe = line.values[max(0, start - shift) : max(0, stop - shift)]
            some = [value for value in stripe if value is not None]
            mean = show_number(sum(some) / len(some)) if some else "not known"
            words.append(f"{line.name}: {mean} {plot.unit}" if some else f"{line.name}: {mean}")
        left, right = _x(start, count), _x(min(stop, count - 1), count)
        yield Markup(
            '<rect class="stripe" x="{}" y="{}" width="{}" height="{}"><title>{}</title></rect>'
        ).format(left, _TOP, round(max(0.1, right - left), 1), _HIGH - _TOP - _BOTTOM, "\n".join(words))
