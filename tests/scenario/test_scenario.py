"""Every scenario of conf/scenarios comes out as it says, and would not if the product were broken."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve

from mapiproxy.backends.fleet import Admin, Backend
from mapiproxy.exchange import choosing
from mapiproxy.exchange.actions import Timer, ToClient
from mapiproxy.exchange.base import Actions
from mapiproxy.exchange.exchange import Exchange
from mapiproxy.exchange.losses import Losses
from mapiproxy.exchange.table import Answering
from mapiproxy.net.relay import Relay
from mapiproxy.net.watch import Watch
from mapiproxy.policy import replay, routing
from mapiproxy.scenario.causes import CAUSES
from mapiproxy.scenario.library import known
from mapiproxy.scenario.playing import play_virtually
from mapiproxy.scenario.proxies import ProxyNode
from mapiproxy.scenario.reading import load_scenario
from mapiproxy.scenario.subjects import ALWAYS
from mapiproxy.service.site import Site
from mapiproxy.settings import Settings

ALL = list(known())
FOLDER = Path(__file__).parent.parent.parent / "conf" / "scenarios"


def test_they_are_found_where_they_are() -> None:
    assert sorted(ALL) == sorted(path.stem for path in FOLDER.glob("*.toml"))
    assert len(ALL) >= 20


def test_together_they_are_about_every_cause() -> None:
    told = {cause for name in ALL for cause in load_scenario(known()[name]).causes}

    assert told == set(CAUSES)


@pytest.mark.parametrize(("number", "name"), list(enumerate(ALL)))
def test_it_comes_out_as_it_says(number: int, name: str) -> None:
    """With one kind of servers each, in turn; ``mapiproxy lab run --all`` plays them with all."""
    scenario = load_scenario(known()[name])
    if scenario.time == "real":
        pytest.skip("needs real time")
    played = play_virtually(scenario, scenario.kinds[number % len(scenario.kinds)])

    assert played.error is None
    assert [str(finding) for finding in played.failed] == []
    own = [finding for finding in played.findings if finding.name not in ALWAYS]
    assert own, "it expects nothing of its own"


@pytest.mark.parametrize("kind", ["exchange", "grommunio"])
def test_the_same_seed_is_the_same_timeline_and_another_is_another(kind: str) -> None:
    scenario = load_scenario(known()["vpn-flaps"])
    first, again, other = (play_virtually(scenario, kind, seed) for seed in (None, scenario.seed, 99))

    assert first.happenings == again.happenings
    assert first.facts == again.facts
    assert first.happenings != other.happenings


# Broken products, and which scenario finds them out.


def send_all_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever was lost is tried again (complaint 37)."""
    monkeypatch.setattr(choosing, "may_send_again", lambda *_: replay.Verdict.SAME_BACKEND)


