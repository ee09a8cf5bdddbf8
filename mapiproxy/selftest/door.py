"""What stands at the door: does the endpoint get traffic, and how does it want people to log on?

Two requests without credentials: the health page that Exchange and this proxy have, and a Connect as
Outlook sends it first, which must be answered by a 401 that offers schemes.
"""

from __future__ import annotations

from attrs import evolve, frozen

from mapiproxy.backends.kind import Kind
from mapiproxy.lab.asking import Request
from mapiproxy.lab.caller import APPLICATION, USER_AGENT
from mapiproxy.lab.errors import LabError
from mapiproxy.lab.line import ClientLine, Received
from mapiproxy.lab.session import new_guid
from mapiproxy.mapi.credentials import read_challenge
from mapiproxy.selftest.diagnosis import explain_loss, explain_status, kind_of
from mapiproxy.selftest.reaching import Route
from mapiproxy.selftest.target import Target
from mapiproxy.selftest.trail import Stage, Trail, Trouble

_SPELT = {"negotiate": "Negotiate", "ntlm": "NTLM", "basic": "Basic", "bearer": "Bearer"}


@frozen
class Offer:
    """What was seen at the door.

    :ivar schemes: in lower case; *spelt*: for people.
    """

    schemes: frozenset[str]
    kind: Kind | None

    @property
    def spelt(self) -> str:
        return ", ".join(_SPELT.get(name, name) for name in sorted(self.schemes)) or "nothing"


class Door:
    """One target, asked by somebody without credentials.

    :param line: a connection that stands; more are made when it is closed.
    """

    def __init__(self, trail: Trail, route: Route, line: ClientLine) -> None:
        self._trail = trail
        self._route = route
        self._line = line

    async def knock(self, kind: Kind | None) -> Offer:
        """Stages Health and HTTP. :raise Trouble: nobody can log on here."""
        try:
            guess = await self._health(kind)
            return await self._challenge(kind or guess)
        finally:
            self._line.abort()

    async def _health(self, kind: Kind | None) -> Kind | None:
        with self._trail.stage("Health") as stage:
            raw = _head("GET", "/mapi/healthcheck.htm", self._route.target).raw(None)
            received = await self._ask(b"GET", raw, "GET /mapi/healthcheck.htm")
            guess = kind or kind_of(received.head)
            self._judge_health(received, guess, stage)
        return guess

    def _judge_health(self, received: Received, kind: Kind | None, stage: Stage) -> None:
        status, body = received.head.status, bytes(received.payload)
        if status == 200 and body.lstrip().startswith(b"200 OK"):
            who = body.partition(b"<br/>")[2].strip()[:80].decode("latin-1")
            stage.text = "healthcheck.htm says 200 OK" + (f" ({who})" if who.isprintable() and who else "")
        elif status == 404 and kind is not Kind.EXCHANGE:
            stage.text = "there is no healthcheck.htm: grommunio has none"
        elif status == 404:
            why = "the MapiProxy component is inactive, and balancers leave it out"
            stage.warn(f"404 for healthcheck.htm, expected 200 OK: {why}")
        else:
            stage.warn(explain_status(received.head, "healthcheck.htm", "200 OK"))

    async def _challenge(self, kind: Kind | None) -> Offer:
        with self._trail.stage("HTTP") as stage:
            head = _head("POST", "/mapi/emsmdb/?MailboxId=probe", self._route.target)
            guid = new_guid()
            lines = (
                "Content-Type: application/mapi-http",
                "X-RequestType: Connect",
                f"X-RequestId: {guid}:1",
                f"X-ClientInfo: {guid}:1",
                f"X-ClientApplication: {APPLICATION}",
            )
            raw = evolve(head, head=(*head.head, *lines)).raw(None)
            received = await self._ask(b"POST", raw, "POST /mapi/emsmdb/")
            answer = received.head
            if answer.status != 401:
                raise Trouble(explain_status(answer, "POST /mapi/emsmdb/ without credentials", "401"))
            schemes = read_challenge(answer.all(b"www-authenticate"), None).schemes
            if not schemes:
                raise Trouble(
                    "401 without WWW-Authenticate, expected one that offers schemes: something on the way "
                    "takes it away, or the virtual directory has no authentication method"
                )
            offer = Offer(schemes, kind or kind_of(answer))
            stage.text = f"401 as it should be, offers {offer.spelt}"
            if not schemes & _SPELT.keys():
                stage.warn(f"none of the schemes offered ({offer.spelt}) is one that Outlook uses")
            elif schemes & _SPELT.keys() == {"basic"} and not self._route.target.tls:
                stage.warn("only Basic is offered, and without TLS everybody on the way reads the passwords")
        return offer

    async def _ask(self, method: bytes, raw: bytes, what: str) -> Received:
        async def ask() -> Received:
            if not self._line.idle:
                self._line = await self._route.open()
            return await self._line.ask(method, raw)

        try:
            return await self._trail.within(ask(), f"the answer to {what}")
        except LabError as error:
            raise Trouble(explain_loss(error, what)) from error


def _head(method: str, path: str, target: Target) -> Request:
    return Request((f"{method} {path} HTTP/1.1", f"Host: {target.authority}", f"User-Agent: {USER_AGENT}"))
