"""Where the listeners of a configuration file can be reached from this machine, and by which name."""

from __future__ import annotations

import sys
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import urlsplit

from mapiproxy.commands.examining import Examination, examine, print_problems
from mapiproxy.selftest.target import BadTarget, Target
from mapiproxy.settings import Listener, Settings


def targets_of(file: Path) -> list[tuple[str, Target]]:
    """Each listener that publishes MAPI, by name. Problems of the file go to stderr.

    :raise BadTarget: the file cannot be run, or has nothing that can be tested from here.
    """
    examination = examine(file)
    settings = examination.settings
    if settings is None:
        print_problems(examination.problems, sys.stderr)
        raise BadTarget(f"{file} cannot be run, so its listeners cannot be tested")
    found = []
    for listener in settings.listeners:
        why = _untestable(listener, settings)
        if why:
            print(f"listener {listener.name} is not tested: {why}", file=sys.stderr)
            continue
        bind = listener.bind[0]
        name = _name(listener, settings, examination)
        target = Target(name, bind.port, listener.tls is not None, (_near(bind.host), bind.port))
        found.append((listener.name, target))
    if not found:
        raise BadTarget(f"{file} has no listener that can be tested from here")
    return found


def _untestable(listener: Listener, settings: Settings) -> str:
    group = settings.backend(listener.backend)
    if not any(vdir.name == "mapi" and vdir.enabled for vdir in group.vdirs):
        return "it does not publish mapi"
    if listener.proxy_protocol:
        return "it expects a PROXY header, so test the balancer before it"
    if listener.bind[0].port == 0:
        return "its port is picked when it starts"
    return ""


def _near(host: str) -> str:
    """Where somebody on this machine finds a listener that is bound to *host*."""
    try:
        address = ip_address(host)
    except ValueError:
        return host or "127.0.0.1"
    if address.is_unspecified:
        return "127.0.0.1" if address.version == 4 else "::1"
    return host


def _name(listener: Listener, settings: Settings, examination: Examination) -> str:
    """The name by which clients know it: of a published URL, else of its certificate."""
    for vdir in settings.backend(listener.backend).vdirs:
        if vdir.name == "mapi":
            for url in (vdir.external_url, vdir.internal_url):
                host = urlsplit(url).hostname if url else None
                if host:
                    return host
    for owner, certificate in examination.certificates:
        if owner == listener.name:
            for name in certificate.covers:
                return name.replace("*", "mail", 1)
    return "localhost"
