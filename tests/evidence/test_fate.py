"""How it went, row by row: the table of what each combination means."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from support.ledgers import ledgers
from support.logrows import (
    ABORTED_UPLOAD,
    CONNECT,
    EXECUTE,
    FORMAT,
    REDIRECT,
    RPC_2013,
    SERVER_ERROR,
    UNAUTHORIZED,
    row,
    rows_of,
    their_row,
)

from mapiproxy.evidence.fate import Fate, fate_of, is_plainly_fine
from mapiproxy.record.ending import Ending
from mapiproxy.record.ledger import Ledger


def test_the_lines_of_the_reference() -> None:
    lines = (CONNECT.encode(), EXECUTE.encode(), RPC_2013.encode(), ABORTED_UPLOAD, UNAUTHORIZED, SERVER_ERROR, REDIRECT)

    assert [fate_of(rows_of([line])[0]) for line in lines] == [
        Fate.FINE,
        Fate.FINE,
        Fate.BROKEN,
        Fate.CLIENT_LOST,
        Fate.CHALLENGE,
        Fate.BACKEND_ERROR,
        Fate.FINE,
    ]


REFUSED = {"ending": Ending.REFUSED, "backend_status": None, "backend": None, "response_code": None}


@pytest.mark.parametrize(
    ("changes", "fate"),
    [
        ({}, Fate.FINE),
        ({"response_code": None}, Fate.FINE),
        ({"response_code": 10}, Fate.CODE),
        ({"response_code": 0, "late_response_code": 15}, Fate.CODE),
        ({"status": 401, "backend_status": 401}, Fate.CHALLENGE),
        ({"status": 500, "backend_status": 500}, Fate.BACKEND_ERROR),
        ({"status": 403, "backend_status": 403}, Fate.BACKEND_DENIED),
        ({"phase": "Answer"}, Fate.CLIENT_LOST),
        ({"phase": "Wait", "ending": Ending.BACKEND_LOST, "status": None, "backend_status": None}, Fate.BACKEND_LOST),
        ({"phase": "Dial", "ending": Ending.CONNECT_FAILED, "status": 503, "backend_status": None}, Fate.NO_BACKEND),
        ({"phase": "Wait", "ending": Ending.TIMED_OUT, "status": None, "backend_status": None}, Fate.BACKEND_SILENT),
        ({"phase": "Request", "ending": Ending.TIMED_OUT, "status": 408, "backend_status": None}, Fate.CLIENT_SILENT),
        ({"phase": "Head", "ending": Ending.PROTOCOL_ERROR, "status": 400, "backend_status": None}, Fate.REFUSED),
        ({"phase": "Answer", "ending": Ending.PROTOCOL_ERROR}, Fate.BACKEND_LOST),
        ({"phase": "Answer", "ending": Ending.SHUTDOWN}, Fate.SHUTDOWN),
        ({**REFUSED, "phase": "Head", "status": 503, "error": "no backend of 'exchange' can be reached"}, Fate.NO_BACKEND),
        ({**REFUSED, "phase": "Head", "status": 503, "error": "EXCH1, which has the session, cannot be reached now"}, Fate.NO_BACKEND),
        ({**REFUSED, "phase": "Head", "status": 503, "error": "too many requests of this mailbox"}, Fate.REFUSED),
        ({**REFUSED, "phase": "Head", "status": 403, "error": "denied by the firewall rule 'x'"}, Fate.REFUSED),
        ({**REFUSED, "phase": "Head", "status": 200, "response_code": 10}, Fate.CODE),
        ({**REFUSED, "phase": "Head", "status": 401}, Fate.CHALLENGE),
    ],
)  # fmt: skip
def test_ours(changes: dict[str, Any], fate: Fate) -> None:
    assert fate_of(row(**changes)) is fate


@pytest.mark.parametrize(
    ("status", "theirs", "fate"),
    [
        (503, "", Fate.NO_BACKEND),
        (403, "", Fate.REFUSED),
        (500, 200, Fate.REFUSED),
        (503, 500, Fate.REFUSED),
        (500, 500, Fate.BACKEND_ERROR),
        (404, 404, Fate.BACKEND_DENIED),
        (302, 302, Fate.FINE),
        ("", "", Fate.FINE),
    ],
)
def test_exchange_and_who_decided(status: object, theirs: object, fate: Fate) -> None:
    assert fate_of(their_row(HttpStatus=status, BackEndStatus=theirs)) is fate


@given(ledgers())
def test_the_quick_look_never_overlooks_what_the_closer_one_sees(ledger: Ledger) -> None:
    (found,) = rows_of([FORMAT.line(ledger)])
    if is_plainly_fine(found):
        assert found.ending == "Done"
        assert (found.status, found.backend_status, found.code or 0) == (200, 200, 0)
