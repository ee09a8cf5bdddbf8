"""Other settings for a service that runs: all of them, or none and a reason (complaint 44).

What can fail is done first, beside what runs: certificates and keys are read, new addresses bound. Only
then is anything switched. Listeners, connections, sessions and health that can stay, stay.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import define, field
from twisted.internet.error import CannotListenError

from mapiproxy.net.certificates import BadCertificate
from mapiproxy.net.tls import ListenerCreator
from mapiproxy.service.administering import Prepared
from mapiproxy.service.assembly import make_creator, make_endpoints, make_log, read_route_keys
from mapiproxy.service.front import Front, make_front
from mapiproxy.service.site import Site
from mapiproxy.settings import Bind, Settings

if TYPE_CHECKING:
    from mapiproxy.service.service import ProxyService


class CannotReload(Exception):
    """The new settings cannot be used; the old ones are still in effect."""


@define
class Reloads:
    """How reloads went.

    :ivar ok: the last one; ``None``: there was none.
    :ivar at: when it was, in seconds since 1970.
    """

    good: int = 0
    bad: int = 0
    ok: bool | None = None
    at: float = 0.0

    def note(self, ok: bool, wall: float) -> None:
        """One is over."""
        self.ok, self.at = ok, wall
        self.good += ok
        self.bad += not ok


@define
class _Plan:
    """What has been prepared, and has to be undone when the rest fails."""

    sites: dict[str, Site] = field(factory=dict)
    fronts: dict[str, Front] = field(factory=dict)
    creators: dict[str, ListenerCreator | None] = field(factory=dict)
    bound: list[tuple[Front, Bind]] = field(factory=list)
    page: Prepared | None = None


def reload(service: ProxyService, settings: Settings) -> list[str]:
    """Obey *settings* from now on.

    :return: what changed, in words.
    :raise CannotReload: nothing has been changed.
    """
    plan = _Plan()
    try:
        _prepare(service, settings, plan)
    except (CannotListenError, BadCertificate, OSError, CannotReload) as error:
        for front, bind in plan.bound:
            front.unbind([bind])
        raise CannotReload(str(error)) from error
    said = _switch(service, settings, plan)
    service.settings = settings
    service.generation += 1
    service.loaded_at = service.wall()
    return said


def _prepare(service: ProxyService, settings: Settings, plan: _Plan) -> None:
    read_route_keys(settings.affinity)
    if settings.lab.enabled != service.settings.lab.enabled:
        # With this key turned the next start would want the other one.
        raise CannotReload("[lab] enabled is read at the start only, together with --lab")
    for group in settings.backends:
        site = service.sites.get(group.name)
        if site is None:
            plan.sites[group.name] = service.make_site(group, settings)
        elif site.group.kind is not group.kind:
            raise CannotReload(f"the kind of backend {group.name} cannot be changed while it runs")
        else:
            make_endpoints(group, service.reactor)
    sites = {**service.sites, **plan.sites}
    # One listener's address may become another's only when it is free.
    for listener in settings.listeners:
        front = service.fronts.get(listener.name)
        if front is not None and front.is_alike(listener):
            plan.creators[listener.name] = make_creator(listener.tls)
            binds = [bind for bind in listener.bind if bind not in front.ports]
        else:
            if front is not None and set(front.ports) & set(listener.bind):
                raise CannotReload(
                    f"listener {listener.name}: backend, tls, proxy_protocol cannot be changed while it runs"
                )
            front = plan.fronts[listener.name] = make_front(listener, sites[listener.backend], settings)
            binds = [*listener.bind]
        for bind in binds:
            front.bind([bind], service.reactor, service.log)
            plan.bound.append((front, bind))
    # The last that can fail, so there is nothing to undo of it.
    plan.page = service.administration.prepare(settings.admin)


def _switch(service: ProxyService, settings: Settings, plan: _Plan) -> list[str]:
    said = [f"backend {name} added" for name in plan.sites]
    for group in settings.backends:
        if group.name in service.sites:
            said += service.sites[group.name].change(group, settings)
    service.sites.update(plan.sites)
    for site in plan.sites.values():
        site.start()
    said += _switch_listeners(service, settings, plan)
    names = {group.name for group in settings.backends}
    for name in [name for name in service.sites if name not in names]:
        service.sites.pop(name).stop()
        said.append(f"backend {name} removed")
    for part in ("timeouts", "limits", "health", "affinity", "guard", "firewall", "quotas"):
        if getattr(service.settings, part) != getattr(settings, part):
            said.append(f"[{part}] changed")
    if service.settings.log != settings.log:
        service.change_log(make_log(settings.log, service.reactor, service.wall, service.clock))
        said.append("[log] changed")
    said += service.administration.switch(settings.admin, plan.page)
    if service.settings.lab != settings.lab:
        said.append("[lab] is read at the start only: restart to change it")
    if service.settings.control != settings.control:
        said.append("[control] is read at the start only: restart to change it")
    return said


def _switch_listeners(service: ProxyService, settings: Settings, plan: _Plan) -> list[str]:
    said = []
    wanted = {listener.name: listener for listener in settings.listeners}
    for name, front in [*service.fronts.items()]:
        listener = wanted.get(name)
        if listener is None or name in plan.fronts:
            service.retire(name)
            said.append(f"listener {name} closed")
            continue
        gone = [bind for bind in front.ports if bind not in listener.bind]
        front.unbind(gone)
        said += [f"listener {name} is not at {bind} any more" for bind in gone]
        said += [f"listener {name} is at {bind} too" for at, bind in plan.bound if at is front]
        creator = plan.creators[name]
        if front.creator is not None and creator is not None:
            front.creator.become(creator)
        front.listener = listener
        front.doors.trusted = listener.trusted
        front.doors.change(head_limit=settings.limits.head, limit=settings.limits.connections)
    service.fronts.update(plan.fronts)
    said += [f"listener {name} opened" for name in plan.fronts]
    return said
