"""Which backend is a client's connection tied to, and since when? The identity guard's memory.

NTLM and Negotiate authenticate a connection: whatever comes over it afterwards is believed to come from
the same user, with no credentials in it (protocol reference 8). So from the first token on, a client's
connection and one to a backend are a pair. While it lasts no other backend connection serves this client;
when one of the two goes, the other goes as well. A pair may be given up for a new one only between
handshakes, and the new one knows nothing of the old one's user: its 401 is passed on (M10, N5).

A bare offer (``WWW-Authenticate: NTLM``) makes no pair yet: nobody has been authenticated, and a client of
Basic or Bearer, which every server offers in the same answer, keeps its freedom to be served elsewhere.
"""

from __future__ import annotations

from attrs import define

from mapiproxy.backends.fleet import Pool
from mapiproxy.backends.kind import Kind
from mapiproxy.mapi.credentials import Challenge, Credentials, Step
from mapiproxy.policy.routing import Route

#: Rungs that know where a session lives, as opposed to where a new one would go.
_KNOWING = frozenset(("route-cookie", "session", "client"))


@define(eq=False)
class Bond:
    """The authentication state of one client connection.

    :ivar tied: it must share its life with one backend connection.
    :ivar backend: name of that backend, once there is a connection to it.
    :ivar handshaking: a token has been exchanged and the next one is due.
    :ivar scheme: how it was authenticated, as spelt; ``user`` as whom, as the client says.
    """

    tied: bool = False
    backend: str | None = None
    handshaking: bool = False
    scheme: str | None = None
    user: str | None = None

    def asked(self, credentials: Credentials, scheme: str | None) -> None:
        """A request brings credentials; *scheme* is its name as spelt."""
        if not credentials.bound or credentials.step is Step.EMPTY:
            return
        self.tied = True
        self.scheme = scheme
        if credentials.step is Step.FINAL:
            self.user = credentials.user
        else:
            self.user = None

    def answered(self, challenge: Challenge, status: int) -> None:
        """The head of an answer has come."""
        self.handshaking = status == 401 and challenge.token
        if challenge.token or challenge.persistent:
            self.tied = True
        if status == 401:
            self.user = None

    def loosen(self) -> None:
        """The pair has been given up: whoever comes next is nobody yet."""
        self.tied = self.handshaking = False
        self.backend = self.scheme = self.user = None


def keep(bond: Bond, route: Route, pool: Pool, creating: bool) -> Route:
    """The route of a request on a tied connection: the pair's backend, unless the request is better
    answered elsewhere at the price of a new handshake.

    In the middle of a handshake there is no elsewhere. A session of grommunio lives on one server only;
    a backend that drains takes no new sessions. Any front end of Exchange serves any session.
    """
    if bond.backend is None or route.backend.name == bond.backend:
        return route
    backend = pool.by_name.get(bond.backend)
    if backend is None:
        return route
    stay = Route(backend, "connection", route.stale)
    if bond.handshaking:
        return stay
    if not backend.keeps or (creating and not backend.takes):
        return route
    if pool.kind is Kind.GROMMUNIO and route.by in _KNOWING:
        return route
    return stay
