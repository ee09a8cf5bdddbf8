"""A real reactor on which time passes faster for the lab: an hour of a laptop's sleep in a minute or two.

For products that are not ours and run as processes of their own: they live in real time, so their time limits
are divided by the same number. Bytes are not made faster, so only durations of seconds and more compare.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.internet.interfaces import IConnector, IDelayedCall
from zope.interface import directlyProvides, implementer, providedBy


@implementer(IDelayedCall)
class _Call:
    """A delayed call, in the lab's time."""

    def __init__(self, call: IDelayedCall, reactor: FasterReactor) -> None:
        self._call = call
        self._reactor = reactor

    def getTime(self) -> float:
        return self._reactor.lab_time(self._call.getTime())

    def cancel(self) -> None:
        self._call.cancel()

    def delay(self, secondsLater: float) -> None:
        self._call.delay(secondsLater / self._reactor.speed)

    def reset(self, secondsFromNow: float) -> None:
        self._call.reset(secondsFromNow / self._reactor.speed)

    def active(self) -> bool:
        return bool(self._call.active())


class FasterReactor:
    """The reactor; whatever is not about time is the real one's.

    :param speed: seconds of the lab in a real one.
    """

    def __init__(self, reactor: Any, speed: float) -> None:
        if speed <= 0:
            raise ValueError(f"time cannot pass {speed} times as fast")
        self.speed = speed
        self._reactor = reactor
        self._began = float(reactor.seconds())
        directlyProvides(self, providedBy(reactor))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._reactor, name)

    def lab_time(self, real: float) -> float:
        """A real moment in the lab's time; both are the same when this reactor is made."""
        return self._began + (real - self._began) * self.speed

    def seconds(self) -> float:
        """The lab's time."""
        return self.lab_time(self._reactor.seconds())

    def callLater(self, delay: float, callable: Callable[..., object], *args: Any, **kw: Any) -> IDelayedCall:
        """As IReactorTime.callLater, *delay* in the lab's seconds."""
        return _Call(self._reactor.callLater(delay / self.speed, callable, *args, **kw), self)

    def connectTCP(
        self, host: str, port: int, factory: Any, timeout: float = 30.0, bindAddress: Any = None
    ) -> IConnector:
        """As IReactorTCP.connectTCP, *timeout* in the lab's seconds."""
        # Below a second of real time a busy machine would be taken for a dead one.
        real = max(1.0, timeout / self.speed)
        connector: IConnector = self._reactor.connectTCP(host, port, factory, real, bindAddress)
        return connector
