"""HAProxy and nginx in the proxy's place: their examples, rendered for a stage, are what the programs take."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
from twisted.internet import reactor
from twisted.internet.defer import Deferred, inlineCallbacks
from twisted.trial.unittest import SkipTest, TestCase

from mapiproxy.lab.authority import Authority
from mapiproxy.scenario.peers import PROGRAMS, NoPeer, PeerNode, example_of, find_program
from mapiproxy.scenario.proxies import RefusedOrder, Upstream
from mapiproxy.scenario.real import free_port

KINDS = ("exchange", "grommunio")
UPSTREAMS = (Upstream("EXCH1", 10001), Upstream("EXCH2", 10002))


def node(program: str, kind: str, folder: Path, port: int = 18443, speed: float = 20.0) -> PeerNode:
    authority = Authority(folder)
    issued = authority.issue("mail.lab.test", "localhost", "127.0.0.1")
    return PeerNode(
        program, 1, folder, kind, port, UPSTREAMS, issued, authority.ca_file, speed, reactor,
        {"alice@lab": "EXCH2"}.get,
    )  # fmt: skip


def installed(program: str) -> str:
    try:
        return find_program(program)
    except NoPeer as error:
        pytest.skip(str(error))


@pytest.mark.parametrize("kind", KINDS)
def test_haproxy_takes_what_is_rendered(tmp_path: Path, kind: str) -> None:
    program = installed("haproxy")
    peer = node("haproxy", kind, tmp_path)
    text = peer.render_haproxy(example_of("haproxy", kind).read_text(), tmp_path / "peer.pem")
    (tmp_path / "peer.pem").write_bytes(peer.issued.certificate.read_bytes() + peer.issued.key.read_bytes())
    peer.file.write_text(text)
    done = subprocess.run([program, "-c", "-f", str(peer.file)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("kind", KINDS)
def test_nginx_takes_what_is_rendered(tmp_path: Path, kind: str) -> None:
    program = installed("nginx")
    peer = node("nginx", kind, tmp_path)
    peer.file.write_text(peer.render_nginx(example_of("nginx", kind).read_text()))
    done = subprocess.run([program, "-t", "-p", str(tmp_path), "-c", str(peer.file)], capture_output=True, text=True,
                          check=False)  # fmt: skip
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("program", PROGRAMS)
def test_only_addresses_certificates_and_durations_are_changed(tmp_path: Path, program: str, kind: str) -> None:
    peer = node(program, kind, tmp_path, speed=1.0)
    example = example_of(program, kind).read_text()
    text = peer.render_haproxy(example, tmp_path / "p") if program == "haproxy" else peer.render_nginx(example)

    def directives(source: str) -> set[str]:
        lines = [line.strip() for line in source.splitlines()]
        names = {line.split()[0].rstrip(";") for line in lines if line and line[0] not in "#}"}
        return names - {"bind", "server", "listen"}

    assert directives(example) - directives(text) == set()
    assert "127.0.0.1:10001" in text
    assert "127.0.0.1:10002" in text
    assert "example.com:443" not in text
    assert not re.search(r"/etc/(haproxy|nginx)", text)


def test_durations_are_divided_and_defaults_written_out(tmp_path: Path) -> None:
    haproxy = node("haproxy", "grommunio", tmp_path)
    text = haproxy.render_haproxy(example_of("haproxy", "grommunio").read_text(), tmp_path / "p")
    assert "timeout server 15000ms" in text
    assert "expire 180000ms" in text
    assert "inter 250ms" in text
    nginx = node("nginx", "grommunio", tmp_path)
    text = nginx.render_nginx(example_of("nginx", "grommunio").read_text())
    assert "proxy_read_timeout 15000ms;" in text
    assert "keepalive_timeout 3750ms;" in text
    assert "send_timeout 3000ms;" in text


def test_it_takes_no_orders_but_knows_who_is_at_home_where(tmp_path: Path) -> None:
    peer = node("haproxy", "exchange", tmp_path)
    assert peer.home_of("alice@lab") == "EXCH2"
    assert peer.home_of("bob@lab") is None
    with pytest.raises(RefusedOrder, match="drain"):
        peer.order("drain", server="EXCH1")
    with pytest.raises(RefusedOrder):
        peer.reload("")


def test_a_program_that_is_not_there_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mapiproxy.scenario.peers.shutil.which", lambda *args, **kw: None)
    with pytest.raises(NoPeer, match="haproxy is not on this machine"):
        find_program("haproxy")
    with pytest.raises(NoPeer, match=r"conf/peers/haproxy-domino\.cfg"):
        example_of("haproxy", "domino")


class RunningTests(TestCase):
    """For real, where the programs are installed."""

    timeout = 30

    def peer(self, program: str) -> PeerNode:
        try:
            find_program(program)
        except NoPeer as error:
            raise SkipTest(str(error)) from None
        folder = Path(self.mktemp()).absolute()
        folder.mkdir(parents=True)
        return node(program, "exchange", folder, free_port())

    @inlineCallbacks
    def _play(self, program: str) -> Any:
        peer = self.peer(program)
        peer.start()
        assert peer._listens()
        yield Deferred.fromCoroutine(peer.stop())
        assert not peer._listens()
        peer.start()
        yield Deferred.fromCoroutine(peer.die())
        assert not peer._listens()

    def test_haproxy_comes_and_goes(self) -> Any:
        return self._play("haproxy")

    def test_nginx_comes_and_goes(self) -> Any:
        return self._play("nginx")

    def test_what_it_says_is_told_when_it_does_not_start(self) -> None:
        peer = self.peer("haproxy")
        peer.issued.key.write_text("no key")
        with pytest.raises(NoPeer, match=r"haproxy did not start: (.|\n)*peer\.pem"):
            peer.start()
