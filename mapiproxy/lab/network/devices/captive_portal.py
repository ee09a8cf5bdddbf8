"""captive_portal: an airport's network, which answers everything with a redirect until one has logged in."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

from attrs import frozen

from mapiproxy.lab.network.device import Device
from mapiproxy.lab.network.faults.http_status import HttpStatus
from mapiproxy.lab.network.pieces import Exchange
from mapiproxy.lab.network.reading import line
from mapiproxy.lab.network.rule import Rule, rule
from mapiproxy.mapi.reading import read_target


@frozen
class CaptivePortalSettings:
    """What it is set to.

    :ivar location: where it sends people.
    :ivar log_in_path: whoever asks for this path has logged in, for everybody; empty: there is no such path.
    """

    location: str = line("http://portal.lab.test/log-in")
    log_in_path: str = line("/captive-portal/log-in")


class CaptivePortal(Device):
    """302 for every request until :meth:`log_in`."""

    Settings: ClassVar[type] = CaptivePortalSettings
    needs_plaintext = True

    def own_rules(self) -> Iterable[Rule | Mapping[str, Any]]:
        return (rule(HttpStatus(302, self.settings.location), name="portal"),)

    def log_in(self) -> None:
        """Let everybody through."""
        if self.remove("portal"):
            self.say("state", "logged in")

    def asked(self, exchange: Exchange) -> None:
        path = self.settings.log_in_path
        if path and read_target(exchange.head.target).path == path:
            # This one request still gets the redirect, as portals do.
            self.reactor.callLater(0, self.log_in)
