"""Gathers what is known when a scenario is over: the clients' books, the servers' journals, the proxy's word.

Each number is one of subjects.SUBJECTS. Nothing is judged here.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from typing import Any

from mapiproxy.scenario.evidence import count_values, log_lines
from mapiproxy.scenario.hosts import Books
from mapiproxy.scenario.people import book_facts
from mapiproxy.scenario.proxies import GROUP
from mapiproxy.scenario.stage import Stage

#: Where ``status`` has what is called otherwise here.
_AGAIN = {"resent": "resent", "answered_503": "refused", "broken": "broken", "told_lost": "lost"}


def gather(stage: Stage, errors: list[str]) -> dict[str, Any]:
    """Everything. Asked while the stage still stands.

    :param errors: what has gone wrong inside.
    """
    facts = client_facts(stage)
    facts.update(server_facts(stage.books))
    shown = facts.pop("mail_shown")
    facts["mails_missed"] = max(0, stage.delivered - shown)
    facts["phantoms"] = len(stage.receipts.compare(stage.books.executed))
    facts.update(_proxy_facts(stage))
    facts["errors"] = list(errors)
    facts["says"] = [[round(at, 3), text] for at, text in stage.said.says]
    facts["marks"] = dict(stage.marks)
    facts["went_down"] = dict(stage.said.went_down)
    return facts


def client_facts(stage: Stage) -> dict[str, Any]:
    """All clients together: counts are summed, of times the longest is taken."""
    total: dict[str, Any] = {}
    now = stage.reactor.seconds()
    for person in stage.people.values():
        for name, value in book_facts(person.book, now).items():
            if isinstance(value, Mapping):
                total[name] = dict(Counter(total.get(name, {})) + Counter(value))
            elif isinstance(value, list):
                total[name] = total.get(name, []) + value
            elif name.endswith("_max"):
                total[name] = max(total.get(name, 0.0), value)
            else:
                total[name] = total.get(name, 0) + value
    return total


def server_facts(books: Books) -> dict[str, Any]:
    """What the journals say together."""
    at_servers: Counter[str] = Counter()
    codes: Counter[str] = Counter()
    homes: defaultdict[str, set[str]] = defaultdict(set)
    owners: defaultdict[str, set[str]] = defaultdict(set)
    carried: defaultdict[tuple[str, int, object], set[str]] = defaultdict(set)
    made = 0
    for entry in books.entries:
        seen = entry.seen
        if seen.code is None or seen.login is None:
            continue
        at_servers[entry.server] += 1
        if seen.code:
            codes[str(seen.code)] += 1
        elif (seen.request_type or "").lower() in ("connect", "bind"):
            made += 1
        guid = (seen.request_id or "").partition(":")[0]
        homes[guid].add(entry.server)
        owners[guid].add(seen.login)
        carried[entry.server, entry.process, seen.connection].add(seen.login)
    return {
        "executed_twice": sum(count > 1 for count in books.executed.values()),
        "contexts_made": made,
        "moved_backends": sum(len(servers) > 1 for servers in homes.values()),
        "wrong_person": sum(len(logins) > 1 for logins in owners.values()),
        "shared_connections": sum(len(logins) > 1 for logins in carried.values()),
        "at_servers": dict(sorted(at_servers.items())),
        "server_codes": dict(sorted(codes.items())),
    }


def _proxy_facts(stage: Stage) -> dict[str, Any]:
    facts: Counter[str] = Counter(dict.fromkeys((*_AGAIN, "hangs", "unmatched_cookies", "auth_loops"), 0))
    lines: list[str] = []
    for node in stage.nodes:
        lines += log_lines(node.log_folder)
        if node.service is None:
            continue
        status = node.order("status")
        facts["turned_away"] += sum(each["turned_away"] for each in status["listeners"])
        for pool in status["pools"]:
            if pool["name"] == GROUP:
                facts.update({name: pool["again"][theirs] for name, theirs in _AGAIN.items()})
                facts.update({name: pool[name] for name in ("hangs", "unmatched_cookies", "auth_loops")})
    return {**facts, "log": count_values(lines)}
