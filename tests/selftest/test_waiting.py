"""What a wait's words and their times are said to mean, without a clock that runs."""

from __future__ import annotations

from typing import Any

import pytest
from support.staging import step
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock

from mapiproxy.backends.kind import Kind
from mapiproxy.lab.errors import AnswerLost
from mapiproxy.selftest.trail import Grade, Stage, Trouble
from mapiproxy.selftest.waiting import Wait, judge, margin_of, quiet_of
from mapiproxy.wire.heads import parse_response_head


class Sitting:
    """As much of a session as the judge needs."""

    def __init__(self, period: float = 15.0) -> None:
        self.period = period
        self.kind = Kind.EXCHANGE
        self.noted: list[Any] = []

    def note(self, noted: Any) -> None:
        self.noted.append(noted)


def wait_of(*pendings: float, processing: float | None = 0.1, **more: Any) -> Wait:
    words = [] if processing is None else [("PROCESSING", processing)]
    return Wait(0.0, words + [("PENDING", at) for at in pendings], **more)


def judged(wait: Wait, now: float, period: float = 15.0) -> Stage:
    stage = Stage("Wait", 0.0)
    judge(wait, now, Sitting(period), stage)  # type: ignore[arg-type]
    return stage


def test_words_in_time_are_well():
    stage = judged(wait_of(15.1, 30.3, 45.2), 50.0)
    assert (stage.grade, stage.text) == (Grade.OK, "PROCESSING after 0.1 s, 3 PENDINGs in 50.0 s")


def test_before_a_pending_is_due_none_is_missed():
    assert judged(wait_of(), 10.0).text == "PROCESSING after 0.1 s, 0 PENDINGs in 10.0 s (none was due: the period is 15 s)"


def test_nothing_at_all_is_a_buffer():
    with pytest.raises(Trouble) as caught:
        judged(wait_of(processing=None), 47.0)
    assert caught.value.text == (
        "nothing came for 47 s though PENDING was due every 15 s: something on the way buffers answers"
    )


@pytest.mark.parametrize(
    ("wait", "now", "text"),
    [
        (wait_of(), 47.0, "PROCESSING came, and then nothing for 47 s though PENDING was due every 15 s: "),
        (wait_of(15.1), 60.0, "1 PENDING came, and then nothing for 45 s though"),
        (wait_of(15.1, 30.0), 60.0, "2 PENDINGs came, and then nothing for 30 s though"),
    ],
)
def test_words_that_cease_are_trouble(wait, now, text):
    with pytest.raises(Trouble) as caught:
        judged(wait, now)
    assert caught.value.text.startswith(text)


def test_words_that_are_late_are_a_warning():
    stage = judged(wait_of(30.0, 45.0), 46.0)
    assert stage.warnings == ["PENDING came after 29.9 s though it was due every 15 s"]
    stage = judged(wait_of(15.0, processing=9.0), 16.0)
    assert stage.warnings == [
        "PROCESSING came after 9.0 s, expected at once: something on the way keeps it back"
    ]


def test_a_wait_that_was_lost_tells_when_and_how():
    lost = AnswerLost("connection 3 was lost", begun=True)
    with pytest.raises(Trouble) as caught:
        judged(wait_of(15.1, lost=lost), 20.0)
    assert caught.value.text.startswith("after 20.0 s, 1 PENDING, closed within the answer to NotificationWait")
    assert caught.value.__cause__ is lost


def test_a_wait_that_ended_is_judged_by_its_answer():
    head = parse_response_head(b"HTTP/1.1 200 OK\r\n\r\n")
    good = step(request_type="NotificationWait", status=200, code=0, head=head)
    assert judged(wait_of(step=good), 3.0).text.endswith("0 PENDINGs in 3.0 s, then the server ended the wait")
    bad = step(request_type="NotificationWait", status=200, code=10, head=head)
    with pytest.raises(Trouble, match=r"after 3\.0 s, 0 PENDINGs: X-ResponseCode 10"):
        judged(wait_of(step=bad), 3.0)


def test_short_periods_have_a_second_of_grace_and_long_ones_a_quarter():
    assert (margin_of(0.2), margin_of(30)) == (1.0, 7.5)
    assert quiet_of(30) == 92


def test_a_change_is_waited_for_but_not_longer_than_is_said():
    clock, over = Clock(), []
    wait = Wait(0.0)
    Deferred.fromCoroutine(wait.change(clock, 5.0)).addCallback(over.append)
    wait.stir()
    assert over == [None]
    assert clock.getDelayedCalls() == []
    Deferred.fromCoroutine(wait.change(clock, 5.0)).addCallback(over.append)
    clock.advance(5.0)
    assert len(over) == 2
