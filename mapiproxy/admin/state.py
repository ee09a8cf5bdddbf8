"""What is looked at when somebody asks for metrics: the live parts of a service, put together by it.

References and a few sums, made anew for each question. Nothing here is changed by looking at it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from attrs import frozen

from mapiproxy.backends.fleet import Pool
from mapiproxy.backends.health import Health
from mapiproxy.backends.sessions import Sessions
from mapiproxy.net.frontdoor import FrontDoors
from mapiproxy.policy.rules import Rules
from mapiproxy.record.statistics import Statistics


@frozen
class PoolState:
    """A group of servers.

    :ivar directories: each virtual directory, with the health of its servers by name.
    :ivar waits: NotificationWaits that are open now, by server.
    :ivar oldest_pending: seconds since the last sign of life of the wait that has been silent longest;
        ``None``: none is open.
    """

    name: str
    rules: Rules
    sessions: Sessions
    directories: Sequence[tuple[Pool, Mapping[str, Health]]]
    waits: Mapping[str, int]
    oldest_pending: float | None


@frozen
class CertificateState:
    """A certificate that is shown.

    :ivar side: ``listener`` or ``server``; ``owner``: its name, of a server with its pool before it.
    :ivar subject: what it is for: the first of its names; empty where that is not known.
    :ivar until: when it ends, in seconds since 1970.
    """

    side: str
    owner: str
    subject: str
    until: float


@frozen
class State:
    """A service.

    :ivar now: on the clock of the healths, seconds.
    :ivar listeners: by name.
    :ivar protection: (listener, pool, server) to whether Extended Protection would let clients through.
    :ivar lag: of the reactor, in seconds: at the last beat, and the worst.
    :ivar loaded_at: when the configuration in effect was read, in seconds since 1970.
    :ivar reload_ok: how the last attempt to read it again went; true when there was none.
    """

    now: float
    statistics: Statistics
    pools: Sequence[PoolState]
    listeners: Mapping[str, FrontDoors]
    certificates: Sequence[CertificateState]
    protection: Mapping[tuple[str, str, str], bool]
    certificates_renewed: int
    lag: tuple[float, float]
    generation: int
    loaded_at: float
    reload_ok: bool
    reloads: Mapping[str, int]
    log_written: int
    log_lost: int
