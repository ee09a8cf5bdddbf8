"""Labels that are bounded."""

from __future__ import annotations

import base64

import attrs
import pytest
from hypothesis import given
from support.ledgers import execute, ledgers

from mapiproxy.backends.vdir import SHAPES
from mapiproxy.mapi.vocabulary import REQUEST_TYPES
from mapiproxy.record.ledger import Ledger
from mapiproxy.record.series import (
    METHODS,
    OTHER,
    folded,
    is_ping,
    is_plain,
    labels_of,
    may_ping,
    wait_of,
)

VDIRS = {"", OTHER, *SHAPES}
TYPES = {"", OTHER, *REQUEST_TYPES.values()}


@given(ledgers())
def test_what_clients_say_becomes_a_known_word_or_other(ledger: Ledger) -> None:
    labels = labels_of(ledger)

    assert labels.vdir in VDIRS
    assert labels.request_type in TYPES
    assert labels.method in {"", OTHER, *METHODS}
    assert labels.status in {"", OTHER} or 100 <= int(labels.status) <= 599
    assert labels.code in {"", OTHER} or 0 <= int(labels.code) < 100
    assert (labels.backend, labels.pool) == (ledger.backend or "", ledger.pool or "")


def test_an_execute_is_told_as_it_is() -> None:
    assert labels_of(execute(pool="mail")) == ("mapi", "mail", "exch1", "Execute", "POST", "200", "0")


def test_a_request_type_is_known_in_any_spelling_but_not_by_sight() -> None:
    shouted = execute(request_type="EXECUTE")
    assert labels_of(shouted).request_type == "Execute"
    assert not is_plain(shouted)
    assert is_plain(execute())


def test_the_code_after_done_wins_unless_it_is_0() -> None:
    assert labels_of(execute(response_code=0, late_response_code=10)).code == "10"
    assert labels_of(execute(response_code=5, late_response_code=0)).code == "5"
    assert labels_of(execute(response_code=None)).code == ""


def test_a_request_type_means_nothing_elsewhere() -> None:
    """Whoever is not let in may send any; there are sixteen, and eight virtual directories on each server."""
    for shape in SHAPES.values():
        known = labels_of(execute(protocol=shape.protocol, request_type="Execute")).request_type
        assert known == ("Execute" if shape.name == "mapi" else "")


def test_what_is_published_nowhere_belongs_to_no_virtual_directory() -> None:
    assert labels_of(execute(backend=None, status=404)).vdir == ""
    assert labels_of(execute(backend=None, status=400, method="")).vdir == ""
    assert labels_of(execute(backend=None, status=503)).vdir == "mapi"
    assert labels_of(execute(status=404)).vdir == "mapi"


def test_waits_are_known() -> None:
    kinds = {
        wait_of(labels_of(execute(**changes)))
        for changes in (
            {"request_type": "NotificationWait"},
            {"protocol": "RpcHttp", "request_type": None, "method": "RPC_OUT_DATA"},
            {"protocol": "RpcHttp", "request_type": None},
            {},
        )
    }
    assert kinds == {"notification", "channel", None}


@pytest.mark.parametrize(
    ("query", "ping"),
    [
        ("?Cmd=Ping&User=a&DeviceId=b&DeviceType=c", True),
        ("?User=a&cmd=ping", True),
        ("?Cmd=Sync&User=a", False),
        ("?Cmd=PingPong", False),
        ("?User=Cmd%3DPing", False),
        ("?" + base64.b64encode(bytes((141, 18, 9, 4, 1, 2, 3))).decode(), True),
        ("?" + base64.b64encode(bytes((141, 0, 9, 4, 1, 2, 3))).decode(), False),
        ("?", False),
        ("", False),
    ],
)
def test_a_ping_of_activesync_is_known_by_its_query(query: str, ping: bool) -> None:
    assert is_ping(query) is ping


def test_only_a_post_to_activesync_may_be_a_ping() -> None:
    assert may_ping(labels_of(execute(protocol="Eas", request_type=None)))
    assert not may_ping(labels_of(execute(protocol="Eas", request_type=None, method="OPTIONS")))
    assert not may_ping(labels_of(execute()))


def test_folding_keeps_what_is_configured() -> None:
    assert folded(labels_of(execute(pool="mail"))) == ("mapi", "mail", "exch1", *[OTHER] * 4)


def test_no_label_is_about_a_person() -> None:
    """Whatever a ledger holds about a person, changing it changes no label."""
    private = [
        each.name
        for each in attrs.fields(Ledger)
        if each.name in {"user", "mailbox", "client_ip", "session", "host", "path", "query", "user_agent",
                         "client_info", "client_request_id", "mapi_request_id", "backend_host", "request_id"}
    ]  # fmt: skip
    assert len(private) == 13
    assert labels_of(execute(**dict.fromkeys(private, "SECRET"))) == labels_of(execute())
