"""May this client ask this at all? The first rule that fits says so; where none fits, it may.

A rule speaks of where a request comes from, where it goes, and which Outlook says it sends it; within one
list any entry is enough, and every list that is not empty must fit. The version is only what a client says
of itself: such a rule turns old clients away, it does not keep anybody out who would lie.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterable
from enum import StrEnum
from functools import lru_cache

from attrs import field, frozen

from mapiproxy.policy.addresses import Network, read_address, read_network

Version = tuple[int, ...]

#: Listed among versions: a client that does not tell one.
UNKNOWN = "unknown"

_TERM = re.compile(r"\s*(<=|>=|==|<|>)?\s*(\d{1,9}(?:\.\d{1,9}){0,3})(\.\*)?\s*\Z", re.ASCII)
_COMPARE: dict[str, Callable[[Version, Version], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "==": operator.eq,
}
_NUMBER = rb"(\d{1,9}(?:\.\d{1,9}){0,3})"
#: X-ClientApplication of Outlook; other programs count their versions in other ways.
_APPLICATION = re.compile(rb"\s*Outlook/" + _NUMBER, re.IGNORECASE)
#: In the order of how much they tell: ``Outlook/15.0 (15.0.4569.1503; MSI; x86)``, ``Microsoft Outlook
#: 16.0.4266``, ``MAPI 16.0.9001``. Outlook for the Mac (MacOutlook/) is another program.
_AGENTS = (
    re.compile(rb"(?<![\w-])Outlook/\d[\d.]* \(" + _NUMBER, re.IGNORECASE),
    re.compile(rb"(?<![\w-])Outlook[/ ]" + _NUMBER, re.IGNORECASE),
    re.compile(rb"(?<![\w-])MAPI " + _NUMBER, re.IGNORECASE),
)
#: As much of a header as is searched, and kept as the key of a cache.
_ENOUGH = 256


class Action(StrEnum):
    """What a rule says."""

    ALLOW = "allow"
    DENY = "deny"


@lru_cache(maxsize=1024)
def _told(application: bytes, user_agent: bytes) -> Version | None:
    found = _APPLICATION.match(application)
    for pattern in _AGENTS:
        if found is not None:
            break
        found = pattern.search(user_agent)
    return None if found is None else _numbers(found[1].decode("ascii"))


def told_version(application: bytes | None, user_agent: bytes | None) -> Version | None:
    """The version of Outlook that a client tells: by X-ClientApplication (reference 1.2), else by
    User-Agent.
    """
    return _told((application or b"")[:_ENOUGH], (user_agent or b"")[:_ENOUGH])


def _numbers(text: str) -> Version:
    return tuple(map(int, text.split(".")))


@frozen
class Versions:
    """What one entry of ``client_version`` stands for.

    ``<16.0.4266``, ``>=15.0.4569.1506``, ``==16.0`` (the sign may be left out), several with commas between
    when all must be true (``>=15.0,<16.0``), ``*`` for any that is told, ``unknown`` for none.
    Only the parts that both sides have are compared: User-Agent leaves the fourth one out, and 15.0.4569 is
    taken for 15.0.4569.1506 rather than for something older.
    """

    text: str
    _terms: tuple[tuple[Callable[[Version, Version], bool], Version], ...] = field(
        init=False, eq=False, repr=False
    )

    @_terms.default
    def _read(self) -> tuple[tuple[Callable[[Version, Version], bool], Version], ...]:
        if self.text.strip() in ("*", UNKNOWN):
            return ()
        terms = []
        for part in self.text.split(","):
            term = _TERM.match(part)
            if term is None or (term[3] and term[1] not in (None, "==")):
                raise ValueError(
                    f"{self.text!r} is no client version: write <16.0.4266, >=15.0.4569.1506, "
                    f"==16.0, * or {UNKNOWN}"
                )
            terms.append((_COMPARE[term[1] or "=="], _numbers(term[2])))
        return tuple(terms)

    def fit(self, told: Version | None) -> bool:
        """Whether a client that tells this version is meant; ``None``: it tells none."""
        if self.text.strip() == UNKNOWN or told is None:
            return self.text.strip() == UNKNOWN and told is None
        for compare, wanted in self._terms:
            shared = min(len(wanted), len(told))
            if not compare(told[:shared], wanted[:shared]):
                return False
        return True


def _networks(values: Iterable[Network | str]) -> tuple[Network, ...]:
    return tuple(read_network(str(value)) for value in values)


def _lower(values: Iterable[str]) -> frozenset[str]:
    return frozenset(value.lower() for value in values)


def _versions(values: Iterable[Versions | str]) -> tuple[Versions, ...]:
    return tuple(value if isinstance(value, Versions) else Versions(value) for value in values)


@frozen
class FirewallRule:
    """One rule. An empty list says nothing; names are compared in lower case (reference M24).

    :ivar networks: of the client, as :func:`~mapiproxy.policy.addresses.read_network` reads them.
    :ivar vdirs: names of virtual directories.
    :ivar request_types: of MAPI over HTTP; a request without one fits none.
    :ivar client_versions: see :class:`Versions`.
    :ivar name: what the log calls it.

    :raise ValueError: when made from a network, a version or an action that cannot be read.
    """

    action: Action = field(converter=Action)
    networks: tuple[Network, ...] = field(default=(), converter=_networks)
    vdirs: frozenset[str] = field(default=frozenset(), converter=_lower)
    methods: frozenset[str] = field(default=frozenset(), converter=_lower)
    request_types: frozenset[str] = field(default=frozenset(), converter=_lower)
    client_versions: tuple[Versions, ...] = field(default=(), converter=_versions)
    name: str = ""

    @property
    def denies(self) -> bool:
        """Whether what fits is refused."""
        return self.action is Action.DENY

    def fits_but_for_network(
        self,
        vdir: str | None,
        method: str,
        request_type: str | None,
        application: bytes | None,
        user_agent: bytes | None,
    ) -> bool:
        """Whether everything but the client's address is as the rule has it."""
        if self.vdirs and (vdir is None or vdir.lower() not in self.vdirs):
            return False
        if self.methods and method.lower() not in self.methods:
            return False
        if self.request_types and (
            request_type is None or request_type.lower() not in self.request_types
        ):
            return False
        if not self.client_versions:
            return True
        told = told_version(application, user_agent)
        return any(versions.fit(told) for versions in self.client_versions)


