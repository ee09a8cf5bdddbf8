"""buffering_proxy: a proxy that sends an answer on when it has all of it, or its buffer is full."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

from attrs import frozen

from mapiproxy.lab.network.device import Device
from mapiproxy.lab.network.faults.buffer_until_complete import BufferUntilComplete
from mapiproxy.lab.network.reading import size
from mapiproxy.lab.network.rule import Rule, rule


@frozen
class BufferingProxySettings:
    """*size*: bytes that its buffer holds."""

    size: int = size(64 * 1024)


class BufferingProxy(Device):
    """PROCESSING and PENDING come when it is too late."""

    Settings: ClassVar[type] = BufferingProxySettings
    needs_plaintext = True

    def own_rules(self) -> Iterable[Rule | Mapping[str, Any]]:
        return (rule(BufferUntilComplete(self.settings.size)),)
