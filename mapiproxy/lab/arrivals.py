"""The mail that has come into the mailboxes of one lab server, and who has fetched how much of it.

A message is a number: the moment of its arrival in milliseconds on the server's clock, made larger where two
would be equal. Whoever fetches it can say how late it is. What an answer told counts as fetched when its
reader asks on, so what was in an answer that got lost is told again, as a synchronisation would find it.
"""

from __future__ import annotations

from collections import deque

from mapiproxy.lab.users import LabUser

#: Messages that a mailbox keeps, and that one answer tells of.
_KEPT = 1000
_AT_ONCE = 20


class Arrivals:
    """Message numbers by mailbox; readers by login and mailbox."""

    def __init__(self) -> None:
        self._mail: dict[str, deque[int]] = {}
        self._marks: dict[tuple[str, str], int] = {}

    def arrive(self, owner: LabUser, now: float) -> int:
        """A message comes at *now*, in seconds; returns its number."""
        mail = self._mail.setdefault(owner.login, deque(maxlen=_KEPT))
        number = max(int(now * 1000), mail[-1] + 1 if mail else 1)
        mail.append(number)
        return number

    def enter(self, reader: LabUser, owner: LabUser) -> None:
        """Somebody logs on to a mailbox: what came before the first time is not news."""
        mail = self._mail.get(owner.login)
        self._marks.setdefault((reader.login, owner.login), mail[-1] if mail else 0)

    def unread(self, reader: LabUser, owner: LabUser) -> tuple[tuple[int, ...], bool]:
        """What to tell, oldest first, and whether there is more; nothing to those who never entered."""
        mail = self._mail.get(owner.login)
        mark = self._marks.get((reader.login, owner.login))
        if not mail or mark is None or mail[-1] <= mark:
            return (), False
        found = [number for number in mail if number > mark]
        return tuple(found[:_AT_ONCE]), len(found) > _AT_ONCE

    def fetched(self, reader: LabUser, owner: LabUser, number: int) -> None:
        """The reader has this message and those before it."""
        place = (reader.login, owner.login)
        self._marks[place] = max(self._marks.get(place, 0), number)
