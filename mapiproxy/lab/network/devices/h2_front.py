"""h2_front: a front that speaks HTTP/2, where Windows authentication needs HTTP/1.1.

Offers h2 in ALPN. A client that takes it gets HTTP_1_1_REQUIRED for each request (RFC 9113 7), as IIS answers
where a connection has to be authenticated; one that speaks HTTP/1.1 is passed on.
"""

from __future__ import annotations

from typing import Any, ClassVar

from attrs import evolve, frozen

from mapiproxy.lab.network.device import Device
from mapiproxy.lab.network.devices.h2_refusing import Refuser
from mapiproxy.lab.network.flow import Flow
from mapiproxy.lab.network.reading import BadRule, choice
from mapiproxy.lab.network.side import Side


@frozen
class H2FrontSettings:
    """*refuse*: ``stream``, with RST_STREAM, or ``connection``, with GOAWAY."""

    refuse: str = choice(("stream", "connection"), "stream")


class H2Front(Device):
    """Needs to end TLS: h2 is agreed on in ALPN."""

    Settings: ClassVar[type] = H2FrontSettings

    def __init__(self, *arguments: Any, **more: Any) -> None:
        super().__init__(*arguments, **more)
        if self.termination is None:
            raise BadRule(f"{self.name}: h2 is agreed on in TLS, so this device has to end it")
        self.termination = evolve(self.termination, offers=[b"h2", b"http/1.1"])

    def client_side(self, flow: Flow) -> Side:
        return _EitherSide(flow, self)

    def refuses(self, flow: Flow) -> None:
        """A request over h2 has been refused."""
        name = "http_1_1_required"
        self.counters.injected[name] = self.counters.injected.get(name, 0) + 1
        self.say("fault", name, detail=f"connection {flow.number}: {self.settings.refuse}")


class _EitherSide(Side):
    """Speaks h2 itself and hands HTTP/1.1 on."""

    def __init__(self, flow: Flow, device: H2Front) -> None:
        super().__init__(flow, tls=True)
        self._flow = flow
        self._device = device
        self._refuser: Refuser | None = None

    def dataReceived(self, data: bytes) -> None:
        transport: Any = self.transport
        if self._refuser is None and transport.negotiatedProtocol == b"h2":
            self._refuser = Refuser(self._device.settings.refuse == "connection")
        if self._refuser is None:
            super().dataReceived(data)
            return
        self.spoke = True
        self.write(self._refuser.hear(data))
        while self._refuser.refused:
            self._refuser.refused -= 1
            self._device.refuses(self._flow)
        if self._refuser.over:
            self.close()
