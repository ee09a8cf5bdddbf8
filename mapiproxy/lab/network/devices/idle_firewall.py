"""idle_firewall: a firewall with a table of connections, which forgets those that are silent for too long."""

from __future__ import annotations

from typing import Any, ClassVar

from attrs import frozen

from mapiproxy.lab.network.devices.forgetting import MODES, ForgettingDevice
from mapiproxy.lab.network.flow import Flow
from mapiproxy.lab.network.reading import choice, duration


@frozen
class IdleFirewallSettings:
    """What it is set to.

    :ivar timeout: seconds without a byte in either direction.
    :ivar mode: ``drop``: later bytes vanish; ``rst``: whoever sends them is reset; ``rst_both``: both ends
        are reset at once.
    :ivar keep_alive: the ends send TCP keep-alives so often, and the firewall counts them; without it they
        are not counted, for a program does not see them.
    """

    timeout: float = duration()
    mode: str = choice(MODES, "drop")
    keep_alive: float | None = duration(None)


class IdleFirewall(ForgettingDevice):
    """One timer for each flow, set anew only when it fires."""

    Settings: ClassVar[type] = IdleFirewallSettings

    def __init__(self, *arguments: Any, **more: Any) -> None:
        self._timers: dict[Flow, Any] = {}
        super().__init__(*arguments, **more)

    def flow_began(self, flow: Flow) -> None:
        super().flow_began(flow)
        settings = self.settings
        if settings.keep_alive is None or settings.keep_alive >= settings.timeout:
            self._timers[flow] = self.reactor.callLater(settings.timeout, self._look, flow)

    def _look(self, flow: Flow) -> None:
        del self._timers[flow]
        left = flow.last_seen + self.settings.timeout - self.reactor.seconds()
        if left > 1e-9:
            self._timers[flow] = self.reactor.callLater(left, self._look, flow)
        else:
            self.forget(flow, self.settings.mode)

    def flow_over(self, flow: Flow) -> None:
        timer = self._timers.pop(flow, None)
        if timer is not None:
            timer.cancel()
        super().flow_over(flow)
