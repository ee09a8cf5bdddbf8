"""What the proxy says is heard, with its time; errors are counted, whoever made them."""

from __future__ import annotations

from twisted.logger import Logger

from mapiproxy.lab.happening import Happening
from mapiproxy.scenario.telling import Said


def listen() -> tuple[Said, list[Happening]]:
    told: list[Happening] = []
    return Said(lambda: 107.0, 100.0, told.append), told


def test_messages_are_heard_and_what_matters_is_on_the_timeline() -> None:
    said, told = listen()
    log = Logger(namespace="mapiproxy")
    said.begin()
    log.info("listener outlook: here")
    log.warn("backend {name} DOWN: {why}", name="MBX1", why="refused; twice")
    log.info("backend {name} UP", name="MBX1")
    log.info("session {id} killed", id="6d1e94a272db1147")
    said.end()
    log.info("not heard")

    assert [text for _, text in said.says] == [
        "listener outlook: here", "backend MBX1 DOWN: refused; twice", "backend MBX1 UP",
        "session ... killed",
    ]  # fmt: skip
    assert [(each.lane, each.label) for each in told] == [("proxy", "MBX1 DOWN: refused"), ("proxy", "MBX1 UP")]
    assert {at for at, _ in said.says} == {7.0}
    assert {each.at for each in told} == {107.0}
    assert said.went_down == {"MBX1": 1}
    assert said.errors == []


def test_errors_of_anybody_are_counted() -> None:
    said, _ = listen()
    said.begin()
    try:
        raise ValueError("broken")
    except ValueError:
        Logger(namespace="somebody.else").failure("it went wrong")
    Logger(namespace="mapiproxy").error("that too")
    said.end()

    assert said.errors == ["it went wrong: broken", "that too"]
