"""nat: translates addresses; when it rebinds, the flows are forgotten and clients have another address."""

from __future__ import annotations

from typing import Any, ClassVar

from attrs import frozen

from mapiproxy.lab.network.devices.forgetting import MODES, ForgettingDevice
from mapiproxy.lab.network.flow import Flow
from mapiproxy.lab.network.reading import choice, duration, words


@frozen
class NatSettings:
    """What it is set to.

    :ivar sources: addresses that servers see, one after the other.
    :ivar every: rebinds by itself so often; ``None``: when it is told to.
    :ivar mode: what becomes of existing flows; see idle_firewall.
    """

    sources: tuple[str, ...] = words(("127.0.0.2", "127.0.0.3", "127.0.0.4"))
    every: float | None = duration(None)
    mode: str = choice(MODES, "drop")


class Nat(ForgettingDevice):
    """:meth:`rebind` is what it is for."""

    Settings: ClassVar[type] = NatSettings

    def __init__(self, *arguments: Any, **more: Any) -> None:
        self._turn = 0
        self._timer: Any = None
        super().__init__(*arguments, **more)

    def start(self) -> int:
        port = super().start()
        self._wind()
        return port

    def stop(self) -> Any:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        return super().stop()

    def _wind(self) -> None:
        if self.settings.every is not None:
            self._timer = self.reactor.callLater(self.settings.every, self._again)

    def _again(self) -> None:
        self._wind()
        self.rebind()

    def rebind(self) -> None:
        """Forget all flows and take the next address."""
        self._turn += 1
        self.say("fault", "rebinds", detail=f"clients are now {self._address}")
        for flow in list(self.flows):
            self.forget(flow, self.settings.mode)

    @property
    def _address(self) -> str:
        sources: tuple[str, ...] = self.settings.sources
        return sources[self._turn % len(sources)]

    def source(self, flow: Flow) -> str | None:
        return self._address
