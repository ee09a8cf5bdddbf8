"""Would Extended Protection let clients through, with this certificate here and that one there?

It binds Windows authentication to the certificate that the client sees, so the proxy and every Exchange
server behind it must have the very same one, and plain http (SSL offload) cannot work at all (exchange
reference 6). grommunio has no such thing.
"""

from __future__ import annotations

from collections.abc import Sequence

from attrs import frozen

from mapiproxy.backends.kind import Kind


@frozen
class Leaf:
    """A certificate that somebody shows.

    :ivar who: a listener's or a server's name.
    :ivar fingerprint: SHA-256 in lower-case hex; ``None``: it could not be had.
    :ivar tls: ``False`` where there is none, because plain http is spoken.
    """

    who: str
    fingerprint: str | None
    tls: bool = True


def short(fingerprint: str) -> str:
    """As much of a fingerprint as people compare."""
    return f"{fingerprint[:4]}.."


def judge(listener: str, mine: Sequence[Leaf], server: Leaf, kind: Kind) -> str | None:
    """One line about a server behind a listener, or ``None`` when nothing stands in the way.

    :param mine: what the listener shows: one certificate, or several by name.
    """
    if kind is not Kind.EXCHANGE:
        return None
    if not server.tls:
        return (
            f"EP impossible: backend {server.who} is http:// (SSL offload), "
            "Exchange 2019 CU14+ enables EP by default"
        )
    if not mine:
        return f"EP impossible: listener {listener} is plain http, so clients see no certificate"
    if server.fingerprint is None or any(each.fingerprint == server.fingerprint for each in mine):
        return None
    leaves = " or ".join(short(each.fingerprint) for each in mine if each.fingerprint)
    return (
        f"EP mismatch: listener leaf {leaves} != {server.who} leaf {short(server.fingerprint)}; "
        "Extended Protection would reject NTLM (0xC000035B)"
    )


class Drift:
    """Remembers which certificates agreed, and says when they no longer do.

    :ivar lines: what is wrong now, by server.
    """

    def __init__(self) -> None:
        self.lines: dict[str, str] = {}
        self._agreed: dict[str, tuple[str, str]] = {}
        self._known: dict[str, str | None] = {}

    def compare(
        self, listener: str, mine: Sequence[Leaf], server: Leaf, kind: Kind, today: str
    ) -> str | None:
        """Look at one server again. Returns a line if there is news: of something wrong, or of its end.

        :param today: the date to say.
        """
        self._known[server.who] = server.fingerprint
        key = f"{listener}/{server.who}"
        line = judge(listener, mine, server, kind)
        before = self.lines.get(key)
        if line is None:
            if server.fingerprint is not None and mine:
                self._agreed[key] = (server.fingerprint, today)
            if before is None or server.fingerprint is None:
                return None
            del self.lines[key]
            return f"certificates of listener {listener} and {server.who} agree again"
        agreed = self._agreed.get(key)
        if agreed is not None and server.fingerprint is not None:
            leaf, since = agreed
            if leaf == server.fingerprint:
                what = f"listener {listener} renewed, {server.who} not"
            elif any(each.fingerprint == leaf for each in mine):
                what = f"{server.who} renewed, listener {listener} not"
            else:
                what = f"listener {listener} and {server.who} renewed differently"
            line = f"CERT drift since {since}: {what}; {line}"
        if line == before:
            return None
        self.lines[key] = line
        return line

    @property
    def known(self) -> dict[str, str | None]:
        """The fingerprint that each server showed last."""
        return dict(self._known)

    def forget(self, servers: set[str]) -> None:
        """Only these servers are left."""
        for place in (self.lines, self._agreed):
            for key in [key for key in place if key.partition("/")[2] not in servers]:
                del place[key]
        for key in [key for key in self._known if key not in servers]:
            del self._known[key]
