"""The whole of it on real sockets: straight to servers with TLS, and through the proxy."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from attrs import evolve
from support.lab import USERS
from support.running import RunningCase, later
from twisted.internet import reactor
from twisted.internet.defer import Deferred, inlineCallbacks
from twisted.trial.unittest import TestCase

from mapiproxy.lab.authority import Authority
from mapiproxy.lab.dialect import LabOptions
from mapiproxy.lab.dialing import Address, tls_for
from mapiproxy.lab.outlook import CACHED, ONLINE, Crowd, Outlook, Profile, Receipts
from mapiproxy.lab.server import LabServer
from mapiproxy.lab.tls import server_context
from mapiproxy.lab.users import crowd_users

PEOPLE = crowd_users(4)
#: Impatient, so that a test is short.
BUSY: Profile = evolve(
    ONLINE, think=0.2, sends=0.0, look_up=1.0, opening=(2, 2), least_patience=3.0, backoff_first=0.1
)


@inlineCallbacks
def until(done: Callable[[], Any], seconds: float = 15.0) -> Any:
    waited = 0.0
    while not done():
        assert waited < seconds, "it was never so"
        yield later(0.02)
        waited += 0.02


class WithTls(TestCase):
    timeout = 60

    def set_up(self, kind: str) -> Crowd:
        folder = Path(self.mktemp()).absolute()
        issued = Authority(folder).issue()
        self.server = LabServer(
            kind,
            "ONE",
            PEOPLE,
            LabOptions(pending_period=0.5, mark=True),
            reactor,
            tls=server_context(issued.certificate, issued.key),
        )
        self.server.start()
        self.addCleanup(self.server.stop)
        address = Address("127.0.0.1", self.server.port, ca_file=folder / "ca.pem")
        self.receipts = Receipts()
        crowd = Crowd(
            reactor,
            address,
            list(PEOPLE)[:4],
            random=random.Random(1),
            profiles=(BUSY, evolve(CACHED, least_patience=3.0, backoff_first=0.1)),
            sources=("127.0.0.2", "127.0.0.3"),
            known=PEOPLE,
            kind=kind,
            receipts=self.receipts,
        )
        self.addCleanup(crowd.kill)
        return crowd

    @inlineCallbacks
    def live(self, kind: str) -> Any:
        crowd = self.set_up(kind)
        crowd.start(0.1)
        yield until(lambda: all(each.open_contexts == 3 for each in crowd.outlooks))
        self.server.postman.bring("team001@example.test")
        yield until(lambda: crowd.book().mail == 4)
        hosts = {each.transport.getPeer().host for each in self.server.connections}
        assert hosts == {"127.0.0.2", "127.0.0.3"}
        crowd.each(lambda each: each.switch_network("127.0.0.4", gap=0.1))
        yield until(lambda: crowd.book().recovery_max > 0 and not crowd.book().unrecovered)
        crowd.each(Outlook.hibernate)
        sent = len(self.receipts.sent)
        yield later(0.4)
        assert len(self.receipts.sent) == sent
        crowd.each(Outlook.resume)
        yield until(lambda: len(crowd.book().recoveries) == 8)
        yield crowd_closed(crowd)
        book = crowd.book()
        assert book.faults() == []
        assert self.receipts.compare(self.server.backend.executions) == []
        assert len(self.server.backend.contexts) == 0
        assert book.outage_max < 15.0

    def test_exchange(self) -> Any:
        return self.live("exchange")

    def test_grommunio(self) -> Any:
        return self.live("grommunio")

    @inlineCallbacks
    def test_a_handshake_that_fails_has_sent_nothing(self) -> Any:
        crowd = self.set_up("exchange")
        stranger = Authority(Path(self.mktemp()).absolute())
        outlook = crowd.outlooks[0]
        outlook._uplink._tls = tls_for(Address("127.0.0.1", 1, ca_file=stranger.ca_file))
        outlook.start()
        yield until(lambda: outlook.book.dials_refused >= 2)
        assert "certificate verify failed" in next(iter(outlook.book.dial_troubles))
        assert (outlook.book.dials, outlook.book.executes_sent, outlook.book.calls) == (0, 0, Counter())


@inlineCallbacks
def crowd_closed(crowd: Crowd) -> Any:
    yield Deferred.fromCoroutine(crowd.close())


class ThroughTheProxy(RunningCase):
    """Two servers; one of them goes, and comes back."""

    timeout = 60
    kind = "grommunio"

    @inlineCallbacks
    def test_a_server_that_crashes_costs_contexts_and_nothing_else(self) -> Any:
        receipts = Receipts()
        address = Address("127.0.0.1", self.service.ports[0].getHost().port, tls=False)
        crowd = Crowd(
            reactor, address, list(USERS), random=random.Random(3), profiles=(BUSY,), kind=self.kind, receipts=receipts
        )
        self.addCleanup(crowd.kill)
        executions: Counter[str] = Counter()
        crowd.start()
        yield until(lambda: all(each.open_contexts == 2 for each in crowd.outlooks))
        for lab in self.labs.values():
            for user in USERS:
                lab.postman.bring(user.login)
        yield until(lambda: crowd.book().mail >= len(crowd.outlooks))
        victim = next(lab for lab in self.labs.values() if len(lab.backend.contexts))
        port = victim.port
        yield victim.stop()
        executions.update(victim.backend.executions)
        self.labs[victim.name] = self.lab(victim.name, port)
        yield until(lambda: crowd.book().contexts_lost > 0)
        yield until(lambda: all(each.ready and each.book.outage_open is None for each in crowd.outlooks))
        yield until(lambda: crowd.book().executes_answered > 10)
        yield crowd_closed(crowd)
        for lab in self.labs.values():
            executions.update(lab.backend.executions)
        book = crowd.book()
        assert book.faults() == []
        assert receipts.compare(executions) == []
        assert set(book.codes) <= {0, 2, 10}


class ThroughTheProxyToExchange(ThroughTheProxy):
    kind = "exchange"

    def write(self, more: str = "", **weights: int) -> None:
        super().write(more, **weights)
        text = self.file.read_text()
        self.file.write_text(text.replace("[backend.lab]\n", "[backend.lab]\nallow_ssl_offload = true\n"))
