"""Firewall rules, quotas and the lockout guard, as a file says them."""

from __future__ import annotations

from collections.abc import Sequence

from attrs import fields_dict

from mapiproxy.backends.vdir import SHAPES
from mapiproxy.policy.firewall import Firewall, FirewallRule
from mapiproxy.policy.usage import Quotas
from mapiproxy.settings.problems import Problems, meant
from mapiproxy.settings.tables import FileTable, FirewallTable


def build_firewall(tables: Sequence[FirewallTable], problems: Problems) -> Firewall:
    """The rules, in the order of the file."""
    rules = []
    for number, each in enumerate(tables):
        path = ("firewall", number)
        if each.action is None:
            problems.missing((*path, "action"), 'missing; write action = "deny" or "allow"')
        for at, name in enumerate(each.vdir):
            if name.lower() not in SHAPES:
                close = meant(name.lower(), SHAPES)
                problems.error((*path, "vdir", at), f'there is no virtual directory "{name}"{close}')
        looks = (each.network, each.vdir, each.method, each.request_type, each.client_version)
        if each.action == "deny" and not any(looks):
            problems.warning(path, "names nothing, so it denies everything that comes to it")
        rules.append(
            FirewallRule(
                each.action or "deny",
                each.name or f"{number + 1}",
                each.network,
                frozenset(map(str.lower, each.vdir)),
                frozenset(map(str.upper, each.method)),
                frozenset(map(str.lower, each.request_type)),
                each.client_version,
            )
        )
    return Firewall(tuple(rules))


def check_quotas(table: FileTable, problems: Problems) -> None:
    """Numbers that make no sense."""
    if table.guard.lockout < 0:
        problems.error(("guard", "lockout"), "must be 0 (never) or more")
    for key in fields_dict(Quotas):
        if getattr(table.quotas, key) < 0:
            problems.error(("quotas", key), "must be 0 (no limit) or more")
    for what in ("address", "mailbox"):
        if getattr(table.quotas, f"{what}_rate") and not getattr(table.quotas, f"{what}_burst"):
            problems.error(("quotas", f"{what}_burst"), "must be at least 1 where there is a rate")
