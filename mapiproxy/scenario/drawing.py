"""A timeline as a drawing: lanes, bars, marks and labels with their places, ready for the template.

Pure geometry over what happened. What colours and shapes mean is in the template's style.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from attrs import define, field, frozen

from mapiproxy.lab.happening import Happening
from mapiproxy.scenario.axis import Axis, make_axis, show_length, show_moment

WIDTH = 1180.0
LEFT = 132.0
RIGHT = 14.0
_AXIS = 34.0
_BAR = 12.0
_ROW = 12.0
_LETTER = 5.9
#: Rows of labels above a lane's bars; what has no room is in the mark's title only.
_LABELS = 3
#: Lanes that are drawn; the others are told in a line below.
MOST_LANES = 26
_LEAST_BAR = 2.5


@frozen
class Bar:
    """A request, from its beginning to its end."""

    x: float
    y: float
    width: float
    outcome: str
    wait: bool
    title: str

    @property
    def end(self) -> float:
        """Where its glyph stands."""
        return self.x + self.width


@frozen
class Mark:
    """Something else that happened; *width* is 0 for a moment."""

    x: float
    y: float
    width: float
    kind: str
    title: str


@frozen
class Label:
    """Its words."""

    x: float
    y: float
    text: str
    kind: str
    anchor: str = "start"


@define
class Lane:
    """Who it happened to."""

    name: str
    group: str
    top: float = 0.0
    height: float = 0.0
    bars: list[Bar] = field(factory=list)
    marks: list[Mark] = field(factory=list)
    labels: list[Label] = field(factory=list)

    @property
    def middle(self) -> float:
        """Where its bars are."""
        return self.top + self.height - _BAR / 2 - 5


@define
class Drawing:
    """The whole.

    :ivar left_out: lanes that were too many.
    """

    height: float
    axis: Axis
    lanes: list[Lane]
    left_out: int = 0
    width: float = WIDTH

    @property
    def ticks(self) -> list[tuple[float, str]]:
        """Place and text."""
        return [(self.axis.x(at), show_moment(at)) for at in self.axis.ticks()]

    @property
    def cuts(self) -> list[tuple[float, float, str]]:
        """Left, right, and how long it really was."""
        return [(cut.left, cut.right, show_length(cut.seconds)) for cut in self.axis.cuts]


def draw(happenings: Sequence[Happening], duration: float, group_of: Callable[[str], str]) -> Drawing:
    """The drawing of what happened.

    :param group_of: lane to the part of the stage it is drawn with, in the order of :data:`GROUPS`.
    """
    moments = {at for each in happenings for at in (each.at, each.until) if at is not None}
    axis = make_axis(moments, 0.0, max(duration, *moments, 0.1), LEFT, WIDTH - RIGHT)
    by_lane: dict[str, list[Happening]] = {}
    for each in happenings:
        by_lane.setdefault(each.lane, []).append(each)
    names = sorted(by_lane, key=lambda name: (GROUPS.index(group_of(name)), _head(name), len(name), name))
    chosen = _choose(names, by_lane)
    lanes: list[Lane] = []
    top = _AXIS
    before = ""
    for name in chosen:
        lane = Lane(name, group_of(name))
        top += 9 if before and lane.group != before else 0
        before = lane.group
        _fill(lane, by_lane[name], axis, top)
        lanes.append(lane)
        top += lane.height
    return Drawing(top + 10, axis, lanes, len(names) - len(chosen))


#: Parts of the stage from the left to the right of a network, drawn from top to bottom.
GROUPS = ("client", "client device", "proxy", "server device", "server", "operator")


def _head(name: str) -> str:
    """alice of alice/wait: they stand together."""
    return name.partition("/")[0]


def _choose(names: list[str], by_lane: dict[str, list[Happening]]) -> list[str]:
    """As many as can be looked at; those to whom most happened that was not well."""
    if len(names) <= MOST_LANES:
        return names

    def trouble(name: str) -> int:
        return sum(each.outcome != "ok" or each.kind != "request" for each in by_lane[name])

    best = set(sorted(names, key=trouble, reverse=True)[:MOST_LANES])
    return [name for name in names if name in best]


def _fill(lane: Lane, happened: Iterable[Happening], axis: Axis, top: float) -> None:
    requests = [each for each in happened if each.kind == "request"]
    others = [each for each in happened if each.kind != "request"]
    rows: list[float] = []
    placed: list[tuple[Happening, float, int, str]] = []
    for each in sorted(others, key=lambda other: other.at):
        place = axis.x(each.at)
        text = each.label if len(each.label) < 34 else each.label[:32] + "…"
        # Connections come and go by the hundred: a dot is enough, unless somebody was not let in.
        silent = each.kind == "connection" and each.outcome == "ok"
        row, anchor = (-1, "start") if silent else _row_for(place, text, rows)
        placed.append((each, place, row, anchor))
    used = max((row for *_, row, _ in placed), default=-1) + 1
    lane.top, lane.height = top, 5 + used * _ROW + _BAR + 7
    y = lane.middle
    for each in requests:
        lane.bars.append(_bar(each, axis, y))
    for each, place, row, anchor in placed:
        width = 0.0 if each.until is None else max(axis.x(each.until) - place, 1.0)
        lane.marks.append(Mark(place, y, width, each.kind, _title(each)))
        if row >= 0:
            text = each.label if len(each.label) < 34 else each.label[:32] + "…"
            label_y = top + 5 + row * _ROW + 8
            lane.labels.append(Label(place, label_y, text, each.kind, anchor))


def _row_for(place: float, text: str, rows: list[float]) -> tuple[int, str]:
    """The first row with room, and which end of the text is at the place; -1: there is none."""
    length = len(text) * _LETTER + 8
    at_end = place + length > WIDTH - RIGHT
    begin = place - length if at_end else place
    for number, taken in enumerate(rows):
        if taken <= begin:
            rows[number] = begin + length
            return number, "end" if at_end else "start"
    if len(rows) < _LABELS:
        rows.append(begin + length)
        return len(rows) - 1, "end" if at_end else "start"
    return -1, "start"


def _bar(each: Happening, axis: Axis, y: float) -> Bar:
    begin = axis.x(each.at)
    end = axis.x(each.at if each.until is None else each.until)
    wait = each.label.startswith("NotificationWait")
    return Bar(begin, y, max(end - begin, _LEAST_BAR), each.outcome, wait, _title(each))


def _title(each: Happening) -> str:
    lasted = "" if each.until is None else f", {show_length(each.until - each.at)}"
    outcome = f" [{each.outcome}]" if each.kind == "request" else ""
    detail = f": {each.detail}" if each.detail else ""
    return f"{show_moment(each.at)}{lasted}  {each.label}{outcome}{detail}"
