"""How a verdict is shown: the line, what speaks for it, and the same as JSON.

Decides nothing. All text may come from clients and servers, and is printed as it is.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from mapiproxy.commands.asking import fits, lines_of, plain
from mapiproxy.commands.prose import say
from mapiproxy.commands.sessions import shorten
from mapiproxy.commands.windows import Span
from mapiproxy.evidence.explaining import name_code
from mapiproxy.evidence.fate import GOOD
from mapiproxy.evidence.findings import many
from mapiproxy.evidence.gathering import Crowd, Evidence, Slow
from mapiproxy.evidence.judging import FINE, PROBLEM, Verdict, client_networks, other_backends
from mapiproxy.evidence.moments import show_clock, show_moment, show_ms, stamp
from mapiproxy.evidence.shares import PLACES

#: Slowest requests, backends, addresses and losses that are shown.
_WORST = 5
_FEW = 5
_NAMES = {
    "client": "client and path",
    "connect": "reaching backend",
    "backend": "backend",
    "proxy": "proxy itself",
}


def show(evidence: Evidence, verdict: Verdict, span: Span, out: Console) -> None:
    """Print a verdict and its evidence for a person."""
    style = {FINE: "bold green", PROBLEM: "bold red"}.get(verdict.exit_code, "bold yellow")
    say(out, verdict.line, style)
    if verdict.scope:
        say(out, verdict.scope, "bold", 2)
    for text in verdict.also:
        say(out, f"also: {text}", "red", 2)
    for text in verdict.notes:
        say(out, f"note: {text}", "dim", 2)
    say(out, f"window: {span.words}", "dim", 2)
    if not evidence.me.count:
        if evidence.others.count:
            say(out, f"{many(evidence.others.count, 'request')} of others are in it", "dim", 2)
        return
    _who(evidence, out)
    if evidence.me.times.count:
        _section(out, "Where the time went", _phase_table(evidence))
    if evidence.details.slowest:
        _slowest(evidence, out)
    if evidence.details.losses:
        _section(out, "Losses", _loss_table(evidence))
    answers = _answers(evidence)
    if answers:
        out.print()
        say(out, f"Answers: {answers}", "bold")
    _section(out, "Backends", _backend_table(evidence))
    _section(out, "Clients", _client_table(evidence))


def _section(out: Console, title: str, table: Table) -> None:
    out.print()
    say(out, title, "bold")
    for line in lines_of(table, out):
        out.print(Text.assemble("  ", line), soft_wrap=True)


def _who(evidence: Evidence, out: Console) -> None:
    details = evidence.details
    parts = [many(evidence.me.count, "request")]
    if details.first is not None and details.last is not None:
        parts.append(f"{show_moment(details.first)} to {show_clock(details.last)} UTC")
    if details.agents:
        agents = [name for name, _ in details.agents.most_common(2) if name]
        parts.append(", ".join(agents))
    if details.retries:
        parts.append(many(details.retries, "retry", "retries"))
    if details.moved:
        parts.append(many(details.moved, "move to another backend", "moves to another backend"))
    if details.addresses_changed:
        times = "once" if details.addresses_changed == 1 else f"{details.addresses_changed} times"
        parts.append(f"address changed {times}")
    say(out, "; ".join(part for part in parts if part), "dim", 2)


def _phase_table(evidence: Evidence) -> Table:
    table = _table("", "p50", "p95", "max", "others' p50", "p95")
    mine, theirs = evidence.details.phases.sketches, evidence.other_phases.sketches
    for place in PLACES:
        other = theirs[place]
        table.add_row(
            _NAMES[place],
            *(show_ms(mine[place].quantile(share)) for share in (0.5, 0.95)),
            show_ms(mine[place].most),
            *(show_ms(other.quantile(share)) if other.count else "-" for share in (0.5, 0.95)),
        )
    times, others = evidence.me.times, evidence.others.times
    table.add_row(
        "total",
        *(show_ms(times.quantile(share)) for share in (0.5, 0.95)),
        show_ms(times.most),
        *(show_ms(others.quantile(share)) if others.count else "-" for share in (0.5, 0.95)),
        style="bold",
    )
    return table


def _slowest(evidence: Evidence, out: Console) -> None:
    """A table; where it is too wide for that, the ids stand below their requests."""
    worst = sorted(evidence.details.slowest, key=lambda slow: (-slow.total, slow.at))[:_WORST]
    table = _slowest_table(worst, ids=True)
    if fits(table, out):
        _section(out, "Slowest requests", table)
        return
    out.print()
    say(out, "Slowest requests", "bold")
    for line, slow in zip(lines_of(_slowest_table(worst, ids=False), out), [None, *worst], strict=True):
        out.print(Text.assemble("  ", line), soft_wrap=True)
        if slow is not None:
            say(out, slow.request_id, "dim", 12)


def _slowest_table(worst: list[Slow], ids: bool) -> Table:
    titles = ("time", "total", "request", "backend", "most of it")
    table = _table(*titles, *(("request id",) if ids else ()), right=(1,))
    for each in worst:
        shares = dict(zip(PLACES, each.shares.parts, strict=True))
        place = max(PLACES, key=lambda name: shares[name])
        table.add_row(
            show_clock(each.at),
            show_ms(each.total),
            plain(shorten(each.sort, 16)),
            plain(shorten(each.backend or "-", 14)),
            f"{place} {show_ms(shares[place])}",
            *((plain(each.request_id),) if ids else ()),
        )
    return table


def _loss_table(evidence: Evidence) -> Table:
    table = _table("", "times", "request", "phase", "after (shortest, middle, longest)", right=(1,))
    groups: Counter[tuple[str, str, str]] = Counter()
    for loss in evidence.details.losses:
        groups[loss.fate.value, loss.sort, loss.phase or "?"] += 1
    for (fate, sort, phase), count in groups.most_common(_FEW):
        ages = sorted(
            loss.ms
            for loss in evidence.details.losses
            if (loss.fate.value, loss.sort, loss.phase or "?") == (fate, sort, phase)
        )
        after = ", ".join(show_ms(each) for each in (ages[0], ages[len(ages) // 2], ages[-1]))
        table.add_row(fate, str(count), plain(shorten(sort, 16)), plain(phase), after)
    return table


def _answers(evidence: Evidence) -> str:
    """``200 x 40, 503 x 2 (backend: none), code 10 Context Not Found x 3``"""
    parts = []
    fine = sum(count for fate, count in evidence.me.fates.items() if fate in GOOD)
    challenges = evidence.details.failures.challenges
    if fine - challenges:
        parts.append(f"fine x {fine - challenges}")
    if challenges:
        parts.append(f"401 x {challenges}")
    for failure, group in evidence.details.failures.ranked()[: 2 * _FEW]:
        text = "no answer" if failure.status is None else str(failure.status)
        if failure.status != failure.backend_status:
            text += f" (backend: {failure.backend_status or 'none'})"
        if failure.code:
            kind = evidence.details.failures.kind_of(failure.backend)
            text += f" code {failure.code} {name_code(failure.code, kind)}"
        parts.append(f"{text} {failure.error_code or failure.fate.value} x {group.count}")
    return ", ".join(parts)


def _backend_table(evidence: Evidence) -> Table:
    table = _table("backend", "requests", "share", "bad", "p95", "others' requests", "bad", "p95")
    for name, mine, theirs in other_backends(evidence)[:_FEW]:
        share = mine.count / evidence.me.count
        table.add_row(
            plain(shorten(name, 24)), f"{mine.count}", f"{share:.0%}", *_crowd(mine), *_compared(theirs)
        )
    return table


def _client_table(evidence: Evidence) -> Table:
    table = _table(
        "client", "requests", "bad", "p95", "others in", "requests", "bad", "p95", right=(1, 2, 3, 5, 6, 7)
    )
    for client, network, mine, theirs in client_networks(evidence)[:_FEW]:
        table.add_row(
            plain(shorten(client, 24)), f"{mine.count}", *_crowd(mine), plain(network), *_compared(theirs)
        )
    return table


def _crowd(crowd: Crowd) -> tuple[str, str]:
    bad = crowd.count - sum(crowd.fates[fate] for fate in GOOD)
    return f"{bad}", show_ms(crowd.times.quantile(0.95)) if crowd.times.count else "-"


def _compared(crowd: Crowd | None) -> tuple[str, str, str]:
    return ("0", "-", "-") if crowd is None else (f"{crowd.count}", *_crowd(crowd))


def _table(*titles: str, right: tuple[int, ...] | None = None) -> Table:
    table = Table(box=None, header_style="dim", pad_edge=False)
    for place, title in enumerate(titles):
        flush = place > 0 if right is None else place in right
        table.add_column(title, justify="right" if flush else "left", no_wrap=True)
    return table


def as_plain(evidence: Evidence, verdict: Verdict, span: Span) -> dict[str, Any]:
    """For JSON; times in milliseconds."""
    details = evidence.details

    def crowd(each: Crowd | None) -> dict[str, Any] | None:
        if each is None:
            return None
        return {
            "requests": each.count,
            "bad": each.count - sum(each.fates[fate] for fate in GOOD),
            "p50_ms": round(each.times.quantile(0.5)),
            "p95_ms": round(each.times.quantile(0.95)),
            "fates": {fate.value: count for fate, count in each.fates.items()},
        }

    phases = {
        place: {
            who: {"p50_ms": round(sketch.quantile(0.5)), "p95_ms": round(sketch.quantile(0.95))}
            for who, sketch in (
                ("user", details.phases.sketches[place]),
                ("others", evidence.other_phases.sketches[place]),
            )
        }
        for place in PLACES
    }
    return {
        **verdict.as_plain(),
        "user": evidence.subject.text,
        "window": span.as_plain(),
        "me": crowd(evidence.me),
        "others": crowd(evidence.others),
        "phases": phases,
        "slowest": [
            {
                "time": stamp(each.at),
                "total_ms": each.total,
                "type": each.sort,
                "backend": each.backend or None,
                "where_ms": dict(zip(PLACES, each.shares.parts, strict=True)),
                "request_id": each.request_id,
            }
            for each in sorted(details.slowest, key=lambda slow: (-slow.total, slow.at))[:_WORST]
        ],
        "losses": [
            {
                "time": stamp(loss.at),
                "what": loss.fate.value,
                "type": loss.sort,
                "phase": loss.phase or None,
                "after_ms": loss.ms,
                "backend": loss.backend or None,
                "client": loss.client,
            }
            for loss in details.losses
        ],
        "failures": details.failures.as_plain()["failures"],
        "backends": {
            name: {"user": crowd(mine), "others": crowd(theirs)}
            for name, mine, theirs in other_backends(evidence)
        },
        "clients": {
            client: {"network": network, "user": crowd(mine), "others": crowd(theirs)}
            for client, network, mine, theirs in client_networks(evidence)
        },
    }
