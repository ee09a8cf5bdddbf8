"""One NotificationWait: its words with their times, its end, and what they tell of what is on the way.

The server says PROCESSING at once and PENDING every X-PendingPeriod (reference 5 and 7): who keeps answers
back, or is in a hurry to close, cannot hide that.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any

from attrs import define, field
from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from mapiproxy.lab import bodies
from mapiproxy.lab.errors import LabError
from mapiproxy.lab.step import Step
from mapiproxy.selftest.diagnosis import explain_loss, explain_step
from mapiproxy.selftest.session import Session
from mapiproxy.selftest.trail import Stage, Trouble

#: How late PROCESSING may be, in seconds.
AT_ONCE = 5.0


@define
class Wait:
    """A NotificationWait under way. Times on the reactor's clock.

    :ivar step: how it ended; *lost*: why it did not.
    """

    began: float
    words: list[tuple[str, float]] = field(factory=list)
    step: Step | None = None
    lost: LabError | None = None
    _stir: Deferred[None] | None = None

    @property
    def over(self) -> bool:
        return self.step is not None or self.lost is not None

    @property
    def pendings(self) -> list[float]:
        return [at for word, at in self.words if word == "PENDING"]

    @property
    def heard(self) -> float:
        """When something came last."""
        return self.words[-1][1] if self.words else self.began

    @property
    def told(self) -> str:
        """How many PENDINGs, for people."""
        count = len(self.pendings)
        return f"{count} PENDING{'' if count == 1 else 's'}"

    def stir(self) -> None:
        waiting, self._stir = self._stir, None
        if waiting is not None and not waiting.called:
            waiting.callback(None)

    async def change(self, reactor: Any, seconds: float) -> None:
        """Until something happens, but no longer than that."""
        waiting: Deferred[None] = Deferred()
        self._stir = waiting
        timer = reactor.callLater(max(seconds, 0.0), self.stir)
        await waiting
        if timer.active():
            timer.cancel()


def begin(reactor: Any, session: Session) -> Wait:
    """Start a wait, on a connection of its own."""
    wait = Wait(reactor.seconds())

    def on_word(word: str) -> None:
        wait.words.append((word, reactor.seconds()))
        wait.stir()

    def ended(step: Step) -> None:
        wait.step = step
        wait.stir()

    def lost(failure: Failure) -> None:
        failure.trap(LabError)
        assert isinstance(failure.value, LabError)
        wait.lost = failure.value
        wait.stir()

    call = session.client.call(
        "NotificationWait",
        bodies.NOTIFICATION_WAIT_REQUEST,
        line="wait",
        recover=False,
        on_word=on_word,
    )
    Deferred.fromCoroutine(call).addCallbacks(ended, lost)
    return wait


def margin_of(period: float) -> float:
    """How late a PENDING may be, in seconds."""
    return max(1.0, period / 4)


def quiet_of(period: float) -> float:
    """So long a silence, in seconds, is not watched any further."""
    return 3 * period + 2


def judge(wait: Wait, now: float, session: Session, stage: Stage) -> None:
    """Put into *stage* what the wait has shown until *now*. :raise Trouble: what it shows breaks Outlook."""
    lasted, period = now - wait.began, session.period
    due = f"PENDING was due every {period:g} s"
    if wait.lost is not None:
        why = explain_loss(wait.lost, "NotificationWait")
        raise Trouble(f"after {lasted:.1f} s, {wait.told}, {why}") from wait.lost
    if wait.step is not None:
        session.note(wait.step)
        wrong = explain_step(wait.step, session.kind)
        if wrong:
            raise Trouble(f"after {lasted:.1f} s, {wait.told}: {wrong}")
    if not wait.words:
        raise Trouble(f"nothing came for {lasted:.0f} s though {due}: something on the way buffers answers")
    late = period + margin_of(period)
    silence = now - wait.heard
    if wait.step is None and silence > late:
        came = wait.told if wait.pendings else "PROCESSING"
        why = "the server is stuck, or something on the way keeps small pieces back"
        raise Trouble(f"{came} came, and then nothing for {silence:.0f} s though {due}: {why}")
    first = wait.words[0][1] - wait.began
    if first > AT_ONCE:
        why = "something on the way keeps it back"
        stage.warn(f"PROCESSING came after {first:.1f} s, expected at once: {why}")
    times = [wait.words[0][1], *wait.pendings]
    gap = max((after - before for before, after in pairwise(times)), default=0.0)
    if gap > late:
        stage.warn(f"PENDING came after {gap:.1f} s though it was due every {period:g} s")
    stage.text = f"PROCESSING after {first:.1f} s, {wait.told} in {lasted:.1f} s"
    if wait.step is not None:
        stage.text += ", then the server ended the wait"
    elif not wait.pendings:
        stage.text += f" (none was due: the period is {period:g} s)"
