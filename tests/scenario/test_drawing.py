"""Lanes, bars, marks and labels have their places."""

from __future__ import annotations

from itertools import pairwise

from support.played import HAPPENED, LANES

from mapiproxy.lab.happening import Happening
from mapiproxy.scenario.drawing import MOST_LANES, draw


def group(lane: str) -> str:
    return LANES.get(lane, "client")


def test_lanes_stand_as_the_network_does_and_those_of_a_client_together() -> None:
    drawing = draw(HAPPENED, 60, group)

    assert [lane.name for lane in drawing.lanes] == ["alice", "alice/wait", "firewall", "MBX1"]
    tops = [lane.top for lane in drawing.lanes]
    assert tops == sorted(tops)
    assert drawing.height > tops[-1]


def test_a_request_is_a_bar_of_its_length_that_can_be_seen() -> None:
    drawing = draw(HAPPENED, 60, group)
    short, _ = drawing.lanes[0].bars
    (wait,) = drawing.lanes[1].bars

    assert short.width >= 2
    assert (wait.wait, wait.outcome) == (True, "lost")
    assert wait.end > drawing.lanes[0].bars[1].x
    assert wait.title == "0.3s, 29.7s  NotificationWait [lost]"


def test_a_mark_has_its_words_and_all_of_them_in_its_title() -> None:
    drawing = draw(HAPPENED, 60, group)
    (mark,), (label,) = drawing.lanes[2].marks, drawing.lanes[2].labels

    assert (mark.kind, label.text) == ("fault", "forgets <b>")
    assert mark.title == '0:05  forgets <b>: the flow of "alice"'


def test_labels_do_not_lie_upon_each_other() -> None:
    many = [
        Happening(at=at / 4, lane="alice", kind="state", label="hibernates for a long time") for at in range(40)
    ]
    (lane,) = draw(many, 60, group).lanes
    by_row: dict[float, list[float]] = {}
    for label in lane.labels:
        by_row.setdefault(label.y, []).append(label.x)

    assert len(lane.marks) == 40
    assert 0 < len(lane.labels) < 40
    for places in by_row.values():
        assert all(later - earlier > 100 for earlier, later in pairwise(places))


def test_a_label_at_the_end_is_written_to_the_left() -> None:
    (lane,) = draw([Happening(at=59.9, lane="alice", kind="state", label="closes")], 60, group).lanes

    assert lane.labels[0].anchor == "end"


def test_of_a_crowd_those_are_drawn_to_whom_most_happened() -> None:
    crowd = [
        Happening(at=1, until=2, lane=f"user{number}", kind="request", label="Execute",
                  outcome="lost" if number == 99 else "ok")
        for number in range(100)
    ]  # fmt: skip
    drawing = draw(crowd, 60, group)

    assert len(drawing.lanes) == MOST_LANES
    assert drawing.left_out == 100 - MOST_LANES
    assert "user99" in [lane.name for lane in drawing.lanes]
