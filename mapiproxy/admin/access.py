"""Who is let in: tokens, the sessions of those who logged in, and what slows down guessing.

Holds digests of tokens and of session ids, never the values. Must not know HTTP. Clock and chance are given.
"""

from __future__ import annotations

import hashlib
import hmac
from collections import OrderedDict
from collections.abc import Callable, Iterable
from ipaddress import ip_address, ip_network

from attrs import define

#: Seconds that a log-in lasts without a request, and at most.
IDLE = 30 * 60.0
LONGEST = 12 * 3600.0
#: Log-ins at the same time; the one that was quiet longest goes first.
_MOST_LOGINS = 256
#: Addresses whose failures are remembered, and the longest that one has to wait, in seconds.
_MOST_ADDRESSES = 4096
_LONGEST_WAIT = 60.0


def digest(secret: str | bytes) -> bytes:
    """What is kept of a secret."""
    content = secret.encode("utf-8", "surrogatepass") if isinstance(secret, str) else secret
    return hashlib.sha256(content).digest()


class Tokens:
    """The tokens that open the page; none: it is open."""

    def __init__(self, tokens: Iterable[bytes] = ()) -> None:
        self._digests = tuple(digest(token) for token in tokens)

    def __bool__(self) -> bool:
        return bool(self._digests)

    def __contains__(self, known: bytes) -> bool:
        return self._among(known)

    def find(self, token: str) -> bytes | None:
        """The digest of a token that is right. Takes as long for a wrong one, however wrong."""
        given = digest(token)
        return given if self._among(given) else None

    def _among(self, given: bytes) -> bool:
        found = False
        for each in self._digests:
            found |= hmac.compare_digest(each, given)
        return found


@define
class _Login:
    token: bytes
    began: float
    used: float


class Logins:
    """The sessions of people who gave a token: a random id in their browser, its digest here."""

    def __init__(self, clock: Callable[[], float], chance: Callable[[int], bytes]) -> None:
        self._clock = clock
        self._chance = chance
        self._known: OrderedDict[bytes, _Login] = OrderedDict()

    def __len__(self) -> int:
        return len(self._known)

    def new_id(self) -> str:
        """An id that nobody can guess."""
        return self._chance(32).hex()

    def begin(self, token: bytes) -> str:
        """Log in with a token of that digest; the id."""
        now, new = self._clock(), self.new_id()
        self._known[digest(new)] = _Login(token, now, now)
        while len(self._known) > _MOST_LOGINS:
            self._known.popitem(last=False)
        return new

    def holds(self, session: str, tokens: Tokens) -> bool:
        """Whether that id is logged in, with a token that is still good; that keeps it so."""
        key = digest(session)
        login = self._known.get(key)
        if login is None:
            return False
        now = self._clock()
        if now - login.used > IDLE or now - login.began > LONGEST or login.token not in tokens:
            del self._known[key]
            return False
        login.used = now
        self._known.move_to_end(key)
        return True

    def end(self, session: str) -> None:
        """Log out."""
        self._known.pop(digest(session), None)


@define
class _Row:
    failures: int
    until: float


class Slowness:
    """After a wrong token an address has to wait before the next one is looked at, each time twice as long.

    Nothing is kept open for that: whoever comes too early is refused at once, right or wrong.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._rows: OrderedDict[str, _Row] = OrderedDict()

    def wait(self, address: str) -> float:
        """Seconds until a token from there is looked at."""
        row = self._rows.get(_network(address))
        return max(0.0, row.until - self._clock()) if row is not None else 0.0

    def failed(self, address: str) -> int:
        """A wrong token came from there; how many in a row."""
        key, now = _network(address), self._clock()
        row = self._rows.get(key)
        if row is None or now - row.until > 10 * _LONGEST_WAIT:
            row = self._rows[key] = _Row(0, now)
        row.failures += 1
        row.until = now + min(2.0 ** min(row.failures - 1, 10), _LONGEST_WAIT)
        self._rows.move_to_end(key)
        while len(self._rows) > _MOST_ADDRESSES:
            self._rows.popitem(last=False)
        return row.failures

    def succeeded(self, address: str) -> None:
        self._rows.pop(_network(address), None)


def _network(address: str) -> str:
    """The address; of IPv6 the /64, of which one machine may have every one."""
    try:
        found = ip_address(address.partition("%")[0])
    except ValueError:
        return address
    return address if found.version == 4 else str(ip_network((found, 64), strict=False))