def know_no_session(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each request goes where it happens to: no affinity at all (complaint 35)."""
    turn = count()
    monkeypatch.setattr(choosing, "find_home", lambda *_, **__: None)
    monkeypatch.setattr(routing, "rendezvous", lambda _, backends: backends[next(turn) % len(backends)])


def never_probe(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody looks at the servers."""
    monkeypatch.setattr(Watch, "start", lambda self: None)


def keep_the_dead(monkeypatch: pytest.MonkeyPatch) -> None:
    """Connections to a server that is down stay, and people wait there (complaint 32)."""
    monkeypatch.setattr(Site, "give_up", lambda *_: None)


def keep_the_idle(monkeypatch: pytest.MonkeyPatch) -> None:
    """Kept connections stay until a firewall has forgotten them (complaint 19)."""
    plain = Site._obey

    def obey(self: Site, settings: Settings) -> None:
        plain(self, settings)
        self.rules.limits = evolve(self.rules.limits, client_idle=86400.0)

    monkeypatch.setattr(Site, "_obey", obey)


def share_a_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """Sessions are counted on the wall's clock, which jumps."""
    plain = ProxyNode.start

    def start(self: ProxyNode) -> None:
        self.clock = lambda: self.wall() + self.skew
        plain(self)

    monkeypatch.setattr(ProxyNode, "start", start)


def never_send_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever was lost is lost."""
    monkeypatch.setattr(choosing, "may_send_again", lambda *_: replay.Verdict.BREAK)


def give_no_route(monkeypatch: pytest.MonkeyPatch) -> None:
    """Clients do not carry with them where their session lives."""
    monkeypatch.setattr(Exchange, "_route_cookie", lambda self: ())


def place_anywhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """A new session of a mailbox goes where it happens to."""
    turn = count()
    monkeypatch.setattr(routing, "rendezvous", lambda _, backends: backends[next(turn) % len(backends)])


def leave_waits_open(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whose client has gone waits on at the server (reference M14)."""
    plain = Losses.client_lost

    def client_lost(self: Losses, now: float) -> Actions:
        with monkeypatch.context() as inner:
            inner.setattr(Exchange, "is_wait", False)
            return plain(self, now)

    monkeypatch.setattr(Losses, "client_lost", client_lost)


def wait_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    """PENDINGs that stay out are nothing to it (complaint 32)."""
    plain = Relay.tick

    def tick(self: Relay, now: float) -> None:
        if self.exchange is None or self.deadline.timer is not Timer.QUIET:
            plain(self, now)

    monkeypatch.setattr(Relay, "tick", tick)


def drain_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that drains takes new sessions."""
    monkeypatch.setattr(Backend, "takes", property(lambda self: self.keeps))


def throw_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that drains keeps nobody."""
    monkeypatch.setattr(Backend, "keeps", property(lambda self: self.up and self.admin is Admin.READY))


def make_it_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    """Half an answer gets an end as if it were a whole one (reference 5.3)."""
    plain = Losses.backend_lost

    def backend_lost(self: Losses, text: str, now: float, *more: Any, **named: Any) -> Actions:
        half = self.answering is Answering.SENDING
        actions = plain(self, text, now, *more, **named)
        return [ToClient(b"0\r\n\r\n"), *actions] if half else actions

    monkeypatch.setattr(Losses, "backend_lost", backend_lost)


BREAKS: list[tuple[Callable[[pytest.MonkeyPatch], None], str, str, str]] = [
    (send_all_again, "lost-answer-behind-us", "exchange", "duplicates"),
    (know_no_session, "wired-wireless-cellular", "grommunio", "moved_backends"),
    (know_no_session, "reconnect-storm", "exchange", "moved_backends"),
    (never_probe, "backend-hang", "exchange", "detected freeze"),
    (never_probe, "half-open-behind-us", "grommunio", "detected half open"),
    (keep_the_dead, "backend-hang", "exchange", "outage_max"),
    (keep_the_idle, "idle-firewall-patient", "exchange", "executes_unknown"),
    (never_send_again, "lost-ping", "grommunio", "resent"),
    (give_no_route, "proxy-upgrade", "exchange", "unmatched_cookies"),
    (give_no_route, "source-affinity", "grommunio", "unmatched_cookies"),
    (place_anywhere, "crashed-outlook", "exchange", "at_servers.*"),
    (leave_waits_open, "idle-firewall-rst", "exchange", "waits_rejected"),
    (wait_for_ever, "mute-pending", "grommunio", "hangs"),
    (drain_nothing, "drain", "grommunio", "contexts_lost"),
    (throw_out, "drain", "exchange", "moved_backends"),
    (make_it_whole, "lost-answer-behind-us", "exchange", "bad_answers"),
    (keep_the_dead, "half-open-behind-us", "grommunio", "outage_max"),
    (send_all_again, "half-open-behind-us", "grommunio", "executes_unknown"),
    (share_a_clock, "clock-jump", "exchange", "waits_lost"),
]


@pytest.mark.parametrize(("harm", "name", "kind", "found"), BREAKS)
def test_a_broken_product_is_found_out(
    monkeypatch: pytest.MonkeyPatch,
    harm: Callable[[pytest.MonkeyPatch], None],
    name: str,
    kind: str,
    found: str,
) -> None:
    harm(monkeypatch)
    played = play_virtually(load_scenario(known()[name]), kind)

    assert found in [finding.name for finding in played.failed]
