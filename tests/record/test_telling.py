"""Statistics for people."""

from __future__ import annotations

import json

from support.ledgers import execute

from mapiproxy.record.ending import Ending
from mapiproxy.record.statistics import Statistics
from mapiproxy.record.telling import tell

KEYS = {"requests", "errors", "retries", "redispatches", "execute", "codes", "bytes_in", "bytes_out"}


def test_a_server_that_nobody_asked_is_told_of() -> None:
    told = tell(Statistics(), 0.0, 0.0, [("mail", "exch1")])

    assert told["backends"] == {
        "mail/exch1": {
            "requests": 0, "errors": {"connect": 0, "response": 0, "denied": 0}, "retries": 0,
            "redispatches": 0, "execute": {"count": 0, "p50_ms": None, "p95_ms": None}, "codes": {},
            "bytes_in": 0, "bytes_out": 0,
        }
    }  # fmt: skip
    assert (told["builds"], told["vdirs"]) == ({}, {})


def test_virtual_directories_of_a_server_are_added_up() -> None:
    statistics = Statistics()
    for ledger in (
        execute(pool="mail"),
        execute(pool="mail", response_code=10),
        execute(pool="mail", protocol="Ews", request_type=None, response_code=None, status=500, backend_status=500),
        execute(pool="mail", backend=None, backend_status=None, status=503, ending=Ending.REFUSED, response_code=None),
    ):
        statistics.add(ledger)
    told = tell(statistics, 0.0, 0.0)
    exch1, nobody = (told["backends"][name] for name in ("mail/exch1", "mail/-"))

    assert set(exch1) == KEYS
    assert (exch1["requests"], exch1["codes"]) == (3, {"0": 1, "10": 1})
    assert exch1["errors"] == {"connect": 0, "response": 1, "denied": 0}
    assert (exch1["execute"]["count"], exch1["bytes_in"], exch1["bytes_out"]) == (2, 210, 396)
    assert 8 < exch1["execute"]["p50_ms"] < 12
    assert (nobody["requests"], nobody["errors"]["denied"]) == (1, 1)
    assert told["vdirs"] == {"mapi": {"requests": 3, "errors": 1}, "ews": {"requests": 1, "errors": 1}}
    assert told["builds"] == {"Outlook 16.0.16731": 4}
    assert json.loads(json.dumps(told)) == told


def test_the_series_end_when_their_last_step_did() -> None:
    series = tell(Statistics(100.0), 104.0, 1000.0)["series"]

    assert (series["step"], series["end"]) == (10, 996)
    assert {len(values) for name, values in series.items() if name not in {"step", "end"}} == {360}
