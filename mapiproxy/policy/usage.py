"""Is this client, or this mailbox, asking for more than its share?

Behind one address there may be a company (NAT), so limits on addresses are off unless somebody sets them
(N11). A mailbox is what somebody claims before authentication (N10), so it is counted together with the
address: a stranger can use up only their own share of it. One Outlook has about ten connections to a
mailbox, and as each call waits for the one before it is seldom over 50 requests a second; the default stops
programs that run wild, and no office. A wait costs nothing and is never counted. What is beyond a limit
has certainly not run and gets a 503 with Retry-After (6.3), which leaves the session alone.
"""

from __future__ import annotations

from collections import OrderedDict

from attrs import define, frozen

#: So many addresses or mailboxes are remembered; the one that was quiet longest goes first.
_MOST = 50_000

#: Address and mailbox.
Key = tuple[str, str]


@frozen
class Quotas:
    """Limits; 0: none.

    :ivar address_connections: of one address at a time.
    :ivar address_rate: requests a second of one address; ``address_burst`` at once.
    :ivar mailbox_requests: in progress at a time for one mailbox from one address.
    :ivar mailbox_rate: requests a second for one mailbox from one address; ``mailbox_burst`` at once.
    """

    address_connections: int = 0
    address_rate: int = 0
    address_burst: int = 2000
    mailbox_requests: int = 1000
    mailbox_rate: int = 0
    mailbox_burst: int = 5000


@define
class _Bucket:
    tokens: float
    at: float


class Buckets:
    """A token bucket for each key."""

    def __init__(self) -> None:
        self._buckets: OrderedDict[str | Key, _Bucket] = OrderedDict()

    def __len__(self) -> int:
        return len(self._buckets)

    def take(self, key: str | Key, rate: float, burst: float, now: float) -> float:
        """Take one. Returns 0, or in how many seconds there will be one."""
        bucket = self._buckets.get(key)
        if bucket is None:
            bucket = self._buckets[key] = _Bucket(burst, now)
            if len(self._buckets) > _MOST:
                self._buckets.popitem(last=False)
        else:
            bucket.tokens = min(burst, bucket.tokens + (now - bucket.at) * rate)
            bucket.at = now
            self._buckets.move_to_end(key)
        if bucket.tokens >= 1:
            bucket.tokens -= 1
            return 0.0
        return (1 - bucket.tokens) / rate


class Usage:
    """What is used now, and how fast.

    :ivar refused: requests and connections that were beyond a limit.
    """

    def __init__(self) -> None:
        self.refused = 0
        self._connections: dict[str, int] = {}
        self._running: dict[Key, int] = {}
        self._addresses = Buckets()
        self._mailboxes = Buckets()

    def connect(self, ip: str, quotas: Quotas) -> bool:
        """A client has connected; whether it may stay. :meth:`disconnect` is due in either case."""
        count = self._connections[ip] = self._connections.get(ip, 0) + 1
        if quotas.address_connections and count > quotas.address_connections:
            self.refused += 1
            return False
        return True

    def disconnect(self, ip: str) -> None:
        """Its connection is gone."""
        left = self._connections[ip] - 1
        if left:
            self._connections[ip] = left
        else:
            del self._connections[ip]

    def begin(self, ip: str, mailbox: str | None, quotas: Quotas, now: float) -> tuple[str, float] | None:
        """A request has come. Returns what is used up and in how many seconds to try again, or ``None``;
        then :meth:`end` is due when it is over, unless there is no mailbox.
        """
        if quotas.address_rate:
            wait = self._addresses.take(ip, quotas.address_rate, quotas.address_burst, now)
            if wait > 0:
                self.refused += 1
                return "this address sends too many requests", wait
        if mailbox is None:
            return None
        key = ip, mailbox.lower()
        running = self._running.get(key, 0)
        if quotas.mailbox_requests and running >= quotas.mailbox_requests:
            self.refused += 1
            return "this mailbox has too many requests in progress", 1.0
        if quotas.mailbox_rate:
            wait = self._mailboxes.take(key, quotas.mailbox_rate, quotas.mailbox_burst, now)
            if wait > 0:
                self.refused += 1
                return "too many requests for this mailbox", wait
        self._running[key] = running + 1
        return None

    def end(self, ip: str, mailbox: str) -> None:
        """A request is over."""
        key = ip, mailbox.lower()
        left = self._running[key] - 1
        if left:
            self._running[key] = left
        else:
            del self._running[key]
