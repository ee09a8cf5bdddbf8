"""GenericInfo: Exchange's keys in Exchange's order (reference exchange-httpproxy 1.5), then our own.

The ordinary exchange, complete and within one second, is told by a shorter way: its text is nearly half of
a line's cost.
"""

from __future__ import annotations

from mapiproxy.record.cleaning import clean_item
from mapiproxy.record.ending import Ending
from mapiproxy.record.ledger import Ledger
from mapiproxy.record.phases import Moments, Phase
from mapiproxy.record.routed import Routed
from mapiproxy.record.stamps import MILLISECONDS, second, stamp

#: The ProxyState in which an exchange ended (1.4(4)); Exchange has no word for our dialling.
PROXY_STATES = {
    Phase.HEAD: "PrepareServerRequest",
    Phase.DIAL: "PrepareServerRequest",
    Phase.REQUEST: "ProxyRequestData",
    Phase.WAIT: "WaitForServerResponse",
    Phase.ANSWER: "ProxyResponseData",
}


def generic_info(ledger: Ledger, began: int, moments: Moments, routed: Routed) -> str:
    """All of it.

    :param began: microseconds since 1970 of the request's head.
    """
    phase, end, chosen, connected, asked, answered, done = moments
    fresh = routed.fresh if ledger.new_connection else ""
    begin_ms = began // 1000
    at, last = divmod(begin_ms, 1000)
    late = (began + end) // 1000 - begin_ms
    if done is not None and last + late < 1000 and ledger.backend_status != 401:
        # All moments are known, in one second.
        text, ms, rest = second(at), MILLISECONDS, began - at * 1_000_000
        answer = ms[(rest + answered) // 1000]  # type: ignore[operator]
        return (
            f"BeginRequest={text}{ms[last]};CorrelationID=<empty>;ProxyState-Run=None;{routed.front}{fresh}"
            f"BeginGetRequestStream={text}{ms[(rest + chosen) // 1000]};"  # type: ignore[operator]
            f"OnRequestStreamReady={text}{ms[(rest + connected) // 1000]};"  # type: ignore[operator]
            f"BeginGetResponse={text}{ms[(rest + asked) // 1000]};"  # type: ignore[operator]
            f"OnResponseReady={text}{answer};EndGetResponse={text}{answer};"
            f"ProxyState-Complete=ProxyResponseData;EndRequest={text}{ms[last + late]};{routed.own}"
            f"{_own_info(ledger, phase)}"
        )
    info = [f"BeginRequest={stamp(begin_ms)};CorrelationID=<empty>;ProxyState-Run=None;"]
    if chosen is not None:
        info.append(routed.front)
        info.append(fresh)
        info.append(f"BeginGetRequestStream={stamp((began + chosen) // 1000)};")
    if connected is not None:
        info.append(f"OnRequestStreamReady={stamp((began + connected) // 1000)};")
    if asked is not None:
        info.append(f"BeginGetResponse={stamp((began + asked) // 1000)};")
    if answered is not None:
        answer = stamp((began + answered) // 1000)
        info.append(f"OnResponseReady={answer};EndGetResponse={answer};")
    state = "WaitForServerResponse" if ledger.backend_status == 401 else PROXY_STATES[phase]
    info.append(f"ProxyState-Complete={state};EndRequest={stamp((began + end) // 1000)};{routed.own}")
    info.append(_own_info(ledger, phase))
    return "".join(info)


def _own_info(ledger: Ledger, phase: Phase) -> str:
    """Our own keys that do not repeat; those without a value are left out.

    Of :class:`Routed` there are before them MapiSession: digest of the session cookie, RoutedBy: why this
    backend, Backend: its name in our settings, ClientApplication: X-ClientApplication. Here X-ResponseCode:
    of the answer's head, LateResponseCode: the one after DONE. Pendings: how many PENDING came.
    ServerElapsed: X-ElapsedTime in ms. BackEndRequestId: the backend's request-id. Retries: dials that
    failed, backends lost. MovedFrom: the address that the session came from before. Ending, Phase: how and
    where an exchange ended; Phase only if it did not end well.
    """
    info = ""
    if ledger.response_code is not None:
        info = f"X-ResponseCode={ledger.response_code};"
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
        return info + "Ending=Done;"
    return f"{info}Ending={ledger.ending.value};Phase={phase.value};"
