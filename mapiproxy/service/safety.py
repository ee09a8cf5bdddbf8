"""When can a server be taken away without hurting anybody? Pure: what runs there in, an answer out.

A drain is over when no call runs on the server and no session lives there. The bound is what would be
true if its clients fell silent now: a NotificationWait ends by itself (MS-OXCMAPIHTTP 3.1.5.10, five
minutes), another call when we give it up at the latest, a session when it expires. A client that goes on
working goes on having its session, so a drain that must end has a deadline.
"""

from __future__ import annotations

from attrs import frozen

#: Five minutes, and what servers and networks add to it (reference M2), in seconds.
WAIT_LENGTH = 360.0


@frozen
class Work:
    """What one server is doing; ages in seconds."""

    executes: tuple[float, ...] = ()
    waits: tuple[float, ...] = ()
    others: tuple[float, ...] = ()
    #: In how many seconds each session that lives there expires, if nobody uses it again.
    sessions: tuple[float, ...] = ()


def safe_in(work: Work, call_limit: float, deadline: float | None = None) -> float:
    """Seconds until the server is free, at most; 0 when it is.

    :param call_limit: how long we wait for a call that is no NotificationWait.
    :param deadline: in how many seconds a drain turns into maintenance.
    """
    ends = (
        *(WAIT_LENGTH - age for age in work.waits),
        *(call_limit - age for age in (*work.executes, *work.others)),
        *work.sessions,
    )
    # What is over its time has not ended yet, so it is not safe yet.
    bound = max(1.0, *ends) if ends else 0.0
    return bound if deadline is None else min(bound, max(0.0, deadline))


def describe(work: Work, bound: float) -> str:
    """``0 Execute, 37 waits, 41 sessions, safe in <= 4m12s`` (complaint 33)."""
    parts = [f"{len(work.executes)} Execute", _count(len(work.waits), "wait")]
    if work.others:
        parts.append(_count(len(work.others), "other call"))
    parts.append(_count(len(work.sessions), "session"))
    parts.append(f"safe in <= {show_time(bound)}" if bound else "safe now")
    return ", ".join(parts)


def show_time(seconds: float) -> str:
    """``4m12s``, ``12s``, ``1h03m``."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole}s"
    if whole < 3600:
        return f"{whole // 60}m{whole % 60:02}s"
    return f"{whole // 3600}h{whole % 3600 // 60:02}m"


def _count(number: int, word: str) -> str:
    return f"{number} {word}" + ("" if number == 1 else "s")
