"""The whole service on the virtual reactor: TLS on both legs, probes, log; minutes in moments, and the same twice."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import attrs
import pytest
from support.lab import ALICE, USERS
from twisted.internet.threads import deferToThreadPool

from mapiproxy.lab.authority import Authority
from mapiproxy.lab.client import Address, OutlookClient
from mapiproxy.lab.conversation import Conversation
from mapiproxy.lab.dialect import LabOptions
from mapiproxy.lab.server import LabServer
from mapiproxy.lab.tls import server_context
from mapiproxy.lab.virtual import VirtualReactor
from mapiproxy.service import ProxyService, make_service
from mapiproxy.settings import load_settings

FILE = """\
[listener.mail]
bind = "127.0.0.1:443"
certificate = "{certificate}"
key = "{key}"
[backend.lab]
kind = "{kind}"
vdirs = ["mapi"]
ca_file = "{ca}"
{servers}
[log]
directory = "{log}"
server_name = "LAB"
"""


class Stage:
    """Two lab servers and the service, in memory."""

    def __init__(self, folder: Path, kind: str) -> None:
        self.reactor = VirtualReactor()
        authority = Authority(folder)
        issued = authority.issue("localhost", "127.0.0.1")
        self.labs = []
        for name in ("ONE", "TWO"):
            options = LabOptions(mark=True)
            tls = server_context(issued.certificate, issued.key)
            self.labs.append(LabServer(kind, name, USERS, options, self.reactor, tls=tls))
            self.labs[-1].start()
        servers = "".join(
            f'[[backend.lab.server]]\nname = "{lab.name}"\nurl = "{lab.url}"\n' for lab in self.labs
        )
        file = folder / "m.toml"
        self.log = folder / "log"
        file.write_text(
            FILE.format(
                certificate=issued.certificate, key=issued.key, kind=kind, ca=authority.ca_file,
                servers=servers, log=self.log,
            )
        )  # fmt: skip
        settings = load_settings(file)
        # Certificates are fetched by a thread over real sockets.
        settings = attrs.evolve(settings, health=attrs.evolve(settings.health, certificates=0.0))
        seconds = self.reactor.seconds
        self.service: ProxyService = make_service(
            settings, self.reactor, clock=seconds, wall=seconds, owns_process=False
        )
        self.service.startService()
        self.address = Address("127.0.0.1", 443, "localhost", ca_file=authority.ca_file)

    def client(self) -> OutlookClient:
        return OutlookClient(self.reactor, self.address, ALICE, kind=self.labs[0].backend.kind)

    def strike(self) -> None:
        self.reactor.run(self.service.stopService())
        for lab in self.labs:
            self.reactor.run(lab.stop())
        self.reactor.advance(10.0)

    def log_lines(self) -> list[str]:
        files = sorted((self.log / "Mapi").glob("*.LOG"))
        lines = [line for file in files for line in file.read_text().splitlines()]
        return [line for line in lines if line[:1] == "2"]


def rows(stage: Stage) -> list[tuple[Any, ...]]:
    """A conversation, without what is random in it."""
    steps: list[Any] = []
    client = stage.client()
    verdict = stage.reactor.run(Conversation(client, stage.reactor, steps.append).play())
    stage.reactor.run(client.close())
    assert verdict.surprises == []
    start = stage.reactor.start
    return [(round(s.at - start, 6), s.request_type, s.connection, s.code, s.backend, s.total_ms) for s in steps]


@pytest.mark.parametrize("kind", ["exchange", "grommunio"])
def test_a_conversation_is_the_same_twice(tmp_path: Path, kind: str) -> None:
    told = []
    for turn in ("first", "second"):
        (tmp_path / turn).mkdir()
        stage = Stage(tmp_path / turn, kind)
        told.append(rows(stage))
        stage.strike()
        sent = [row for row in told[-1] if row[1] != "TCP reset"]
        assert len(stage.log_lines()) == len(sent)
        assert stage.reactor.ports == {}
    assert told[0] == told[1]
    assert len(told[0]) > 15


def test_ten_minutes_of_sleep_take_moments_and_cost_no_session(tmp_path: Path) -> None:
    stage = Stage(tmp_path, "grommunio")
    client = stage.client()
    stage.reactor.run(client.connect())
    stage.reactor.run(client.logon())
    stage.reactor.advance(600.0)
    step = stage.reactor.run(client.ping())
    assert (step.code, step.request_type) == (0, "PING")
    assert stage.service.orders.answer({"command": "status"})["uptime"] >= 600.0
    stage.reactor.run(client.close())
    stage.strike()
    assert stage.reactor.getDelayedCalls() == []


def test_what_is_given_to_a_thread_is_done_at_once() -> None:
    reactor = VirtualReactor()
    assert reactor.run(deferToThreadPool(reactor, reactor.getThreadPool(), sum, [1, 2])) == 3

    def fail() -> None:
        raise OSError("full")

    with pytest.raises(OSError, match="full"):
        reactor.run(deferToThreadPool(reactor, reactor.getThreadPool(), fail))
