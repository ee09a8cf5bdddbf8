"""How an exchange is told in Exchange's own words: the header and the lines of an HttpProxy log.

Layout A of reference exchange-httpproxy (1.2): the bare names, five ``#`` lines, data; CRLF, UTF-8, nothing
quoted. A value that we do not know is empty, never ``-``. Where the bytes go is not known here.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from functools import lru_cache
from urllib.parse import unquote

from mapiproxy.record.cleaning import LIMIT, clean, clean_item, clean_long, is_harmless
from mapiproxy.record.columns import COLUMNS, LogIdentity
from mapiproxy.record.ending import Ending
from mapiproxy.record.ledger import Ledger
from mapiproxy.record.outcome import error_code, generic_errors
from mapiproxy.record.phases import Phase, end_of, moments_of

#: The ProxyState in which an exchange ended (1.4(4)); Exchange has no word for our dialling.
PROXY_STATES = {
    Phase.HEAD: "PrepareServerRequest",
    Phase.DIAL: "PrepareServerRequest",
    Phase.REQUEST: "ProxyRequestData",
    Phase.WAIT: "WaitForServerResponse",
    Phase.ANSWER: "ProxyResponseData",
}
_SCHEMES = {"basic": "Basic", "bearer": "Bearer", "negotiate": "Negotiate", "ntlm": "NTLM"}
_VERSION = re.compile(r"([0-9]{1,2})\.([0-9]{1,2})\.([0-9]{1,5})", re.ASCII)
_MILLISECONDS = tuple(f".{number:03d}Z" for number in range(1000))


def end_ms(ledger: Ledger) -> int:
    """When the exchange ended, in milliseconds since 1970: what DateTime and the file's hour are made of."""
    return (int(ledger.wall * 1e6 + 0.5) + end_of(ledger)) // 1000


def header(identity: LogIdentity, first: float, bare: bool, bom: bool) -> bytes:
    """What a file begins with.

    :param first: DateTime of the first record, seconds since 1970.
    :param bare: whether line 1 is the names alone, for readers like Import-Csv that take it as header.
    """
    names = ",".join(COLUMNS)
    lines = [names] if bare else []
    lines += [
        "#Software: Microsoft Exchange Server",
        f"#Version: {identity.header_version}",
        "#Log-type: HttpProxy Logs",
        f"#Date: {_stamp(int(first * 1000 + 0.5))}",
        f"#Fields: {names}",
    ]
    return "".join(f"{line}\r\n" for line in lines).encode("utf-8-sig" if bom else "utf-8")


