"""The pages: what each shows, asked of the proxy when somebody looks.

A page costs what its orders cost, on the loop that carries requests: how often a browser asks again depends
on how long the last answer took. Must not know tokens or HTTP's rules, which are looked at before.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import Any

from mapiproxy.admin.courses import plots_of
from mapiproxy.admin.deeds import DEEDS, BadForm, Deed, order_of, told
from mapiproxy.admin.figures import AGAIN, builds_of, ours_of, rows_of, warnings_of
from mapiproxy.admin.gate import Gate, Note, Visitor
from mapiproxy.admin.listing import STATES, Filters, Pages
from mapiproxy.admin.message import Answer, Asked, say, see
from mapiproxy.admin.plot import draw
from mapiproxy.admin.rendering import render
from mapiproxy.admin.views import View

Plain = dict[str, Any]
HTML = "text/html; charset=utf-8"

#: Seconds between refreshes at least and at most, and the share of our time that one browser may take.
FAST, SLOW, SHARE = 2.0, 60.0, 0.05
#: Results of orders that can still be looked at.
_MOST_RESULTS = 64
_NO_CERTIFICATES: Plain = {"listeners": {}, "servers": {}, "drift": [], "renewed": 0}
_THEMES = ("", "light", "dark")


class StatusPages:
    """What people see and send.

    :param answer: from an order to its reply, as on the control socket.
    :param clock: of this process, to know how long a page took.
    """

    def __init__(
        self,
        answer: Callable[[Plain], Plain],
        gate: Gate,
        clock: Callable[[], float],
        chance: Callable[[int], bytes],
        note: Note,
        metrics: bool = False,
    ) -> None:
        self._ask = answer
        self._gate = gate
        self._clock = clock
        self._chance = chance
        self._note = note
        self._metrics = metrics
        self._results: OrderedDict[str, tuple[str, bool, list[str], str]] = OrderedDict()
        self.seen: Mapping[str, View] = {
            "/": self._overview,
            "/sessions": self._sessions,
            "/fragment/overview": self._overview,
            "/fragment/plots": self._plots,
            "/fragment/sessions": self._sessions,
            "/order": self._confirm,
            "/result": self._result,
            "/login": self._login,
        }
        self.done: Mapping[str, View] = {
            "/order": self._carry_out,
            "/login": self._log_in,
            "/logout": self._log_out,
            "/theme": self._set_theme,
        }
        self.open = frozenset(("/login", "/logout", "/theme"))

    def failed(self, asked: Asked, status: int, text: str) -> Answer:
        """What to answer when there is nothing."""
        if asked.path.startswith(("/api/", "/fragment/")):
            return say(status, text)
        stranger = self._gate.stranger(asked)
        return self._page(asked, "error.html", stranger, code=status, status=status, text=text)

    # To look at.

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
        try:
            filters = Filters.read(asked.fields())
        except ValueError as error:
            return self.failed(asked, 400, str(error))
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
        return self._page(asked, whole, visitor, live=True, every=every, **values)

    # To order.

    def _confirm(self, asked: Asked, visitor: Visitor) -> Answer:
        try:
            fields = asked.fields()
        except ValueError as error:
            return self.failed(asked, 400, str(error))
        return self._form(asked, visitor, fields, None)

    def _form(
        self, asked: Asked, visitor: Visitor, fields: Mapping[str, str], problem: str | None
    ) -> Answer:
        deed = DEEDS.get(fields.get("do", ""))
        if deed is None:
            return self.failed(asked, 404, "There is no such order.")
        if self._gate.keys.read_only:
            return self.failed(asked, 403, "This page is read only.")
        about, filled = self._about(deed, fields)
        if deed.asks is not None:
            filled = fields.get(deed.asks[0], filled)
        hidden = {name: fields[name] for name in ("pool", "server", "session") if fields.get(name)}
        name = fields.get(deed.target, "")[:100] if deed.target else ""
        return self._page(
            asked, "order.html", visitor, code=200 if problem is None else 400, deed=deed, name=name,
            about=about, hidden=hidden, filled=filled, problem=problem, away=_away(deed),
        )  # fmt: skip

    def _about(self, deed: Deed, fields: Mapping[str, str]) -> tuple[list[str], str]:
        """What it would hit, in lines, and what to fill in at first."""
        if deed.target != "server":
            return [], ""
        for at in self._must({"command": "servers"})["servers"]:
            if at["name"] == fields.get("server") and fields.get("pool") in (None, "", at["pool"]):
                up = "UP" if at["up"] else "DOWN"
                said = f"Now: {at['admin']}, {up}, weight {at['weight']}; {at['safe_text']}."
                return [said], str(at["weight"]) if deed.command == "weight" else ""
        return ["It is not among the servers that are there now."], ""

    def _carry_out(self, asked: Asked, visitor: Visitor) -> Answer:
        fields = asked.form()
        deed = DEEDS.get(fields.get("do", ""))
        if self._gate.keys.read_only:
            return self.failed(asked, 403, "This page is read only.")
        if deed is None:
            return self.failed(asked, 404, "There is no such order.")
        try:
            order = order_of(deed, fields)
        except BadForm as error:
            return self._form(asked, visitor, fields, str(error))
        reply = self._ask(order)
        what = " ".join(f"{key}={value}" for key, value in order.items() if key != "command")
        end = "done" if reply.get("ok") else f"refused: {reply.get('error')}"
        self._note(f"{deed.command} {what} by {visitor.name}: {end}".replace("  ", " "))
        number = self._chance(12).hex()
        title = f"{deed.title}: {fields[deed.target][:100]}" if deed.target else deed.title
        self._results[number] = (title, bool(reply.get("ok")), told(deed, reply), _away(deed))
        while len(self._results) > _MOST_RESULTS:
            self._results.popitem(last=False)
        # Loading the page that follows again does nothing again.
        return see(f"/result?id={number}")

    def _result(self, asked: Asked, visitor: Visitor) -> Answer:
        found = self._results.get(asked.fields().get("id", ""))
        if found is None:
            return self.failed(asked, 404, "That result is not kept any more.")
        title, ok, lines, away = found
        return self._page(asked, "result.html", visitor, title=title, ok=ok, lines=lines, away=away)

    # Log-in and looks.

    def _login(self, asked: Asked, visitor: Visitor) -> Answer:
        if not self._gate.keys.tokens:
            return see("/")
        to = _inside(asked.fields().get("to", "/"))
        return self._page(asked, "login.html", visitor, to=to, problem=None, outside=True)

    def _log_in(self, asked: Asked, visitor: Visitor) -> Answer:
        form = asked.form()
        to = _inside(form.get("to", "/"))
        found = self._gate.log_in(asked, form.get("token", ""))
        if isinstance(found, Answer):
            problem = "That is not a token." if found.status == 401 else found.body.decode().strip()
            page = self._page(
                asked, "login.html", visitor, code=found.status, to=to, problem=problem, outside=True
            )
            return Answer(page.status, page.body, page.kind, found.headers)
        return see(to, self._gate.cookie(asked, found))

    def _log_out(self, asked: Asked, visitor: Visitor) -> Answer:
        self._gate.log_out(asked)
        return see("/login")

    def _set_theme(self, asked: Asked, visitor: Visitor) -> Answer:
        form = asked.form()
        theme = form.get("theme", "")
        if theme not in _THEMES:
            return self.failed(asked, 400, "There are no such colours.")
        age = 366 * 86400 if theme else 0
        secure = "; Secure" if asked.secure else ""
        cookie = f"theme={theme}; Path=/; Max-Age={age}; HttpOnly; SameSite=Strict{secure}"
        return see(_inside(form.get("to", "/")), ("Set-Cookie", cookie))

    def _page(
        self,
        asked: Asked,
        template: str,
        visitor: Visitor,
        *,
        code: int = 200,
        outside: bool = False,
        **values: Any,
    ) -> Answer:
        theme = asked.cookie("theme")
        back = asked.path + (f"?{asked.query}" if asked.query else "")
        common = {
            "theme": theme if theme in _THEMES else "",
            "back": back if asked.method in ("GET", "HEAD") else "/",
            "key": self._gate.form_key(visitor),
            "inside": not outside,
            "asks": bool(self._gate.keys.tokens),
            "read_only": self._gate.keys.read_only,
        }
        return Answer(code, render(template, **common, **values), HTML)

    def _must(self, order: Plain) -> Plain:
        """The reply to an order that cannot be refused."""
        reply = self._ask(order)
        if not reply.get("ok"):
            raise RuntimeError(f"{order['command']} was refused: {reply.get('error')}")
        return reply

    def _statistics(self) -> Plain | None:
        reply = self._ask({"command": "statistics"})
        return reply if reply.get("ok") else None


def _away(deed: Deed) -> str:
    return "/sessions" if deed.target == "session" else "/"


def _inside(place: str) -> str:
    """A path of ours, whatever somebody wrote into a link."""
    plain = place.isascii() and place.isprintable() and "\\" not in place
    known = place.partition("?")[0] in ("/", "/sessions", "/order", "/login")
    return place if plain and known else "/"

