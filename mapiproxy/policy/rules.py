"""The bundle of what an exchange may ask: built once by the service, given to each exchange."""

from __future__ import annotations

from attrs import define, field, frozen

from mapiproxy.backends.fleet import Pool
from mapiproxy.backends.kind import Kind
from mapiproxy.backends.sessions import Sessions
from mapiproxy.policy.authloop import AuthLoops
from mapiproxy.policy.channels import Channels
from mapiproxy.policy.firewall import Firewall
from mapiproxy.policy.mapihttp import MapiHttp
from mapiproxy.policy.published import Published
from mapiproxy.policy.routecookie import RouteKeys
from mapiproxy.policy.tally import Tally
from mapiproxy.policy.usage import Quotas, Usage


@frozen
class Timeouts:
    """Seconds. Each is about nothing moving, never about a whole exchange, except ``connect``.

    :ivar client_head: from a request's first byte (or a new connection) to the end of its head.
    :ivar client_idle: a client's kept connection between requests.
    :ivar client_quiet: a client that stops in the middle of a request's body.
    :ivar client_stall: a client that does not take its answer.
    :ivar connect: reaching a backend, TLS handshake included.
    :ivar first_byte: a backend that has the request and has not begun to answer.
    :ivar quiet: a backend that has begun its answer and says nothing more; an announced
        X-PendingPeriod counts three times instead.
    :ivar backend_idle: a kept connection to a backend (grommunio closes them after three minutes).
    :ivar linger: taking in the rest of a request that was answered early.
    :ivar orphan: a backend finishing a call whose client is gone.
    :ivar long_poll: where nothing needs to move for long: a channel of Outlook Anywhere, a Ping of
        ActiveSync.
    :ivar stop: calls in progress when the proxy is told to stop.
    """

    client_head: float = 30.0
    client_idle: float = 900.0
    client_quiet: float = 60.0
    client_stall: float = 300.0
    connect: float = 5.0
    first_byte: float = 600.0
    quiet: float = 90.0
    backend_idle: float = 120.0
    linger: float = 5.0
    orphan: float = 60.0
    long_poll: float = 3900.0
    stop: float = 30.0


@define(eq=False)
class Rules:
    """What an exchange decides with.

    :ivar pools: in order; the first whose path fits serves a request.
    :ivar server_name: this proxy's name in its own answers.
    :ivar forwarded: whether backends are told the client's address.
    :ivar max_dials: backends that are tried for one request.
    :ivar route_keys: for route cookies; ``None``: there are none.
    :ivar tally: counts of what was decided.
    :ivar mapi_http: who may use MAPI/HTTP.
    :ivar published: what is done to answers of Autodiscover.
    :ivar homes: servers on which mailboxes live, as Autodiscover says, by mailbox in lower case.
    :ivar auth_loops: rows of 401, and whom to stop.
    :ivar firewall: who may ask for what; ``quotas``: and how much, of which ``usage`` keeps count.
    :ivar channels: open channels of Outlook Anywhere.
    :ivar stopping: no connection is kept beyond its exchange any more.
    """

    pools: tuple[Pool, ...]
    sessions: Sessions
    limits: Timeouts = field(factory=Timeouts)
    server_name: str = "MAPIPROXY"
    forwarded: bool = True
    max_dials: int = 3
    stopping: bool = False
    route_keys: RouteKeys | None = None
    tally: Tally = field(factory=Tally)
    mapi_http: MapiHttp = field(factory=MapiHttp)
    published: Published = field(factory=Published)
    homes: dict[str, str] = field(factory=dict)
    auth_loops: AuthLoops = field(factory=AuthLoops)
    firewall: Firewall = field(factory=Firewall)
    quotas: Quotas = field(factory=Quotas)
    usage: Usage = field(factory=Usage)
    channels: Channels = field(factory=Channels)
    _found: dict[str, Pool | None] = field(factory=dict, init=False, repr=False)

    def pool_for(self, path: str) -> Pool | None:
        """The pool that serves this path; compared in lower case (complaint 40)."""
        try:
            return self._found[path]
        except KeyError:
            pool = self._find_pool(path.lower())
        if len(self._found) < 1024:
            self._found[path] = pool
        return pool

    def forget_paths(self) -> None:
        """The pools serve other paths now."""
        self._found.clear()

    def _find_pool(self, lowered: str) -> Pool | None:
        for pool in self.pools:
            for prefix in pool.paths:
                if lowered.startswith(prefix) and lowered[len(prefix) :][:1] in ("", "/"):
                    return pool
        return None

    @property
    def name(self) -> str | None:
        """Of the group that the pools belong to; all of them bear it."""
        return self.pools[0].name if self.pools else None

    @property
    def kind(self) -> Kind:
        """The kind assumed where no pool is known yet."""
        return self.pools[0].kind if self.pools else Kind.EXCHANGE
