"""What a file of the HttpProxy log says about itself: its columns and whose log it is.

The list is that of 15.01.2375 and later (reference exchange-httpproxy 1.3(a)). Readers go by position as
often as by name, so neither order nor spelling may change: ``BackEndStatus`` but
``BackendReqInitLatency``. Nothing here knows about exchanges.
"""

from __future__ import annotations

import re

from attrs import field, frozen

from mapiproxy.record.cleaning import clean

COLUMNS: tuple[str, ...] = (
    "DateTime", "RequestId", "MajorVersion", "MinorVersion", "BuildVersion", "RevisionVersion",
    "ClientRequestId", "Protocol", "UrlHost", "UrlStem", "ProtocolAction", "AuthenticationType",
    "IsAuthenticated", "AuthenticatedUser", "Organization", "AnchorMailbox", "UserAgent",
    "ClientIpAddress", "ServerHostName", "HttpStatus", "BackEndStatus", "ErrorCode", "Method",
    "ProxyAction", "TargetServer", "TargetServerVersion", "RoutingType", "RoutingHint",
    "BackEndCookie", "ServerLocatorHost", "ServerLocatorLatency", "RequestBytes", "ResponseBytes",
    "TargetOutstandingRequests", "AuthModulePerfContext", "HttpPipelineLatency",
    "CalculateTargetBackEndLatency", "GlsLatencyBreakup", "TotalGlsLatency",
    "AccountForestLatencyBreakup", "TotalAccountForestLatency", "ResourceForestLatencyBreakup",
    "TotalResourceForestLatency", "ADLatency", "SharedCacheLatencyBreakup",
    "TotalSharedCacheLatency", "ActivityContextLifeTime", "ModuleToHandlerSwitchingLatency",
    "ClientReqStreamLatency", "BackendReqInitLatency", "BackendReqStreamLatency",
    "BackendProcessingLatency", "BackendRespInitLatency", "BackendRespStreamLatency",
    "ClientRespStreamLatency", "KerberosAuthHeaderLatency", "HandlerCompletionLatency",
    "RequestHandlerLatency", "HandlerToModuleSwitchingLatency", "ProxyTime", "CoreLatency",
    "RoutingLatency", "HttpProxyOverhead", "TotalRequestTime", "RouteRefresherLatency", "UrlQuery",
    "BackEndGenericInfo", "GenericInfo", "GenericErrors", "EdgeTraceId", "DatabaseGuid",
    "UserADObjectGuid", "PartitionEndpointLookupLatency", "RoutingStatus",
)  # fmt: skip

_VERSION = re.compile(r"([0-9]{1,2})\.([0-9]{1,2})\.([0-9]{1,5})\.([0-9]{1,5})", re.ASCII)


def _numbers(version: str) -> tuple[int, int, int, int]:
    match = _VERSION.fullmatch(version)
    if match is None:
        raise ValueError(f"not an Exchange version such as 15.02.2562.045: {version!r}")
    major, minor, build, revision = map(int, match.groups())
    return major, minor, build, revision


@frozen
class LogIdentity:
    """Whose log it is.

    :ivar server_name: the ServerHostName column.
    :ivar version: ``15.02.2562.045``, with or without the padding.
    :ivar numbers: major, minor, build and revision.
    :raise ValueError: *version* is not of that form.
    """

    server_name: str = field(converter=clean)
    version: str
    numbers: tuple[int, int, int, int] = field(init=False)

    @numbers.default
    def _read_version(self) -> tuple[int, int, int, int]:
        return _numbers(self.version)

    @property
    def header_version(self) -> str:
        """Zero-padded 2.2.4.3, as after ``#Version:``."""
        return "{:02d}.{:02d}.{:04d}.{:03d}".format(*self.numbers)
