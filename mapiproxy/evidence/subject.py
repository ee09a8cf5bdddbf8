"""Who is meant by a name, and which rows are theirs?

A name is ``DOMAIN\\user``, ``user``, ``user@``, ``user@domain``, a mailbox GUID or address, or a client's
address, without regard to case. Rows that name nobody (a 401, above all) belong to whoever has the mailbox or
the Outlook that they name.
"""

from __future__ import annotations

import re
from collections import Counter
from ipaddress import ip_address

from mapiproxy.evidence.row import Row

_GUID = re.compile(r"[0-9a-f]{7,8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}")
#: Mailboxes and Outlooks of one person that are remembered.
_MOST = 1000


class Subject:
    """Somebody who is asked for.

    :ivar text: as it was asked; ``needle`` bytes that every row naming them has, in lower case, or ``None``.
    :ivar mailboxes: what has been learnt from their rows; ``instances``: GUIDs of their Outlooks.
    """

    def __init__(self, text: str) -> None:
        """:raise ValueError: nobody could be meant."""
        self.text = text.strip()
        lower = self.text.lower()
        self.mailboxes: Counter[str] = Counter()
        self.instances: set[str] = set()
        self._ip = _address(lower)
        self._guid = _GUID.fullmatch(lower.partition("@")[0]) is not None
        domain, _, sam = lower.rpartition("\\")
        self._domain = domain
        self._name, at, self._suffix = sam.partition("@")
        self._open = bool(at) and not self._suffix
        if not self._name:
            raise ValueError(f"{text!r} names nobody")
        word = self._ip or self._name
        self.needle = word.encode() if word.isascii() and self._ip is None else None
        self._lower = lower

    def names(self, row: Row) -> bool:
        """Whether the row itself names them."""
        if self._ip is not None:
            return row.client == self._ip
        if self._guid:
            mailbox, address = row.mailbox, row.address
            return self._lower in (
                mailbox,
                address,
                mailbox.partition("@")[0],
                address.partition("@")[0],
            )
        user = (row.user or row.claimed).lower()
        if user and self._is_user(user, row):
            return True
        return not self._domain and (self._is_address(row.mailbox) or self._is_address(row.address))

    def learn(self, row: Row) -> None:
        """What a row that names them tells."""
        if self._ip is not None:
            return
        mailbox = _bare(row.mailbox)
        if row.user and mailbox and (mailbox in self.mailboxes or len(self.mailboxes) < _MOST):
            self.mailboxes[mailbox] += 1
        if row.client_instance and len(self.instances) < _MOST:
            self.instances.add(row.client_instance.lower())

    def owns(self, row: Row) -> bool:
        """Whether a row that names nobody is theirs, by what has been learnt."""
        if row.user:
            return False
        if row.client_instance.lower() in self.instances:
            return True
        # The mailbox that they use most is taken for their own; others have owners of their own.
        return bool(self.mailboxes) and _bare(row.mailbox) == self.mailboxes.most_common(1)[0][0]

    def _is_user(self, user: str, row: Row) -> bool:
        if user == self._lower:
            return True
        domain, slash, name = user.rpartition("\\")
        name, _, suffix = name.partition("@")
        if name != self._name:
            return False
        if self._domain:
            # A domain has two names; CORP\alice is not alice of another one.
            return bool(slash) and domain == self._domain
        if self._suffix:
            return suffix == self._suffix or (not suffix and row.organization.lower() == self._suffix)
        return True

    def _is_address(self, address: str) -> bool:
        if not address:
            return False
        if self._suffix:
            return address == self._lower
        name, at, _ = address.partition("@")
        return bool(at) and name == self._name


def _bare(mailbox: str) -> str:
    """A GUID without its domain: AnchorMailbox has the one, the URL of a 401 the other."""
    guid = mailbox.partition("@")[0]
    return guid if _GUID.fullmatch(guid) is not None else mailbox


def _address(text: str) -> str | None:
    try:
        return str(ip_address(text.removeprefix("[").removesuffix("]")))
    except ValueError:
        return None
