"""What is changed in a head on its way through: as little as HTTP demands, each thing by one rule.

A rule is a function from a head to changes; the order is the tuple. Heads that no rule touches are
forwarded as the very bytes that came, and the others line by line, so spelling, order and repeats
survive (reference M5, M11, N7, N8).
"""

from __future__ import annotations

from collections.abc import Callable

from attrs import define, field, frozen

from mapiproxy.mapi.credentials import offered
from mapiproxy.wire.heads import RequestHead, ResponseHead

#: Hop-by-hop fields (RFC 9110 7.6.1) that mean nothing, or harm, on the other side. Connection and
#: Keep-Alive may stay: both sides' connections of a pair live and die together.
_HOP_BY_HOP = frozenset((b"proxy-connection", b"te", b"upgrade", b"http2-settings"))
#: Names that a Connection header may list without effect on what we forward.
_PLAIN_OPTIONS = frozenset((b"keep-alive", b"close"))
_FORWARDED = frozenset(
    (b"x-forwarded-for", b"x-forwarded-proto", b"x-forwarded-host", b"x-forwarded-port",
     b"forwarded", b"x-real-ip")
)  # fmt: skip
#: Never to be dropped because somebody listed them in Connection.
END_TO_END = frozenset(
    (b"host", b"content-length", b"transfer-encoding", b"authorization", b"cookie",
     b"x-requesttype", b"x-requestid", b"x-clientinfo", b"x-clientapplication",
     b"set-cookie", b"www-authenticate", b"x-responsecode", b"content-type")
)  # fmt: skip


@frozen
class Hop:
    """What the rules may know about the connection a head came on.

    :ivar client_ip: address of the client as we see it.
    :ivar secure: whether the client speaks TLS to us.
    :ivar forwarded: whether to tell the backend both.
    :ivar chain: X-Forwarded-For of trusted proxies before us, and *peer*, the last of them.
    :ivar lines: the header lines that do so, made once for the connection.
    :ivar tail: the same, as the end of a head.
    """

    client_ip: str
    secure: bool
    forwarded: bool = True
    chain: str = ""
    peer: str = ""
    lines: tuple[bytes, ...] = field(init=False)

    tail: bytes = field(init=False)

    @lines.default
    def _lines(self) -> tuple[bytes, ...]:
        if not self.forwarded:
            return ()
        hops = [self.chain, self.peer] if self.chain else [self.peer or self.client_ip]
        return (
            b"X-Forwarded-For: " + ", ".join(hops).encode("latin-1", "replace"),
            b"X-Forwarded-Proto: " + (b"https" if self.secure else b"http"),
        )

    @tail.default
    def _tail(self) -> bytes:
        return b"".join(line + b"\r\n" for line in self.lines) + b"\r\n"


@define
class Changes:
    """Which header names go (lower case) and which whole lines come."""

    drop: set[bytes]
    add: list[bytes]


Rule = Callable[[RequestHead, Hop, Changes], None]


def drop_hop_by_hop(head: RequestHead, hop: Hop, changes: Changes) -> None:
    """Fields for us alone, those that Connection names among them (RFC 9110 7.6.1)."""
    changes.drop |= _hop_by_hop(head)


def drop_met_expectation(head: RequestHead, hop: Hop, changes: Changes) -> None:
    """We answer 100 ourselves (grommunio never does), so nobody is left to expect it."""
    if head.expects_continue:
        changes.drop.add(b"expect")


def drop_device_info(head: RequestHead, hop: Hop, changes: Changes) -> None:
    """X-DeviceInfo belongs to devices between client and server, never to a client (N15)."""
    if b"x-deviceinfo" in head.first:
        changes.drop.add(b"x-deviceinfo")


def set_forwarded(head: RequestHead, hop: Hop, changes: Changes) -> None:
    """Say who the client is; what the client says of that itself is not believed."""
    changes.drop |= _FORWARDED & head.first.keys()
    changes.add.extend(hop.lines)


REQUEST_RULES: tuple[Rule, ...] = (
    drop_hop_by_hop,
    drop_met_expectation,
    drop_device_info,
    set_forwarded,
)


#: Without any of these in a head no rule removes anything from it, if Connection is a plain one.
_CONCERNED = _HOP_BY_HOP | _FORWARDED | {b"expect", b"x-deviceinfo"}


