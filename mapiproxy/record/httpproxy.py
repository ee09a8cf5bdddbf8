"""How an exchange is told in Exchange's own words: the header and the lines of an HttpProxy log.

Layout A of reference exchange-httpproxy (1.2): the bare names, five ``#`` lines, data; CRLF, UTF-8, nothing
quoted. A value that we do not know is empty, never ``-``. Where the bytes go is not known here. What repeats
from line to line is made once (``routed.py``), because a line is made for every request.
"""

from __future__ import annotations

from collections import OrderedDict

from mapiproxy.record.cleaning import clean, clean_item, is_harmless
from mapiproxy.record.columns import COLUMNS, LogIdentity
from mapiproxy.record.ending import Ending
from mapiproxy.record.info import generic_info
from mapiproxy.record.ledger import Ledger
from mapiproxy.record.outcome import error_code, generic_errors, http_status
from mapiproxy.record.phases import moments_of
from mapiproxy.record.routed import Routed, is_authenticated, tell_query, tell_routed
from mapiproxy.record.stamps import end_ms, stamp

__all__ = ("LineFormat", "end_ms", "header")

#: Combinations of client, session and backend whose texts are kept; some 2 KB each.
KEPT = 8192
#: Characters of a combination that is kept at most: longer ones are nobody's ordinary request.
KEPT_SIZE = 3000


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
        f"#Date: {stamp(int(first * 1000 + 0.5))}",
        f"#Fields: {names}",
    ]
    return "".join(f"{line}\r\n" for line in lines).encode("utf-8-sig" if bom else "utf-8")


