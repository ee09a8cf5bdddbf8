"""The control channel's commands: a JSON object in, a JSON object out, whatever was asked."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mapiproxy.backends.fleet import Admin, Backend
from mapiproxy.backends.sessions import State
from mapiproxy.record.telling import tell
from mapiproxy.service import view
from mapiproxy.service.listing import Wanted, sessions
from mapiproxy.service.reloading import CannotReload, reload
from mapiproxy.settings import read_settings

if TYPE_CHECKING:
    from mapiproxy.service.service import ProxyService
    from mapiproxy.service.site import Site

Plain = dict[str, Any]

#: Seconds that a drain may last at most.
YEAR = 366 * 86400


class BadOrder(Exception):
    """An order that cannot be carried out; says why, for the person who gave it."""

    def __init__(self, text: str, problems: list[str] | None = None) -> None:
        super().__init__(text)
        self.problems = problems


class Orders:
    """Answers orders for one service."""

    def __init__(self, service: ProxyService) -> None:
        self._service = service
        self._known: dict[str, Callable[[Plain], Plain]] = {
            "status": self._status,
            "servers": self._servers,
            "sessions": self._sessions,
            "statistics": self._statistics,
            "metrics": self._metrics,
            "ready": lambda order: self._admin(order, Admin.READY),
            "drain": lambda order: self._admin(order, Admin.DRAIN),
            "maint": lambda order: self._admin(order, Admin.MAINT),
            "weight": self._weight,
            "kill": self._kill,
            "trace": self._trace,
            "reload": self._reload,
        }

    def answer(self, order: Plain) -> Plain:
        """The reply: with ``ok``, and with ``error`` where that is false."""
        command = order.get("command")
        act = self._known.get(command) if isinstance(command, str) else None
        try:
            if act is None:
                raise BadOrder(f"unknown command {command!r}; known: {', '.join(self._known)}")
            return {"ok": True, **act(order)}
        except BadOrder as bad:
            reply: Plain = {"ok": False, "error": str(bad)}
            if bad.problems is not None:
                reply["problems"] = bad.problems
            return reply

    def reload(self) -> Plain:
        """Read the file again, as on SIGHUP. :raise BadOrder: the old settings stay in effect."""
        service = self._service
        if service.file is None:
            raise BadOrder("there is no file to read again")
        try:
            reply = self._reload_from(service.file)
        except BadOrder:
            service.reloads.note(False, service.wall())
            raise
        service.reloads.note(True, service.wall())
        return reply

    def _reload_from(self, file: Path) -> Plain:
        service = self._service
        reading = read_settings(file)
        problems = [str(problem) for problem in reading.problems.in_order()]
        refused = "the file was refused; the old configuration keeps running"
        if reading.settings is None:
            service.log.warn("reload: {refused}: {problems}", refused=refused, problems="; ".join(problems))
            raise BadOrder(refused, problems)
        try:
            changes = reload(service, reading.settings)
        except CannotReload as error:
            service.log.warn("reload: {refused}: {error}", refused=refused, error=error)
            raise BadOrder(f"{refused}: {error}", problems) from error
        for line in changes:
            service.log.info("reload: {line}", line=line)
        return {"generation": service.generation, "changes": changes, "problems": problems}

    def _status(self, order: Plain) -> Plain:
        return view.status(self._service, self._service.clock())

    def _servers(self, order: Plain) -> Plain:
        return {"servers": view.servers(self._service, self._service.clock())}

    def _sessions(self, order: Plain) -> Plain:
        return sessions(
            self._service,
            self._service.clock(),
            Wanted(
                _text(order, "mailbox"), _text(order, "server"), _text(order, "client"), _state(order)
            ),
            limit=_whole(order, "limit", 50, 100_000),
            offset=_whole(order, "offset", 0, 10_000_000),
        )

    def _statistics(self, order: Plain) -> Plain:
        service = self._service
        servers = [(name, each.name) for name, site in service.sites.items() for each in site.group.servers]
        return tell(service.statistics, service.clock(), service.wall(), servers)

    def _metrics(self, order: Plain) -> Plain:
        content_type, body = self._service.metrics(_text(order, "accept") or "")
        return {"content_type": content_type, "text": body.decode("utf-8")}

    def _admin(self, order: Plain, admin: Admin) -> Plain:
        site, backend = self._find(order)
        deadline = order.get("deadline")
        until = None
        if admin is Admin.DRAIN and deadline is not None:
            # No comparison is true for NaN; what is like infinity no page could write down.
            if type(deadline) not in (int, float) or not 0 <= deadline <= YEAR:
                raise BadOrder("deadline must be seconds")
            until = self._service.clock() + deadline
        site.set_admin(backend, admin, until)
        return self._server(site, backend)

    def _weight(self, order: Plain) -> Plain:
        site, backend = self._find(order)
        site.set_weight(backend, _whole(order, "weight", None, 1000))
        return self._server(site, backend)

    def _server(self, site: Site, backend: Backend) -> Plain:
        return {"server": view.server(self._service, site, backend, self._service.clock())}

    def _find(self, order: Plain) -> tuple[Site, Backend]:
        name, pool = _text(order, "server"), _text(order, "pool")
        if name is None:
            raise BadOrder("which server?")
        sites = self._service.sites.values()
        found = [
            (site, backend)
            for site in sites
            for backend in site.pool.backends
            if backend.name.lower() == name.lower() and pool in (None, site.pool.name)
        ]
        if len(found) == 1:
            return found[0]
        if found:
            pools = ", ".join(site.pool.name for site, _ in found)
            raise BadOrder(f"there is a server {name} in more than one pool: {pools}; name one with --pool")
        known = ", ".join(b.name for site in sites for b in site.pool.backends)
        where = f" in pool {pool}" if pool else ""
        raise BadOrder(f"there is no server {name}{where}; there are: {known}")

    def _kill(self, order: Plain) -> Plain:
        """End a session: its calls are cut, and its next one is told that it is gone (code 10)."""
        start = _text(order, "session")
        if start is None or len(start) < 4:
            raise BadOrder("which session? give at least four characters of its id")
        found = [s for site in self._service.sites.values() for s in site.sessions.find_id(start)]
        if not found:
            raise BadOrder(f"there is no session {start}")
        if len(found) > 1:
            raise BadOrder(f"{len(found)} sessions begin with {start}; give more of the id")
        session = found[0]
        session.state = State.KILLED
        relays = self._service.relays()
        cut = [r for r in relays if r.exchange is not None and r.exchange.session is session]
        for relay in cut:
            relay.session_over("the session was ended by an operator")
        self._service.log.warn("session {id} killed, {cut} calls cut", id=session.id, cut=len(cut))
        return {"session": session.id, "cut": len(cut)}

    def _trace(self, order: Plain) -> Plain:
        """What happened to some requests since the last time this was asked (service/tracing.py)."""
        who, number = _text(order, "who"), _whole(order, "trace", 0, 2**31)
        if not number and (who is None or len(who) < 3):
            raise BadOrder("whom? give at least three characters of a session's id, a mailbox or a user")
        try:
            return self._service.tracing.answer(number, who or "", _whole(order, "after", 0, 2**31))
        except LookupError as error:
            raise BadOrder(str(error.args[0])) from None

    def _reload(self, order: Plain) -> Plain:
        return self.reload()


def _state(order: Plain) -> str | None:
    state = _text(order, "state")
    if state not in (None, "active", "waiting", "idle"):
        raise BadOrder("state must be active, waiting or idle")
    return state


def _text(order: Plain, key: str) -> str | None:
    value = order.get(key)
    if value is not None and not isinstance(value, str):
        raise BadOrder(f"{key} must be text")
    return value


def _whole(order: Plain, key: str, default: int | None, most: int) -> int:
    value = order.get(key, default)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= most:
        raise BadOrder(f"{key} must be a whole number from 0 to {most}")
    return value
