"""What all client connections of a service share; made by the service, handed to each relay."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from attrs import define, field
from twisted.logger import Logger

from mapiproxy.backends.fleet import Backend
from mapiproxy.exchange.exchange import Exchange
from mapiproxy.net.dialer import Dialer
from mapiproxy.policy.illness import Blame
from mapiproxy.policy.rules import Rules
from mapiproxy.record.ledger import Ledger
from mapiproxy.wire.heads import RequestHead, ResponseHead

#: Hears ``request``, ``answer`` (with its head) and ``end`` of an exchange.
Tracer = Callable[[str, Exchange, ResponseHead | None], None]


def _no_judge(backend: Backend, blame: Blame | None) -> None:
    """Where nobody wants to know."""


@define(eq=False)
class House:
    """The surroundings of a relay.

    :ivar clock: seconds that never go back.
    :ivar open_ledger: makes the ledger of a request whose head has just come (``None`` when it could not
        be read), given the time, the head, and the client's address and port.
    :ivar judge: hears of each exchange what its backend did wrong, or ``None`` for nothing.
    :ivar waits: relays in which a NotificationWait is open, by session.
    :ivar tracer: told of each exchange's beginning, answer and end while somebody watches; else ``None``.
    :ivar record: takes each ledger when its exchange is over.
    """

    rules: Rules
    dialer: Dialer
    clock: Callable[[], float]
    open_ledger: Callable[[float, RequestHead | None, str, int], Ledger]
    record: Callable[[Ledger], None]
    log: Logger
    judge: Callable[[Backend, Blame | None], None] = _no_judge
    waits: dict[bytes, set[Any]] = field(factory=dict)
    tracer: Tracer | None = None