def request_for_backend(
    head: RequestHead,
    hop: Hop,
    without: frozenset[bytes] = frozenset(),
    dropped: frozenset[bytes] = frozenset(),
) -> bytes:
    """The head as the backend gets it.

    :param without: names of cookies that are not for it, as spelt (reference M7).
    :param dropped: names of fields that are not for it, in lower case.
    """
    first = head.first
    plain = b"connection" not in first or first[b"connection"].lower() in _PLAIN_OPTIONS
    if dropped and dropped.isdisjoint(first):
        dropped = frozenset()
    if plain and not dropped and _CONCERNED.isdisjoint(first):
        raw = head.raw[:-2] + hop.tail
    else:
        changes = Changes(set(dropped), [])
        for rule in REQUEST_RULES:
            rule(head, hop, changes)
        raw = _apply(head, changes)
    return without_cookies(raw, without) if without and b"cookie" in first else raw


def without_cookies(raw: bytes, names: frozenset[bytes]) -> bytes:
    """A head without these cookies; every other cookie stays as it is, and where it is (M5, N7)."""
    for name in names:
        at = raw.find(name)
        while at >= 0:
            start, end = raw.rfind(b"\r\n", 0, at) + 2, raw.find(b"\r\n", at)
            line = raw[start:end]
            if line[:7].lower() == b"cookie:":
                line = _fewer_cookies(line, names)
                # A line with nothing left in it goes as a whole.
                raw = raw[:start] + line + raw[end if line else end + 2 :]
            at = raw.find(name, start + len(line))
    return raw


def _fewer_cookies(line: bytes, names: frozenset[bytes]) -> bytes:
    pairs = line[7:].split(b";")
    stay = [pair for pair in pairs if pair.partition(b"=")[0].strip() not in names]
    if len(stay) == len(pairs):
        return line
    rest = b";".join(stay).strip()
    # Whichever pair now comes first brings the blank that stood before it.
    return line[:7] + b" " + rest if rest else b""


def answer_for_client(
    head: ResponseHead,
    *,
    close: bool,
    dechunk: bool,
    more: tuple[bytes, ...] = (),
    schemes: frozenset[str] | None = None,
    length: int | None = None,
) -> bytes:
    """The head as the client gets it.

    :param close: we are going to close though the backend is not.
    :param dechunk: the client speaks HTTP/1.0 and gets the payload until the connection closes.
    :param more: whole lines of our own, put behind the backend's.
    :param length: of the body that we send instead of the backend's.
    :param schemes: the only ones whose challenges are passed on, in lower case; ``None``: all.
    """
    drop = _hop_by_hop(head)
    # Alt-Svc would lead clients around this proxy, and to HTTP/2 or 3 where Windows
    # authentication cannot work (reference M10).
    if b"alt-svc" in head.first:
        drop.add(b"alt-svc")
    if dechunk:
        drop |= {b"transfer-encoding", b"trailer"}
    add = [*more]
    if length is not None:
        drop |= {b"content-length", b"transfer-encoding", b"trailer"}
        add.append(b"Content-Length: %d" % length)
    if schemes is not None and b"www-authenticate" in head.first:
        drop.add(b"www-authenticate")
        add += [b"WWW-Authenticate: " + value for value in offered(head.all(b"www-authenticate"), schemes)]
    if (close and head.keep_alive) or dechunk:
        drop |= {b"connection", b"keep-alive"}
        add.append(b"Connection: close")
    if not drop and not add:
        return head.raw
    return _apply(head, Changes(drop, add))


def _hop_by_hop(head: RequestHead | ResponseHead) -> set[bytes]:
    first = head.first
    drop = set() if _HOP_BY_HOP.isdisjoint(first) else {n for n in _HOP_BY_HOP if n in first}
    connection = first.get(b"connection")
    if connection is not None and connection.lower() not in _PLAIN_OPTIONS:
        for value in head.all(b"connection"):
            for option in value.lower().split(b","):
                option = option.strip()
                if option not in _PLAIN_OPTIONS and option not in END_TO_END:
                    drop.add(option)
        # Rewriting Connection itself would cost its spelling; what it lists is gone, so it may stay.
    return drop


def _apply(head: RequestHead | ResponseHead, changes: Changes) -> bytes:
    raw = head.raw
    add = b"\r\n".join(changes.add) + b"\r\n" if changes.add else b""
    if not changes.drop:
        return raw[:-2] + add + b"\r\n"
    lines = raw[:-4].split(b"\r\n")
    kept = [lines[0]]
    for line, key in zip(lines[1:], head.keys, strict=True):
        if key not in changes.drop:
            kept.append(line)
    return b"\r\n".join(kept) + b"\r\n" + add + b"\r\n"
