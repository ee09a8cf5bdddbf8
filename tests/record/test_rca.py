"""The back end's own logs, as far as a front end can tell them."""

from __future__ import annotations

import csv
import io
import re

import pytest
from hypothesis import given
from support.ledgers import GUID, execute, ledgers

from mapiproxy.record.columns import LogIdentity
from mapiproxy.record.ending import Ending
from mapiproxy.record.ledger import Ledger
from mapiproxy.record.rca import FIELDS, BackEndLog, make_address_book, make_client_access
from mapiproxy.record.stamps import end_ms

IDENTITY = LogIdentity("MAIL1", "15.01.2507.035")


def told(log: BackEndLog, ledger: Ledger) -> dict[str, str] | None:
    line = log.line(ledger, end_ms(ledger))
    if line is None:
        return None
    text = line.decode("utf-8")
    assert text.endswith("\r\n")
    ((*values,),) = csv.reader(io.StringIO(text, newline=""))
    assert len(values) == len(FIELDS) == 23
    return dict(zip(FIELDS, values, strict=True))


def test_a_connect_is_told_with_what_a_front_end_knows() -> None:
    seen = told(make_client_access(IDENTITY), execute(request_type="connect", backend_host="10.1.2.3"))
    assert seen == dict.fromkeys(FIELDS, "") | {
        "date-time": "2024-01-24T15:26:47.957Z", "session-id": str(0x01234567), "seq-number": "0",
        "client-software": "OUTLOOK.EXE", "client-software-version": "16.0.16731.20000",
        "client-ip": "10.12.13.14", "server-ip": "10.1.2.3", "protocol": "MapiHttp",
        "request-ids": "R:{750498CA-0EBD-4E7F-B2F6-377AD1BDD198}:20373|A:3422ea93-768f-4cd4-8b0c-578038deb0b2|FE:MAIL1",
        "session-cookie": "C:0123456789abcdef", "operation": "Connect", "processing-time": "00:00:00.0030000",
        "operation-specific": f"MailboxId={GUID}@domain.tld, User=DOMAIN\\user, Backend=exch1",
    }  # fmt: skip


def test_without_an_elapsed_time_it_is_how_long_the_backend_was_silent() -> None:
    seen = told(make_client_access(IDENTITY), execute(request_type="Connect", elapsed_ms=None))
    assert seen is not None
    assert seen["processing-time"] == "00:00:00.0035000"


def test_lines_of_a_session_are_numbered_and_a_disconnect_is_the_last() -> None:
    log = make_client_access(IDENTITY)
    kinds = ["Connect", "Execute", "Execute", "Disconnect", "Connect"]
    facts = [{"request_type": kind} for kind in kinds]
    facts[2]["response_code"] = 10  # type: ignore[assignment]
    seen = [told(log, execute(**each)) for each in facts]
    assert [each and each["seq-number"] for each in seen] == ["0", None, "1", "2", "0"]
    assert [each and each["failures"] for each in seen] == ["", None, "X-ResponseCode 10", "", ""]


@pytest.mark.parametrize(
    "changes",
    [
        {}, {"request_type": "PING"}, {"request_type": "Connect", "backend_status": 401},
        {"request_type": "Connect", "routed_at": None}, {"request_type": "Connect", "protocol": "Ews"},
        {"request_type": "Bind", "path": "/mapi/nspi/"}, {"request_type": "Connect", "path": "/mapi/emsmdbx"},
        {"request_type": "NotificationWait", "ending": Ending.CLIENT_DISCONNECT},
    ],
)  # fmt: skip
def test_it_is_silent_about_what_exchange_is_silent_about(changes: dict[str, object]) -> None:
    """LoggingTag ConnectDisconnect and Failures; and nobody reaches a back end without a user."""
    assert told(make_client_access(IDENTITY), execute(**changes)) is None


@pytest.mark.parametrize(
    ("changes", "failure"),
    [
        ({"status": 500, "backend_status": 500}, "HTTP 500"),
        ({"late_response_code": 7}, "X-ResponseCode 7"),
        ({"response_code": 5, "request_type": "NoSuchThing"}, "X-ResponseCode 5"),
        ({"ending": Ending.BACKEND_LOST}, "BackendDisconnect"),
        ({"ending": Ending.CLIENT_DISCONNECT}, "ClientDisconnect"),
    ],
)
def test_failures_of_any_operation_are_told(changes: dict[str, object], failure: str) -> None:
    seen = told(make_client_access(IDENTITY), execute(**changes))
    assert seen is not None
    assert seen["failures"] == failure


def test_the_address_book_has_its_own() -> None:
    log = make_address_book(IDENTITY)
    assert (log.folder, log.prefix) == ("MAPI AddressBook Service", "MAPIAB_")
    seen = told(log, execute(request_type="Bind", path="/MAPI/nspi/"))
    assert seen is not None
    assert (seen["operation"], seen["protocol"]) == ("Bind", "MapiHttp")
    assert told(log, execute(request_type="Connect")) is None
    head = log.header(1706110007957).decode().split("\r\n")
    assert head[:4] == [
        "#Software: Microsoft Exchange Server", "#Version: 15.01.2507.035",
        "#Log-type: MAPI AddressBook Service Logs", "#Date: 2024-01-24T15:26:47.957Z",
    ]  # fmt: skip
    assert head[4] == f"#Fields: {','.join(FIELDS)}"


@given(ledgers())
def test_no_text_moves_a_column_or_breaks_a_line(ledger: Ledger) -> None:
    ledger.protocol, ledger.path, ledger.routed_at = "Mapi", "/mapi/emsmdb/", ledger.head_at
    ledger.request_type = "Connect"
    log = make_client_access(IDENTITY)
    line = log.line(ledger, end_ms(ledger))
    if ledger.backend_status == 401:
        assert line is None
        return
    assert line is not None
    assert not re.search("[\x00-\x1f\x7f-\x9f\u2028\u2029]", line.decode()[:-2])
    seen = told(log, ledger)
    assert seen is not None
    assert seen["operation"] == "Connect"
    assert seen["request-ids"].count("|") == 2


def test_numbers_of_sessions_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mapiproxy.record.rca.NUMBERED", 2)
    log = make_client_access(IDENTITY)
    for number in range(5):
        told(log, execute(request_type="Connect", session=f"{number:016x}"))
    assert len(log._numbers) == 2