class LineFormat:
    """Makes the lines of one server's log."""

    def __init__(self, identity: LogIdentity) -> None:
        self._build = ",".join(map(str, identity.numbers))
        self._server = identity.server_name
        self._kept: OrderedDict[tuple[object, ...], Routed] = OrderedDict()
        self._versions: dict[str, str] = {}

    def line(self, ledger: Ledger) -> bytes:
        """One record, ending in CRLF, always of 74 values."""
        return self.entry(ledger)[1]

    def entry(self, ledger: Ledger) -> tuple[int, bytes]:
        """The end of the exchange in milliseconds since 1970, and its record."""
        moments = moments_of(ledger)
        phase, end, routed, connected, asked, answered, done = moments
        began = int(ledger.wall * 1e6 + 0.5)
        ended_ms = (began + end) // 1000
        total = end // 1000
        told = self._routed(ledger, routed is not None)

        # Each phase is empty if it was never reached, and 0 if it took less than a millisecond.
        calculate: int | str = ""
        init: int | str = ""
        stream: int | str = ""
        processing: int | str = ""
        answer: int | str = ""
        completion: int | str = ""
        proxy_time: int | str = ""
        begun: int | str = ""
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
                begun = 0
                answer = ((end if done is None else done) - answered) // 1000
                spent += answer
            if done is not None:
                completion = (end - done) // 1000
            proxy_time = spent
            # Not total - proxy_time: what rounding lost is not our doing.
            overhead = (end - (end if done is None else done) + routed) // 1000
            core = overhead - calculate

        status = ledger.backend_status
        code = errors = ""
        if ledger.ending is not Ending.DONE or (status or 0) >= 400:
            code, errors = error_code(ledger, phase), generic_errors(ledger, phase)
        return ended_ms, (
            f"{stamp(ended_ms)}"  # DateTime: the end of the request
            f",{self._ids(ledger)}"  # RequestId, MajorVersion ... RevisionVersion, ClientRequestId
            f"{told.site}"  # Protocol, UrlHost
            f",{clean(ledger.path)}"  # UrlStem
            f"{told.who}"  # ProtocolAction to ClientIpAddress
            f",{self._server}"  # ServerHostName
            f",{http_status(ledger)}"  # HttpStatus: what the client got
            f",{'' if status is None else status}"  # BackEndStatus
            f",{code}"  # ErrorCode
            f"{told.way}"  # Method to ServerLocatorLatency
            f",{ledger.request_bytes}"  # RequestBytes
            f",{ledger.response_bytes}"  # ResponseBytes
            # TargetOutstandingRequests, AuthModulePerfContext: empty since 2016. HttpPipelineLatency: we have
            # no pipeline in front.
            f",,,0"
            f",{calculate}"  # CalculateTargetBackEndLatency
            # GlsLatencyBreakup, TotalGlsLatency, both of AccountForest and of ResourceForest, ADLatency,
            # SharedCacheLatencyBreakup, TotalSharedCacheLatency: lookups that we do not make.
            f",,0,,0,,0,0,,0"
            f",{total}"  # ActivityContextLifeTime
            # ModuleToHandlerSwitchingLatency: one thread, nothing to switch to. ClientReqStreamLatency: not
            # to be told from BackendReqStreamLatency.
            f",0,"
            f",{init}"  # BackendReqInitLatency: a connection was to be had
            f",{stream}"  # BackendReqStreamLatency: the request was passed on
            f",{processing}"  # BackendProcessingLatency: the backend had it, and was silent
            f",{begun}"  # BackendRespInitLatency: part of the former
            f",{answer}"  # BackendRespStreamLatency: the answer was passed on
            f",,"  # ClientRespStreamLatency, KerberosAuthHeaderLatency: not measured, not done
            f",{completion}"  # HandlerCompletionLatency: the answer was here, the exchange not over
            f",{total},0"  # RequestHandlerLatency, HandlerToModuleSwitchingLatency
            f",{proxy_time}"  # ProxyTime: the sum of the Backend... ones
            f",{core}"  # CoreLatency: overhead without routing
            f",{overhead},{overhead}"  # RoutingLatency, HttpProxyOverhead: all that was not waiting
            f",{total},"  # TotalRequestTime, RouteRefresherLatency
            f",{tell_query(ledger.query)},"  # UrlQuery, BackEndGenericInfo
            f",{generic_info(ledger, began, moments, told)}"  # GenericInfo
            f",{errors}"  # GenericErrors
            f"{told.tail}\r\n"  # EdgeTraceId to RoutingStatus
        ).encode("utf-8", "replace")

    def _routed(self, ledger: Ledger, proxied: bool) -> Routed:
        """The columns that repeat, from what is kept if they do."""
        version, host = ledger.backend_version, ledger.backend_host
        if host is not None:
            # MAPI alone tells the version; the other protocols and failures are told it from there.
            if version is None:
                version = self._versions.get(host)
            elif self._versions.get(host) != version:
                self._versions[host] = version
        authenticated = is_authenticated(ledger)
        key = (
            proxied, authenticated, version, host, ledger.session, ledger.user_agent, ledger.client_ip,
            ledger.host, ledger.method, ledger.user, ledger.auth_scheme, ledger.by_form,
            ledger.mailbox, ledger.route, ledger.anchor, ledger.protocol, ledger.backend,
            ledger.routed_by, ledger.client_application,
            ledger.query if ledger.protocol == "PowerShell" else None,
        )  # fmt: skip
        told = self._kept.get(key)
        if told is None:
            told = tell_routed(ledger, proxied, authenticated, version)
            if sum(len(part) for part in key if type(part) is str) <= KEPT_SIZE:
                if len(self._kept) >= KEPT:
                    self._kept.popitem(last=False)
                self._kept[key] = told
        return told

    def _ids(self, ledger: Ledger) -> str:
        """RequestId, the four numbers of our version, and ClientRequestId.

        The latter is for Mapi ``R:..;RT:..;CI:..;CID:..``, where no value may bring a semicolon of its own
        (7 rule 8), and as sent for all others.
        """
        if ledger.protocol != "Mapi":
            return f"{clean_item(ledger.request_id)},{self._build},{clean(ledger.client_request_id)}"
        values = (
            ledger.mapi_request_id or "",
            ledger.request_type or "",
            ledger.client_info or "",
            ledger.client_request_id or "<null>",
        )
        first, second, third, fourth = values
        # One look at the whole is cheaper than five at its parts, and nearly always enough.
        if is_harmless(f"{ledger.request_id}{first}{second}{third}{fourth}"):
            return f"{ledger.request_id},{self._build},R:{first};RT:{second};CI:{third};CID:{fourth}"
        shown = "R:{};RT:{};CI:{};CID:{}".format(*map(clean_item, values))
        return f"{clean_item(ledger.request_id)},{self._build},{shown}"
