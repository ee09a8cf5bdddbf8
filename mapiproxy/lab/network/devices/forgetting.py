"""What devices with a table of flows have in common: they can forget one.

A program cannot make the kernel forget a connection. So the sockets of a forgotten flow stay open, and what
comes from them is thrown away or answered with a reset. What is thrown away has been acknowledged by our
kernel, so the sender's TCP never gives up by itself, as it would after retransmitting in vain.
"""

from __future__ import annotations

from mapiproxy.lab.network.device import Device
from mapiproxy.lab.network.flow import Flow
from mapiproxy.lab.network.pieces import Cut

MODES = ("drop", "rst", "rst_both")


class ForgettingDevice(Device):
    """Keeps for each flow when it was seen last, and whether it is still known."""

    def passes(self, flow: Flow, to_server: bool) -> bool:
        if not flow.forgotten:
            flow.last_seen = self.reactor.seconds()
            return True
        if flow.forgotten == "rst":
            flow.cut(Cut("reset", "client" if to_server else "server"))
        return False

    def forget(self, flow: Flow, mode: str) -> None:
        """The flow is no longer in the table."""
        if flow.forgotten:
            return
        flow.forgotten = mode
        self.counters.forgotten += 1
        self.say("fault", "forgets", detail=f"connection {flow.number} ({mode})")
        if mode == "rst_both":
            flow.cut(Cut("reset"))
        else:
            # What was under way inside the device is lost with it.
            flow.up.close()
            flow.down.close()
