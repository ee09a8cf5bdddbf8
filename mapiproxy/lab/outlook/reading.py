"""What an Execute's answer says: whose mailbox it comes from, how long it took, what mail there is.

Each Execute of these clients ends with a ROP whose answer names the mailbox's replica. Decides nothing.
"""

from __future__ import annotations

from mapiproxy.lab import rops
from mapiproxy.lab.outlook.desk import Desk
from mapiproxy.lab.outlook.judging import Answered
from mapiproxy.lab.users import LabUser


class Reading:
    """Reads the good answers of one session into the book.

    :ivar known: the mailbox as it was last logged on to.
    """

    def __init__(self, desk: Desk, mailbox: LabUser, lane: str) -> None:
        self.known: rops.Logon | None = None
        self._desk = desk
        self._mailbox = mailbox
        self._lane = lane
        self._newest = 0

    def logon(self, answer: Answered, *, own: bool) -> rops.Logon | None:
        """The answer to a RopLogon; ``None``: this user may not open the mailbox."""
        desk = self._desk
        self._note(answer)
        logon = rops.read_logon_answer(answer.binary)
        if logon is None:
            return None
        before, self.known = self.known, logon
        expected = self._mailbox.store if desk.lab else None if before is None else before.store
        if expected is not None and expected != logon.store:
            desk.book.mistaken(f"{self._lane}: the logon was to another mailbox")
        if own:
            desk.service.works(answer.sent_at, answer.ended_at, desk.profile.slow)
        self._mail(rops.read_execute_answer(answer.binary))
        return logon

    def execute(self, answer: Answered, *, own: bool) -> None:
        """Any other answer; *own*: it shows that the user can work."""
        desk = self._desk
        self._note(answer)
        took = desk.time.passed(answer.sent_at)
        desk.book.slowest = max(desk.book.slowest, took)
        desk.book.time_sum += took
        if own:
            desk.service.works(answer.sent_at, answer.ended_at, desk.profile.slow)
        told = rops.read_execute_answer(answer.binary)
        if self.known is not None and told.replica != self.known.store.replica:
            desk.book.mistaken(f"{self._lane}: Execute: the answer comes from another mailbox")
        self._mail(told)

    def _note(self, answer: Answered) -> None:
        self._desk.book.executes_answered += 1
        if self._desk.receipts is not None:
            self._desk.receipts.answered.add(answer.request_id)

    def _mail(self, told: rops.Told) -> None:
        """Each message once, though it is told again after an answer that got lost."""
        book = self._desk.book
        for number in told.mail:
            if number <= self._newest:
                continue
            self._newest = number
            book.mail += 1
            if self._desk.lab:
                late = max(self._desk.time.passed(number / 1000), 0.0)
                book.late_sum += late
                book.late_max = max(book.late_max, late)
