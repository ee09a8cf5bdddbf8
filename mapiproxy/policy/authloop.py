"""Who is being refused again and again, and why? And may they go on asking?

A password that has changed, a certificate that Extended Protection does not accept, a balancer that breaks
NTLM: all end in a client that asks the same thing every second until the account is locked out
(complaints 1-17). Refusals are counted per client address and user; an answer that is none ends the row.
A 401 that belongs to a handshake, one that only asks for credentials or carries a challenge, is no refusal,
unless nothing else ever comes.
"""

from __future__ import annotations

from collections import OrderedDict

from attrs import define, frozen

from mapiproxy.mapi.credentials import Step

#: Refusals in a row that are worth a line, and how many there are between one line and the next.
_SAY = 6
#: Requests without credentials, or that stop at the challenge, in a row that are worth one.
_SAY_UNFINISHED = 20
#: So many clients are remembered; the one that was quiet longest goes first.
_MOST = 10_000


@frozen
class Guard:
    """``lockout``: refused credentials in a row after which we refuse further ones ourselves, so that the
    account is not locked out; 0: never. ``window``: seconds that such a row may last, and that we refuse.
    """

    lockout: int = 0
    window: float = 60.0


@define
class _Row:
    began: float
    last: float
    refused: int = 0
    unfinished: int = 0
    first: Step = Step.NONE
    stopped_until: float = 0.0


class AuthLoops:
    """Rows of refusals, of all clients.

    :ivar loops: rows that were worth a line; ``stopped``: requests that the guard answered.
    """

    def __init__(self, guard: Guard | None = None) -> None:
        self.guard = guard or Guard()
        self.loops = 0
        self.stopped = 0
        self._rows: OrderedDict[tuple[str, str], _Row] = OrderedDict()

    def __len__(self) -> int:
        return len(self._rows)

    def stop_for(self, ip: str, user: str | None, step: Step, now: float) -> float:
        """For how many seconds further credentials of this client and user are not passed on; 0: they are.

        Only what would be checked against an account is stopped, and only for a user we can tell.
        """
        if not self.guard.lockout or user is None or step is not Step.FINAL:
            return 0.0
        row = self._rows.get((ip, user.lower()))
        if row is None or now >= row.stopped_until:
            return 0.0
        self.stopped += 1
        return row.stopped_until - now

    def answered(
        self,
        ip: str,
        user: str | None,
        scheme: str | None,
        step: Step,
        status: int,
        challenged: bool,
        now: float,
        mailbox: str | None = None,
    ) -> str | None:
        """An answer went to a client. Returns a line that explains the row it belongs to, when one is due.

        :param step: what the request's credentials were.
        :param challenged: the answer carries the next token of a handshake.
        :param mailbox: that was asked for; tells clients apart that have said no name yet, because behind
            one address there may be a company whose people all begin a handshake at nine o'clock.
        """
        nameless = (ip, f"?{mailbox.lower()}") if mailbox else None
        key = (ip, user.lower()) if user else nameless
        if status != 401:
            if step is Step.FINAL or (step is Step.NONE and status < 400):
                for each in (key, nameless):
                    if each is not None:
                        self._rows.pop(each, None)
            return None
        if key is None:
            return None
        row = self._rows.get(key)
        window = self.guard.window
        if row is None or now - row.last > window:
            row = self._rows[key] = _Row(now, now)
        row.last = now
        self._rows.move_to_end(key)
        if len(self._rows) > _MOST:
            self._rows.popitem(last=False)
        if step is not Step.FINAL:
            row.unfinished += 1
            if row.unfinished % _SAY_UNFINISHED:
                return None
            self.loops += 1
            return _line(ip, user, row.unfinished, now - row.began, _why_unfinished(step, challenged))
        row.refused += 1
        line = None
        if row.refused % _SAY == 0:
            self.loops += 1
            line = _line(ip, user, row.refused, now - row.began, _why_refused(scheme))
        limit = self.guard.lockout
        if limit and row.refused >= limit and user is not None:
            row.stopped_until = now + window
            row.refused = 0
            why = f"stopped after {limit}, lockout guard: no credentials are passed on for {window:g} s"
            return _line(ip, user, limit, now - row.began, why)
        return line


def _line(ip: str, user: str | None, count: int, seconds: float, why: str) -> str:
    return f"AUTH-LOOP user={user or '?'} client={ip}: {count}x401 in {seconds:.0f} s: {why}"


def _why_refused(scheme: str | None) -> str:
    if scheme == "basic":
        return "the server does not accept name and password (wrong, expired or locked out)"
    if scheme == "bearer":
        return "the server does not accept the token (expired, or modern authentication is not set up)"
    return (
        "the server refuses the finished handshake: wrong password, LmCompatibilityLevel, or Extended "
        "Protection with another certificate here than there (see mapiproxy cert)"
    )


def _why_unfinished(step: Step, challenged: bool) -> str:
    if challenged:
        return "the client begins a handshake and never finishes it (no usable password or Kerberos ticket)"
    if step is Step.BEGIN:
        return "the server does not take up the handshake that the client begins (scheme not enabled there)"
    return "the client sends no credentials: it has none, or none for the schemes that are offered"
