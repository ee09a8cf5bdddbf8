"""May the status page be where the file wants it, and asked for as the file says?

Rules for ``[admin]``, and for addresses that two want. Whoever reaches the page without being asked for
anything may take servers out of service, so away from loopback it is encrypted and asks.
"""

from __future__ import annotations

import ipaddress
import re

from mapiproxy.settings import files
from mapiproxy.settings.problems import KeyPath, Problems
from mapiproxy.settings.tables import ListenerTable
from mapiproxy.settings.values import Admin, Bind

_NAME = re.compile(r"(?!-)[a-z0-9_-]{1,63}(\.[a-z0-9_-]{1,63})*")


def check_admin(admin: Admin, problems: Problems) -> None:
    """Report what would leave the page open to others, or unusable."""
    path: KeyPath = ("admin",)
    if admin.bind is None:
        for key in ("names", "token_file", "client_ca", "certificate", "key", "read_only"):
            if getattr(admin, key):
                problems.missing((*path, "bind"), 'missing; write for example bind = "127.0.0.1:8444"')
                return
        return
    if not admin.bind.loopback:
        away = f"{admin.bind} can be reached from other machines"
        if admin.certificate is None:
            problems.missing(
                (*path, "certificate"),
                f"missing: {away}, and what is typed there must not cross the network unencrypted",
            )
        if admin.token_file is None and admin.client_ca is None:
            problems.missing(
                (*path, "token_file"), f"missing: {away}, so token_file or client_ca must say who may"
            )
    if admin.certificate is None:
        for key in ("key", "client_ca"):
            if getattr(admin, key):
                problems.error((*path, key), "has no meaning without certificate: that is plain HTTP")
    for key in ("certificate", "key", "client_ca"):
        files.check_readable((*path, key), getattr(admin, key), problems)
    token = (*path, "token_file")
    files.check_key_file(token, admin.token_file, problems, word="token", private=True)
    for number, name in enumerate(admin.names):
        if not _NAME.fullmatch(name.lower()):
            problems.error((*path, "names", number), f'"{name}" is no host name; no port, no "*", no URL')


def check_binds(tables: dict[str, ListenerTable], admin: Admin, problems: Problems) -> None:
    """Report addresses that two want."""
    wanted: list[tuple[Bind, KeyPath]] = [
        (bind, ("listener", name, "bind", number))
        for name, table in tables.items()
        for number, bind in enumerate(table.bind)
    ]
    if admin.bind is not None:
        wanted.append((admin.bind, ("admin", "bind")))
    for number, (bind, path) in enumerate(wanted):
        for other, place in wanted[:number]:
            if _collide(bind, other):
                owner, line = f"listener.{place[1]}", problems.line(place[:3])
                if bind == other:
                    text = f"{bind} is taken by {owner} (line {line})"
                else:
                    text = f"{bind} collides with {other} of {owner} (line {line})"
                problems.error(path, text)
                break


def _collide(one: Bind, other: Bind) -> bool:
    if one.port != other.port or one.port == 0:
        return False
    # "::" takes IPv4 as well: that is what Linux does unless told otherwise, and Twisted does not.
    if one.host == other.host or "::" in (one.host, other.host):
        return True
    for host, against in ((one.host, other.host), (other.host, one.host)):
        if host == "0.0.0.0":
            try:
                return ipaddress.ip_address(against).version == 4
            except ValueError:
                return True  # a host name; it has an IPv4 address more often than not
    return {one.host, other.host} == {"localhost", "127.0.0.1"}
