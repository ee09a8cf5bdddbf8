"""An answer that takes time, as a value: what to send at once, what now and then, what at the end.

The core makes one; whoever has a clock and a transport plays it. So a five-minute wait is tested
without either.
"""

from __future__ import annotations

from collections.abc import Callable

from attrs import define, field


@define(eq=False)
class Streaming:
    """One long answer.

    :ivar first: bytes to send at once (may be empty: grommunio says nothing before an Execute
        ends).
    :ivar pulse: bytes to send every *period* seconds; empty for none.
    :ivar lasts: seconds after which it ends by itself.
    :ivar finish: gives the last bytes; to be called exactly once, with the time.
    :ivar survives: whether the server goes on when the client's connection is lost (an Execute
        does).
    :ivar holds_until_pulse: whether a lost connection is noticed only at the next pulse
        (grommunio).
    :ivar wake: set by the player; the core calls it when an event ends the wait early.
    """

    first: bytes = field(repr=False)
    pulse: bytes = field(repr=False)
    period: float
    lasts: float
    finish: Callable[[float], bytes]
    survives: bool = False
    holds_until_pulse: bool = False
    wake: Callable[[], None] | None = None
