"""GenericInfo: both ways of making it say the same."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st
from support.ledgers import execute, in_order, ledgers

from mapiproxy.record.ending import Ending
from mapiproxy.record.info import generic_info
from mapiproxy.record.ledger import Ledger
from mapiproxy.record.phases import moments_of
from mapiproxy.record.routed import tell_routed
from mapiproxy.record.stamps import stamp

ORDER = [
    "BeginRequest", "CorrelationID", "ProxyState-Run", "FEAuth", "NewConnection", "BeginGetRequestStream",
    "OnRequestStreamReady", "BeginGetResponse", "OnResponseReady", "EndGetResponse", "ProxyState-Complete", "EndRequest",
    "MapiSession", "RoutedBy", "Backend", "ClientApplication", "X-ResponseCode", "LateResponseCode", "Pendings",
    "ServerElapsed", "BackEndRequestId", "Retries", "MovedFrom", "Ending", "Phase",
]  # fmt: skip


def told(ledger: Ledger) -> list[tuple[str, str]]:
    routed = tell_routed(ledger, ledger.routed_at is not None, True, ledger.backend_version)
    text = generic_info(ledger, int(ledger.wall * 1e6 + 0.5), moments_of(ledger), routed)
    assert text.endswith(";")
    return [(item.split("=", 1)[0], item.split("=", 1)[1]) for item in text[:-1].split(";")]


@given(st.one_of(ledgers(), in_order()))
def test_keys_are_exchanges_in_its_order_and_then_ours(ledger: Ledger) -> None:
    keys = [key for key, _ in told(ledger)]
    assert keys == sorted(keys, key=ORDER.index)
    assert len(keys) == len(set(keys))


@given(in_order(), st.floats(0.0, 1.0))
def test_every_moment_is_that_of_the_ledger_whatever_the_second(ledger: Ledger, fraction: float) -> None:
    """The short way is for one second; its neighbours must not be told apart from the long one."""
    ledger.wall = 1706110007.0 + fraction
    began = int(ledger.wall * 1e6 + 0.5)
    _, end, *moments = moments_of(ledger)
    names = ["BeginGetRequestStream", "OnRequestStreamReady", "BeginGetResponse", "OnResponseReady"]
    expected = {"BeginRequest": stamp(began // 1000), "EndRequest": stamp((began + end) // 1000)}
    for name, moment in zip(names, moments, strict=False):
        if moment is not None:
            expected[name] = stamp((began + moment) // 1000)
    seen = dict(told(ledger))
    assert {key: value for key, value in seen.items() if key in [*names, "BeginRequest", "EndRequest"]} == expected
    assert seen.get("EndGetResponse") == seen.get("OnResponseReady")


def test_the_state_is_where_it_ended() -> None:
    cut = {"answer_at": None, "answer_ended_at": None, "backend_status": None}
    states = [
        (execute(), "ProxyResponseData"),
        (execute(status=403, backend_status=403), "ProxyResponseData"),
        (execute(status=401, backend_status=401), "WaitForServerResponse"),
        (execute(**cut), "WaitForServerResponse"),
        (execute(**cut, request_ended_at=None), "ProxyRequestData"),
        (execute(**cut, request_ended_at=None, connected_at=None), "PrepareServerRequest"),
        (execute(**cut, routed_at=None), "PrepareServerRequest"),
    ]
    for ledger, state in states:
        assert dict(told(ledger))["ProxyState-Complete"] == state


def test_moments_are_dates_and_the_end_says_how() -> None:
    seen = dict(told(execute(ending=Ending.TIMED_OUT, retries=1, moved_from="10.0.0.1;x", new_connection=True)))
    assert (seen["Ending"], seen["Phase"], seen["Retries"]) == ("TimedOut", "Answer", "1")
    assert seen["MovedFrom"] == "10.0.0.1 x"
    assert seen["NewConnection"] == "Host456.domain.tld&0"
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", seen["OnResponseReady"])
