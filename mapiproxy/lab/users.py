"""Who may log on in the lab, and how a login is checked.

Only Basic is checked today. The seam for schemes that need several round trips on one connection
(Negotiate, NTLM) is :class:`Authenticator`: it is given a memory that lives as long as the TCP
connection. Knows nothing of sockets or of MAPI bodies.
"""

from __future__ import annotations

import base64
import binascii
import uuid
from collections.abc import Iterable, Iterator
from typing import Protocol

from attrs import Factory, field, frozen

from mapiproxy.lab.rops import Store

_RECIPIENTS = "/o=Lab/ou=Exchange Administrative Group (FYDIBOHF23SPDLT)/cn=Recipients/cn="


class Person(Protocol):
    """What a client has to know of the one it speaks for.

    An empty ``mailbox_id`` asks for the mailbox of whoever is logged on. ``basic`` is a secret.
    """

    @property
    def login(self) -> str: ...

    @property
    def dn(self) -> str: ...

    @property
    def mailbox_id(self) -> str: ...

    @property
    def basic(self) -> bytes: ...


@frozen
class LabUser:
    """One person with one mailbox.

    :ivar login: ``alice@example.test``; compared without case.
    :ivar guid: first half of the MailboxId; made from the login, so it is the same in each run.
    :ivar dn: the legacy DN that a Connect names (MS-OXCMAPIHTTP 2.2.4.1.1).
    :ivar opens: logins of the other mailboxes that this person may open: shared ones, an archive.
    """

    login: str
    password: str = field(repr=False)
    display_name: str = Factory(
        lambda self: self.login.partition("@")[0].title() + " Example", takes_self=True
    )
    guid: str = Factory(
        lambda self: str(uuid.uuid5(uuid.NAMESPACE_OID, self.login.lower())), takes_self=True
    )
    dn: str = Factory(
        lambda self: _RECIPIENTS + self.login.partition("@")[0].lower(), takes_self=True
    )
    opens: tuple[str, ...] = ()

    @property
    def mailbox_id(self) -> str:
        """The value of the query parameter ``MailboxId``: ``GUID@DOMAIN``."""
        return f"{self.guid}@{self.login.partition('@')[2] or 'example.test'}"

    @property
    def store(self) -> Store:
        """The GUIDs that the mailbox shows of itself."""
        whole = uuid.UUID(self.guid)
        return Store(whole.bytes_le, uuid.uuid5(whole, "replica").bytes_le)

    @property
    def basic(self) -> bytes:
        """The value of the ``Authorization`` header that logs this user on. A secret."""
        return b"Basic " + base64.b64encode(f"{self.login}:{self.password}".encode())


class Users:
    """The users of one lab, by login and by DN, both without case."""

    def __init__(self, users: Iterable[LabUser]) -> None:
        self._by_login = {user.login.lower(): user for user in users}
        self._by_dn = {user.dn.lower(): user for user in self._by_login.values()}

    def __iter__(self) -> Iterator[LabUser]:
        return iter(self._by_login.values())

    def add(self, user: LabUser) -> LabUser:
        """One more; whoever was called so is forgotten."""
        self._by_login[user.login.lower()] = user
        self._by_dn[user.dn.lower()] = user
        return user

    def find_login(self, login: str) -> LabUser | None:
        return self._by_login.get(login.lower())

    def find_dn(self, dn: str) -> LabUser | None:
        return self._by_dn.get(dn.lower())


def lab_users(*names: str) -> Users:
    """Users from ``login:password`` texts; a text without a colon gets the password ``secret``."""
    split = (name.partition(":") for name in names)
    return Users(LabUser(login, password or "secret") for login, _, password in split)


#: So many people of a crowd share one further mailbox.
_TEAM = 20


def crowd_users(count: int, password: str = "secret", domain: str = "example.test") -> Users:
    """``u00001`` and so on, who may open ``team001`` and so on, twenty of them each; the same in each run."""
    teams = [f"team{number:03d}@{domain}" for number in range(1, (count + _TEAM - 1) // _TEAM + 1)]
    people = [
        LabUser(f"u{number + 1:05d}@{domain}", password, opens=(teams[number // _TEAM],))
        for number in range(count)
    ]
    return Users([*people, *(LabUser(team, password) for team in teams)])


@frozen
class Challenged:
    """The answer to a request that is not logged on: a 401 with these challenges.

    :ivar delay: seconds that the server takes to say so (grommunio: about 1 for a wrong password).
    """

    challenges: tuple[bytes, ...]
    delay: float = 0.0


class Authenticator(Protocol):
    """Reads ``Authorization``; *memory* belongs to the TCP connection."""

    def check(
        self, authorization: bytes | None, memory: dict[str, object]
    ) -> LabUser | Challenged: ...


class BasicAuthenticator:
    """Checks Basic for real; keeps nothing on the connection (each request stands alone)."""

    def __init__(self, users: Users, realm: str, wrong_delay: float = 0.0) -> None:
        self._users = users
        self._none = Challenged((b'Basic realm="%b"' % realm.encode("ascii"),))
        self._wrong = Challenged(self._none.challenges, wrong_delay)
        # Credentials that were right once; makes the check one look-up in a benchmark.
        self._known: dict[bytes, LabUser] = {}

    def check(self, authorization: bytes | None, memory: dict[str, object]) -> LabUser | Challenged:
        if authorization is None:
            return self._none
        known = self._known.get(authorization)
        if known is not None:
            return known
        scheme, _, token = authorization.partition(b" ")
        if scheme.lower() != b"basic":
            return self._none
        try:
            login, _, password = base64.b64decode(token, validate=True).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            return self._wrong
        user = self._users.find_login(login)
        if user is None or user.password != password:
            return self._wrong
        self._known[authorization] = user
        return user