class LineFormat:
    """Makes the lines of one server's log."""

    def __init__(self, identity: LogIdentity) -> None:
        self._build = ",".join(map(str, identity.numbers))
        self._server = identity.server_name

    def line(self, ledger: Ledger) -> bytes:
        """One record, ending in CRLF, always of 74 values."""
        phase, end, routed, connected, asked, answered, done = moments_of(ledger)
        began = int(ledger.wall * 1e6 + 0.5)
        ended_text = _stamp((began + end) // 1000)
        total = end // 1000
        proxied = routed is not None
        anchor, organization = _mailbox(ledger.mailbox[:320]) if ledger.mailbox else ("", "")
        target_version, be_version = _versions(ledger.backend_version)

        # Each phase is empty if it was never reached, and 0 if it took less than a millisecond.
        calculate: int | str = ""
        init: int | str = ""
        stream: int | str = ""
        processing: int | str = ""
        answer: int | str = ""
        completion: int | str = ""
        proxy_time: int | str = ""
        overhead = core = total
        if routed is not None:
            calculate = routed // 1000
            spent = init = ((end if connected is None else connected) - routed) // 1000
            if connected is not None:
                stream = ((end if asked is None else asked) - connected) // 1000
                spent += stream
            if asked is not None:
                processing = ((end if answered is None else answered) - asked) // 1000
                spent += processing
            if answered is not None:
                answer = ((end if done is None else done) - answered) // 1000
                spent += answer
            if done is not None:
                completion = (end - done) // 1000
            proxy_time = spent
            # Not total - proxy_time: what rounding lost is not our doing.
            overhead = (end - (end if done is None else done) + routed) // 1000
            core = overhead - calculate

        # Nobody has looked at credentials until a backend has answered; a 401 says they will not do.
        status = ledger.backend_status
        authenticated = ledger.auth_scheme is not None and status is not None and status != 401
        failed = ledger.ending is not Ending.DONE

        # GenericInfo: Exchange's keys in Exchange's order, then ours.
        info = [f"BeginRequest={_stamp(began // 1000)};CorrelationID=<empty>;ProxyState-Run=None;"]
        if routed is not None:
            info.append(be_version)
            host = clean_item(ledger.backend_host)
            if ledger.new_connection:
                info.append(f"NewConnection={host}&0;")
            info.append(f"BeginGetRequestStream={_stamp((began + routed) // 1000)};")
            if connected is not None:
                info.append(f"OnRequestStreamReady={_stamp((began + connected) // 1000)};")
            if asked is not None:
                info.append(f"BeginGetResponse={_stamp((began + asked) // 1000)};")
            if answered is not None:
                text = _stamp((began + answered) // 1000)
                info.append(f"OnResponseReady={text};EndGetResponse={text};")
        state = "WaitForServerResponse" if status == 401 else PROXY_STATES[phase]
        info.append(f"ProxyState-Complete={state};EndRequest={ended_text};")
        info.append(_own_info(ledger, phase))

        return (
            f"{ended_text}"  # DateTime: the end of the request
            f",{clean_item(ledger.request_id)}"  # RequestId
            f",{self._build}"  # MajorVersion, MinorVersion, BuildVersion, RevisionVersion
            f",{_client_request_id(ledger)}"  # ClientRequestId
            f",{clean(ledger.protocol)}"  # Protocol
            f",{clean(ledger.host)}"  # UrlHost
            f",{clean(ledger.path)}"  # UrlStem
            ","  # ProtocolAction: empty for Mapi
            f",{_scheme(ledger.auth_scheme)}"  # AuthenticationType
            f",{'true' if authenticated else 'false'}"  # IsAuthenticated
            f",{clean(ledger.user) if authenticated else ''}"  # AuthenticatedUser: DOMAIN\sam
            f",{organization}"  # Organization
            f",{anchor if proxied else ''}"  # AnchorMailbox: empty, as all of routing, if not routed
            f",{clean_long(ledger.user_agent)}"  # UserAgent
            f",{clean(ledger.client_ip)}"  # ClientIpAddress
            f",{self._server}"  # ServerHostName
            f",{'' if ledger.status is None else ledger.status}"  # HttpStatus: what the client got
            f",{'' if status is None else status}"  # BackEndStatus
            f",{error_code(ledger, phase) if failed or status == 401 else ''}"  # ErrorCode
            f",{clean(ledger.method)}"  # Method
            f",{'Proxy' if proxied else ''}"  # ProxyAction
            f",{clean(ledger.backend_host) if proxied else ''}"  # TargetServer
            f",{target_version if proxied else ''}"  # TargetServerVersion
            f",{'IntraForest' if proxied else ''}"  # RoutingType
            f",{'MailboxGuidWithDomain' if proxied and anchor else ''}"  # RoutingHint
            ",,,"  # BackEndCookie, ServerLocatorHost, ServerLocatorLatency: we have no such things
            f",{ledger.request_bytes}"  # RequestBytes
            f",{ledger.response_bytes}"  # ResponseBytes
            ",,"  # TargetOutstandingRequests, AuthModulePerfContext: empty since 2016
            ",0"  # HttpPipelineLatency: we have no pipeline in front
            f",{calculate}"  # CalculateTargetBackEndLatency
            ",,0"  # GlsLatencyBreakup, TotalGlsLatency: lookups that we do not make, as the next six
            ",,0"  # AccountForestLatencyBreakup, TotalAccountForestLatency
            ",,0"  # ResourceForestLatencyBreakup, TotalResourceForestLatency
            ",0,,0"  # ADLatency, SharedCacheLatencyBreakup, TotalSharedCacheLatency
            f",{total}"  # ActivityContextLifeTime
            ",0"  # ModuleToHandlerSwitchingLatency: one thread, nothing to switch to
            ","  # ClientReqStreamLatency: not to be told from BackendReqStreamLatency
            f",{init}"  # BackendReqInitLatency: a connection was to be had
            f",{stream}"  # BackendReqStreamLatency: the request was passed on
            f",{processing}"  # BackendProcessingLatency: the backend had it, and was silent
            f",{'' if answered is None else 0}"  # BackendRespInitLatency: part of the former
            f",{answer}"  # BackendRespStreamLatency: the answer was passed on
            ",,"  # ClientRespStreamLatency, KerberosAuthHeaderLatency: not measured, not done
            f",{completion}"  # HandlerCompletionLatency: the answer was here, the exchange not over
            f",{total}"  # RequestHandlerLatency
            ",0"  # HandlerToModuleSwitchingLatency
            f",{proxy_time}"  # ProxyTime: the sum of the Backend... ones
            f",{core}"  # CoreLatency: overhead without routing
            f",{overhead}"  # RoutingLatency
            f",{overhead}"  # HttpProxyOverhead: all that was not waiting for the backend
            f",{total}"  # TotalRequestTime
            ","  # RouteRefresherLatency
            f",{clean_long(ledger.query)}"  # UrlQuery
            ","  # BackEndGenericInfo
            f",{''.join(info)}"  # GenericInfo
            f",{generic_errors(ledger, phase) if failed or (status or 0) >= 400 else ''}"  # GenericErrors
            ",,,,"  # EdgeTraceId, DatabaseGuid, UserADObjectGuid, PartitionEndpointLookupLatency
            f",{'CafeV1' if proxied else ''}"  # RoutingStatus
            "\r\n"
        ).encode("utf-8", "replace")


def _client_request_id(ledger: Ledger) -> str:
    """``R:..;RT:..;CI:..;CID:..``, where no value may bring a semicolon of its own (7 rule 8)."""
    if ledger.protocol != "Mapi":
        return clean(ledger.client_request_id)
    values = (
        ledger.mapi_request_id or "",
        ledger.request_type or "",
        ledger.client_info or "",
        ledger.client_request_id or "<null>",
    )
    text = "R:%s;RT:%s;CI:%s;CID:%s" % values  # noqa: UP031 - the tuple is needed twice
    # One look at the whole is cheaper than four at its parts, and nearly always enough.
    if text.count(";") == 3 and is_harmless(text):
        return text
    return "R:{};RT:{};CI:{};CID:{}".format(*map(clean_item, values))


def _own_info(ledger: Ledger, phase: Phase) -> str:
    """Our own keys of GenericInfo; those without a value are left out.

    MapiSession: digest of the session cookie. RoutedBy: why this backend. Backend: its name in our
    settings. ClientApplication: X-ClientApplication. X-ResponseCode: of the answer's head,
    LateResponseCode: the one after DONE. Pendings: how many PENDING came. ServerElapsed: X-ElapsedTime in
    ms. BackEndRequestId: the backend's request-id. Retries: dials that failed, backends lost.
    MovedFrom: the address that the session came from before. Ending, Phase: how and where
    an exchange ended; Phase only if it did not end well.
    """
    info = ""
    if ledger.session:
        info += f"MapiSession={clean_item(ledger.session)};"
    application = ledger.client_application
    info += _who(ledger.routed_by, ledger.backend, application[:LIMIT] if application else None)
    if ledger.response_code is not None:
        info += f"X-ResponseCode={ledger.response_code};"
    if ledger.late_response_code is not None:
        info += f"LateResponseCode={ledger.late_response_code};"
    if ledger.pulses:
        info += f"Pendings={ledger.pulses};"
    if ledger.elapsed_ms is not None:
        info += f"ServerElapsed={ledger.elapsed_ms};"
    if ledger.backend_request_id:
        info += f"BackEndRequestId={clean_item(ledger.backend_request_id)};"
    if ledger.retries:
        info += f"Retries={ledger.retries};"
    if ledger.moved_from is not None:
        info += f"MovedFrom={clean_item(ledger.moved_from)};"
    if ledger.ending is Ending.DONE:
        return f"{info}Ending=Done;"
    return f"{info}Ending={ledger.ending.value};Phase={phase.value};"


@lru_cache(maxsize=1024)
def _who(routed_by: str | None, backend: str | None, application: str | None) -> str:
    """The keys whose values repeat."""
    pairs = (("RoutedBy", routed_by), ("Backend", backend), ("ClientApplication", application))
    return "".join(f"{key}={clean_item(value)};" for key, value in pairs if value)


@lru_cache(maxsize=64)
def _second(second: int) -> str:
    try:
        return datetime.fromtimestamp(second, UTC).strftime("%Y-%m-%dT%H:%M:%S")
    except (ValueError, OverflowError, OSError):
        return "1970-01-01T00:00:00"


def _stamp(milliseconds: int) -> str:
    """ISO 8601 with milliseconds and ``Z``."""
    return _second(milliseconds // 1000) + _MILLISECONDS[milliseconds % 1000]


def _scheme(scheme: str | None) -> str:
    """AuthenticationType: schemes know no case (RFC 9110 11.1), readers of the log do."""
    return "" if not scheme else _SCHEMES.get(scheme.lower()) or clean(scheme)


@lru_cache(maxsize=2048)
def _mailbox(mailbox: str) -> tuple[str, str]:
    """AnchorMailbox and Organization of a MailboxId: ``guid@domain``, perhaps with the ``@`` encoded."""
    guid, _, domain = unquote(mailbox).partition("@")
    return f"MailboxGuid~{clean_item(guid.lower())}", clean(domain)


@lru_cache(maxsize=64)
def _find_versions(text: str) -> tuple[str, str]:
    match = _VERSION.search(text)
    if match is None:
        return "", ""
    major, minor, build = map(int, match.groups())
    number = 7 << 28 | major << 22 | minor << 16 | 0x8000 | build
    return f"{major:02d}.{minor:02d}.{build:04d}.000", f"FEAuth=BEVersion-{number};"


def _versions(application: str | None) -> tuple[str, str]:
    """TargetServerVersion and FEAuth (1.5) of an X-ServerApplication; empty if it tells no version."""
    return _find_versions(application[:64]) if application else ("", "")