class Firewall:
    """The rules, in order. Which of them an address can fall under at all is worked out once."""

    __slots__ = ("_concerning", "rules")

    def __init__(self, rules: Iterable[FirewallRule] = ()) -> None:
        self.rules = tuple(rules)
        self._concerning = lru_cache(maxsize=4096)(self._look_up)

    def __bool__(self) -> bool:
        return bool(self.rules)

    def judge(
        self,
        ip: str,
        vdir: str | None,
        method: str,
        request_type: str | None,
        application: bytes | None,
        user_agent: bytes | None,
    ) -> FirewallRule | None:
        """The first rule that fits; ``None``: there is none, and the request may pass.

        :param ip: the client's address as text; what is no address fits no rule about networks.
        :param vdir: the virtual directory's name; ``None``: the path belongs to none.
        :param request_type: X-RequestType; *application* and *user_agent*: the headers as they came.
        """
        if not self.rules:
            return None
        for rule in self._concerning(ip):
            if rule.fits_but_for_network(vdir, method, request_type, application, user_agent):
                return rule
        return None

    def _look_up(self, ip: str) -> tuple[FirewallRule, ...]:
        address = read_address(ip)
        return tuple(
            rule
            for rule in self.rules
            if not rule.networks
            or (address is not None and any(address in network for network in rule.networks))
        )
