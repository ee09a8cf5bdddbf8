"""A laboratory stage without sockets, and rows to show on it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from mapiproxy.commands.stage import Stage, set_up
from mapiproxy.lab.step import Step
from mapiproxy.settings import Settings


def step(number: int = 1, **given: Any) -> Step:
    given = {"request_type": "Execute", "request_id": f"{{A}}:{number}", **given}
    return Step(number, 0.0, "alice@lab.test", "emsmdb", **given)


class IdleService:
    """Stands in for the proxy where only the stage matters."""

    def privilegedStartService(self) -> None: ...

    def startService(self) -> None: ...


class Listening:
    """As much of a reactor as set_up needs."""

    def listenSSL(self, port: int, *rest: object, **named: object) -> Any:
        self.port += 1
        return self

    def getHost(self) -> Any:
        return self

    port = 40000


def staged(folder: Path, kind: str) -> tuple[Stage, Settings]:
    seen: list[Settings] = []

    def make_service(settings: Settings, reactor: object) -> IdleService:
        seen.append(settings)
        return IdleService()

    stage = set_up(folder, kind, 0, Listening(), make_service)
    return stage, seen[0]
