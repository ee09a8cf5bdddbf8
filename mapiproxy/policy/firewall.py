"""May this client ask for this? Rules that allow and deny, the first that fits decides.

A rule looks at where a client comes from, which virtual directory it wants, the method, the MAPI request
type and the version of Outlook that it says it is. What a rule does not name fits everything; when no rule
fits, the request is allowed. What clients say of themselves can be a lie, so a version keeps out old
clients and no attackers.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address

from attrs import field, frozen

Network = IPv4Network | IPv6Network

_OPERATORS: dict[str, Callable[[tuple[int, ...], tuple[int, ...]], bool]] = {
    "<=": lambda mine, other: mine <= other,
    ">=": lambda mine, other: mine >= other,
    "==": lambda mine, other: mine == other,
    "!=": lambda mine, other: mine != other,
    "<": lambda mine, other: mine < other,
    ">": lambda mine, other: mine > other,
}
_EXPRESSION = re.compile(r"(<=|>=|==|!=|<|>)\s*(\d{1,5}(?:\.\d{1,5}){0,3})")
_NUMBER = r"(\d{1,5}(?:\.\d{1,5}){0,3})"
#: In the order of how much they tell: ``Outlook/15.0 (15.0.4569.1503; MSI; x86)``, ``Outlook/16.0.4266.1001``
#: or ``Microsoft Outlook 16.0.4266``, ``MAPI 16.0.9001`` (reference 1.2). MacOutlook is another program.
_VERSIONS = tuple(
    re.compile(r"(?<![\w-])" + before + _NUMBER)
    for before in (r"Outlook/\d[\d.]* \(", r"Outlook[/ ]", r"MAPI ")
)
#: So much of a header is looked at, and kept as the key of a cache.
_ENOUGH = 256


@frozen
class VersionTest:
    """``<16.0.4266``, or ``unknown`` (no operator) for clients that do not tell.

    Only the parts that both sides name are compared: User-Agent leaves the fourth one out, and 15.0.4569 is
    not to be taken for something older than 15.0.4569.1506; ``==16.0`` is every 16.0.
    """

    operator: str | None
    version: tuple[int, ...] = ()

    def fits(self, version: tuple[int, ...] | None) -> bool:
        if version is None or self.operator is None:
            return version is None and self.operator is None
        shared = min(len(version), len(self.version))
        return _OPERATORS[self.operator](version[:shared], self.version[:shared])


def parse_version_test(text: str) -> VersionTest:
    """:raise ValueError: it is neither a comparison nor ``unknown``."""
    if text.strip().lower() == "unknown":
        return VersionTest(None)
    found = _EXPRESSION.fullmatch(text.strip())
    if found is None:
        raise ValueError(f'{text!r} is no version; write "<16.0.4266", ">=15.0.4569.1506" or "unknown"')
    return VersionTest(found[1], tuple(map(int, found[2].split("."))))


@frozen
class FirewallRule:
    """One rule. Empty means: any.

    :ivar networks: of clients; ``vdirs`` in lower case; ``methods`` in upper case; ``request_types`` in
        lower case.
    :ivar versions: of Outlook: all comparisons have to fit, and ``unknown`` stands beside them.
    """

    action: str
    name: str
    networks: tuple[Network, ...] = ()
    vdirs: frozenset[str] = frozenset()
    methods: frozenset[str] = frozenset()
    request_types: frozenset[str] = frozenset()
    versions: tuple[VersionTest, ...] = ()


@frozen
class Firewall:
    """The rules in their order."""

    rules: tuple[FirewallRule, ...] = ()
    _at: Callable[[str], tuple[bool, ...]] = field(init=False, eq=False, repr=False)

    @_at.default
    def _cached(self) -> Callable[[str], tuple[bool, ...]]:
        # Which rules' networks an address is in does not change: look once an address.
        return lru_cache(maxsize=8192)(lambda ip: tuple(_is_in(ip, rule.networks) for rule in self.rules))

    def denies(
        self,
        ip: str,
        vdir: str,
        method: str,
        request_type: str | None,
        application: str | None,
        user_agent: str | None,
    ) -> FirewallRule | None:
        """The rule that forbids it, or ``None``."""
        if not self.rules:
            return None
        for fits, rule in zip(self._at(ip), self.rules, strict=True):
            if (
                fits
                and (not rule.vdirs or vdir in rule.vdirs)
                and (not rule.methods or method.upper() in rule.methods)
                and (not rule.request_types or (request_type or "").lower() in rule.request_types)
                and _all_fit(rule.versions, application, user_agent)
            ):
                return rule if rule.action == "deny" else None
        return None


def plain_address(ip: str) -> str:
    """An IPv4 address within an IPv6 one is that IPv4 address; zones are cut off."""
    if ":" not in ip:
        return ip
    try:
        address = ip_address(ip.partition("%")[0])
    except ValueError:
        return ip
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return str(mapped or address)


def client_version(application: str | None, user_agent: str | None) -> tuple[int, ...] | None:
    """The version of Outlook that a client says it is (X-ClientApplication, or else User-Agent)."""
    return _read_version((application or "")[:_ENOUGH]) or _read_version((user_agent or "")[:_ENOUGH])


@lru_cache(maxsize=4096)
def _read_version(text: str) -> tuple[int, ...] | None:
    for pattern in _VERSIONS:
        found = pattern.search(text)
        if found is not None:
            return tuple(map(int, found[1].split(".")))
    return None


def _all_fit(
    tests: tuple[VersionTest, ...], application: str | None, user_agent: str | None
) -> bool:
    if not tests:
        return True
    version = client_version(application, user_agent)
    if version is None:
        return any(test.fits(None) for test in tests)
    comparisons = [test for test in tests if test.operator is not None]
    return bool(comparisons) and all(test.fits(version) for test in comparisons)


def _is_in(ip: str, networks: tuple[Network, ...]) -> bool:
    if not networks:
        return True
    try:
        address = ip_address(plain_address(ip))
    except ValueError:
        return False
    return any(address in network for network in networks if network.version == address.version)
