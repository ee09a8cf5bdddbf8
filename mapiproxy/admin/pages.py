"""The overview and the sessions: what each shows, asked of the proxy when somebody looks.

A page costs what its orders cost, on the loop that carries requests: how often a browser asks again depends
on how long the last answer took. Must not know tokens or HTTP's rules, which are looked at before.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from mapiproxy.admin.courses import plots_of
from mapiproxy.admin.figures import AGAIN, builds_of, ours_of, rows_of, warnings_of
from mapiproxy.admin.frame import HTML, Frame
from mapiproxy.admin.gate import Gate, Visitor
from mapiproxy.admin.listing import STATES, Filters, Pages
from mapiproxy.admin.message import Answer, Asked
from mapiproxy.admin.plot import draw
from mapiproxy.admin.rendering import render
from mapiproxy.admin.views import View

Plain = dict[str, Any]

#: Seconds between refreshes at least and at most, and the share of our time that one browser may take.
FAST, SLOW, SHARE = 2.0, 60.0, 0.05
_NO_CERTIFICATES: Plain = {"listeners": {}, "servers": {}, "drift": [], "renewed": 0}


class StatusPages:
    """What people look at.

    :param answer: from an order to its reply, as on the control socket.
    :param clock: of this process, to know how long a page took.
    """

    def __init__(
        self,
        answer: Callable[[Plain], Plain],
        gate: Gate,
        frame: Frame,
        clock: Callable[[], float],
        metrics: bool = False,
    ) -> None:
        self._ask = answer
        self._gate = gate
        self._frame = frame
        self._clock = clock
        self._metrics = metrics
        self.seen: Mapping[str, View] = {
            "/": self._overview,
            "/sessions": self._sessions,
            "/fragment/overview": self._overview,
            "/fragment/plots": self._plots,
            "/fragment/sessions": self._sessions,
        }
        self.done: Mapping[str, View] = {}

    def _overview(self, asked: Asked, visitor: Visitor) -> Answer:
        began = self._clock()
        status = self._must({"command": "status"})
        servers = self._must({"command": "servers"})["servers"]
        statistics = self._statistics()
        builds, more = builds_of(statistics)
        plots = [(plot, draw(plot)) for plot in plots_of(statistics)] if asked.path == "/" else ()
        return self._live(
            asked,
            visitor,
            ("overview.html", "_overview.html"),
            began,
            here="overview",
            status=status,
            rows=rows_of(servers, status, statistics),
            answered={pool["name"]: ours_of(pool["name"], statistics) for pool in status["pools"]},
            vdirs=(statistics or {}).get("vdirs") or {},
            certificates=_NO_CERTIFICATES | (status.get("certificates") or {}),
            warnings=warnings_of(status, servers),
            again=AGAIN,
            builds=builds,
            more_builds=more,
            plots=plots,
            metrics=self._metrics,
        )

    def _plots(self, asked: Asked, visitor: Visitor) -> Answer:
        plots = [(plot, draw(plot)) for plot in plots_of(self._statistics())]
        return Answer(200, render("_plots.html", plots=plots), HTML)

    def _sessions(self, asked: Asked, visitor: Visitor) -> Answer:
        began = self._clock()
        filters = Filters.read(asked.fields())
        reply = self._ask(filters.order())
        page = Pages(filters.page, reply.get("total", 0))
        if page.page > page.last:
            filters = Filters.read({**asked.fields(), "page": str(page.last)})
            reply = self._ask(filters.order())
            page = Pages(filters.page, reply.get("total", 0))
        names: list[str] = []
        if asked.path == "/sessions":
            vdirs = [vdir for pool in self._must({"command": "status"})["pools"] for vdir in pool["vdirs"]]
            names = sorted({name for vdir in vdirs for name in (*vdir["up"], *vdir["down"])}, key=str.lower)
        return self._live(
            asked,
            visitor,
            ("sessions.html", "_sessions.html"),
            began,
            here="sessions",
            filters=filters,
            states=STATES,
            names=names,
            pages=page,
            error=reply.get("error"),
            sessions=reply.get("sessions") or (),
        )

    def _live(
        self, asked: Asked, visitor: Visitor, templates: tuple[str, str], began: float, **values: Any
    ) -> Answer:
        """A page, or only that part of it that changes; and when to ask for that again."""
        whole, part = templates
        every = f"{FAST:g}"
        if asked.path.startswith("/fragment/"):
            body = render(part, read_only=self._gate.keys.read_only, **values)
            every = f"{min(SLOW, max(FAST, (self._clock() - began) / SHARE)):.1f}"
            return Answer(200, body, HTML, (("X-Every", every),))
        return self._frame.page(asked, whole, visitor, live=True, every=every, **values)

    def _must(self, order: Plain) -> Plain:
        """The reply to an order that cannot be refused."""
        reply = self._ask(order)
        if not reply.get("ok"):
            raise RuntimeError(f"{order['command']} was refused: {reply.get('error')}")
        return reply

    def _statistics(self) -> Plain | None:
        reply = self._ask({"command": "statistics"})
        return reply if reply.get("ok") else None
