"""A device in the network: accepts clients, dials servers, and does to what passes what its rules say.

Made for any reactor that has ``listenTCP``, ``connectTCP``, ``callLater`` and ``seconds``: a real one, or one
with virtual time. The plain device here has no mind of its own; those in ``devices/`` override the methods of
the second part.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from random import Random
from typing import Any, ClassVar

from attrs import frozen
from twisted.internet.defer import Deferred, maybeDeferred
from twisted.internet.protocol import Factory, Protocol

from mapiproxy.lab.happening import Happening, Tell, tell_nobody
from mapiproxy.lab.inorder import InOrder
from mapiproxy.lab.network.addresses import Address, is_loopback, show
from mapiproxy.lab.network.counters import Counters
from mapiproxy.lab.network.faults.certificates import ShowsCertificate
from mapiproxy.lab.network.flow import Flow
from mapiproxy.lab.network.lane import RuleInPlay
from mapiproxy.lab.network.leg import Leg, Upstream
from mapiproxy.lab.network.pieces import Direction, Exchange, Place
from mapiproxy.lab.network.reading import BadRule
from mapiproxy.lab.network.rule import Rule, parse_rule
from mapiproxy.lab.network.rulebook import Rulebook
from mapiproxy.lab.network.side import Gate, Side
from mapiproxy.lab.network.tls import PassThrough, Termination

#: Seconds that a dial may take.
PATIENCE = 10.0


@frozen
class NoSettings:
    """A device that needs no settings."""


class Device:
    """One device.

    :param to: the servers behind it, at least one.
    :param listen: where it listens; port 0 picks one. Loopback only, unless *anywhere*.
    :param tls: ``None`` for plaintext (TLS is noticed and passed), ``PASS_THROUGH``, or a termination.
    :param rules: rules or tables of them, which stay until they are removed by name.
    :param opaque: never look inside, not even at plaintext.
    :param settings: of the kind of device; see :attr:`Settings`.
    :raise BadRule: settings or rules that make no sense.
    :ivar counters: what it has counted.
    """

    Settings: ClassVar[type] = NoSettings
    #: Whether its own work needs the plaintext.
    needs_plaintext: ClassVar[bool] = False

    def __init__(
        self,
        name: str,
        reactor: Any,
        random: Random,
        tell: Tell = tell_nobody,
        *,
        to: Sequence[Address],
        listen: Address = ("127.0.0.1", 0),
        tls: Termination | PassThrough | None = None,
        rules: Iterable[Rule | Mapping[str, Any]] = (),
        anywhere: bool = False,
        opaque: bool = False,
        patience: float = PATIENCE,
        **settings: Any,
    ) -> None:
        if not to:
            raise BadRule("to: a device needs at least one server behind it")
        if not (anywhere or is_loopback(listen[0])):
            raise BadRule(f"listen: {listen[0]} is not a loopback address, and nobody said anywhere")
        self.name = name
        self.reactor = reactor
        self.to = list(to)
        self.patience = patience
        self.settings: Any = self.Settings(**settings)
        self.termination = tls if isinstance(tls, Termination) else None
        self.looks_inside = not opaque and not isinstance(tls, PassThrough)
        if self.needs_plaintext and not self.looks_inside:
            raise BadRule(f"{name}: this device has to see the plaintext, and TLS passes it unread")
        self.counters = Counters()
        self.flows: InOrder[Flow] = InOrder()
        self.legs: InOrder[Leg] = InOrder()
        self._tell = tell
        self._listen = listen
        self._listening: Any = None
        self._seed = random.getrandbits(64)
        self._stopped: Deferred[None] | None = None
        self.rulebook = Rulebook(reactor, self._seed, self._began, self._ended)
        for own in self.own_rules():
            self.rulebook.add(self._checked(own), fixed=True)
        for given in rules:
            self.add(given)

    def start(self) -> int:
        """Listen; returns the port."""
        host, port = self._listen
        self._listening = self.reactor.listenTCP(port, _Clients(self), interface=host)
        return int(self._listening.getHost().port)

    def stop(self) -> Deferred[None]:
        """Stop listening and drop all connections; fires when they are gone."""
        self.rulebook.stop()
        waiting = maybeDeferred(self._listening.stopListening) if self._listening else None
        self._listening = None
        done: Deferred[None] = Deferred()
        self._stopped = done
        for flow in list(self.flows):
            flow.drop()
        for leg in list(self.legs):
            leg.abandon()
        self._perhaps_stopped()
        if waiting is None:
            return done
        return waiting.addCallback(lambda _: done)

    def add(self, given: Rule | Mapping[str, Any]) -> RuleInPlay:
        """Put a rule in force, from its ``after`` on and for as long as it ``lasts``.

        :raise BadRule: it cannot be used at this device.
        """
        return self.rulebook.add(self._checked(given))

    def remove(self, which: RuleInPlay | str) -> bool:
        """Take a rule out of force, or all of a name; what it held goes on. False: there is none."""
        return self.rulebook.remove(which)

    def reset(self) -> None:
        """Remove every rule but those that make the device what it is."""
        self.rulebook.clear()

    def _began(self, play: RuleInPlay) -> None:
        for flow in list(self.flows):
            flow.add(play)

    def _ended(self, play: RuleInPlay) -> None:
        for flow in list(self.flows):
            flow.remove(play)

    def _checked(self, given: Rule | Mapping[str, Any]) -> Rule:
        rule = given if isinstance(given, Rule) else parse_rule(given)
        if rule.looks_inside and not self.looks_inside:
            raise BadRule(
                f"{rule.kind}: {self.name} passes TLS unread, so it cannot tell requests apart: "
                "end TLS at the device, or use a fault of TCP without selectors of MAPI"
            )
        if rule.selector.phase == "tls" and self.termination is None:
            raise BadRule(f"{rule.kind}: {self.name} does not end TLS, so there is no phase tls")
        fault, ends = rule.fault, self.termination
        if isinstance(fault, ShowsCertificate) and ends and not ends.can_show(fault.certificate):
            raise BadRule(f"{rule.kind}: {self.name} has no authority that could issue such a certificate")
        return rule

    @property
    def must_look(self) -> bool:
        """Whether a connection that cannot be looked into is an error."""
        return self.needs_plaintext or self.rulebook.looks_inside

    # What devices override.

    def own_rules(self) -> Iterable[Rule | Mapping[str, Any]]:
        """The rules that make the device what it is."""
        return ()

    def upstream(self, flow: Flow) -> Upstream:
        """How the flow reaches servers."""
        address = self.target(flow)
        flow.connection.backend = show(address)
        return _OneLeg(self, address, flow)

    def target(self, flow: Flow) -> Address:
        """The server for a connection."""
        return self.to[0]

    def source(self, flow: Flow) -> str | None:
        """The address to dial from; ``None``: whatever the system takes."""
        return None

    def client_side(self, flow: Flow) -> Side:
        """The end that speaks with the client."""
        return Side(flow, tls=self.termination is not None)

    def asked(self, exchange: Exchange) -> None:
        """A request's head has been read."""

    def address_of(self, exchange: Exchange) -> Address:
        """The server for a request, where they are balanced one by one."""
        return self.to[0]

    def answered(self, exchange: Exchange) -> None:
        """Such a request is over."""

    def passes(self, flow: Flow, to_server: bool) -> bool:
        """Something has come from one side: whether the device lets it in."""
        return True

    def flow_began(self, flow: Flow) -> None:
        """A client has been accepted."""
        self.counters.connections += 1
        self.counters.open += 1
        self.flows.add(flow)
        self.say("connection", "accepted", detail=f"connection {flow.number}")

    def flow_over(self, flow: Flow) -> None:
        """Both sides of a flow are gone."""
        if flow in self.flows:
            self.flows.discard(flow)
            self.counters.open -= 1
            self._perhaps_stopped()

    # What its parts tell it.

    def refused(self, flow: Flow, address: Address, why: str) -> None:
        """No server could be reached."""
        self.counters.refused += 1
        server = f"server {self.to.index(address) + 1}" if address in self.to else "the server"
        detail = f"connection {flow.number}: {server}: {why}"
        self.say("connection", "refused", outcome="refused", detail=detail)

    def leg_over(self, leg: Leg) -> None:
        """A connection to a server is gone."""
        self.legs.discard(leg)
        self._perhaps_stopped()

    def struck(self, play: RuleInPlay, place: Place) -> None:
        """A rule strikes."""
        name = play.rule.name
        self.counters.injected[name] = self.counters.injected.get(name, 0) + 1
        exchange = place.exchange
        what = f"connection {place.connection.number}"
        if exchange is not None:
            what += f", request {exchange.number}"
            what += f" ({exchange.request_type})" if exchange.request_type else ""
        at = f" at {place.phase}" if play.rule.selector.phase else ""
        self.say("fault", name, detail=what + at + (f" {place.number}" if at and place.number else ""))

    def say(self, kind: str, label: str, *, outcome: str = "ok", detail: str = "") -> None:
        """Tell whoever wants to hear."""
        at = self.reactor.seconds()
        self._tell(Happening(at=at, lane=self.name, kind=kind, label=label, outcome=outcome, detail=detail))

    def chance(self, number: int) -> Callable[[RuleInPlay, Direction], Random]:
        """The chance of each rule in the lanes of connection *number*."""
        return lambda play, direction: Random(f"{self._seed}/{play.number}/{number}/{direction}")

    def accept(self, client: str) -> Protocol:
        """A protocol for a client that has just come."""
        flow = Flow(self, self.counters.connections + 1, client)
        side = self.client_side(flow)
        if self.termination is None:
            return side

        def opened(gate: Gate) -> None:
            self.flow_began(flow)
            flow.gate = gate
            flow.begin()

        return Gate(side, self.reactor, opened)

    def _perhaps_stopped(self) -> None:
        if self._stopped is not None and not self.flows and not self.legs:
            done, self._stopped = self._stopped, None
            done.callback(None)


class _OneLeg(Leg):
    """The one connection of a flow, dialled from where the device says."""

    def __init__(self, device: Device, address: Address, flow: Flow) -> None:
        super().__init__(device, address, flow)
        self._flow = flow

    def dial(self, source: str | None = None) -> None:
        super().dial(self._device.source(self._flow))


class _Clients(Factory):
    noisy = False

    def __init__(self, device: Device) -> None:
        self._device = device

    def buildProtocol(self, addr: Any) -> Protocol:
        return self._device.accept(str(getattr(addr, "host", "")))
