"""Where does a rule strike? Each field narrows; decisions are made once."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest
from support.network import CONNECTION, MAILBOX, answer, request

from mapiproxy.lab.network.observer import Observer
from mapiproxy.lab.network.pieces import Connection, Piece, Place
from mapiproxy.lab.network.reading import BadRule
from mapiproxy.lab.network.rule import parse_rule
from mapiproxy.lab.network.selector import Aim, Selector


def selector(**table: Any) -> Selector:
    return parse_rule({"fault": "latency", "delay": "1s", **table}).selector


def struck(aim: Aim, *, types: tuple[str, ...] = ("Execute",) * 12, cookie: str = "") -> list[int]:
    """Which of some requests on one connection are struck, from 1."""
    observer = Observer(Connection(1, "127.0.0.1"))
    found = []
    for number, kind in enumerate(types, 1):
        headers = [f"Cookie: MapiContext={cookie}"] if cookie else []
        for item in observer.request(request(kind, headers=headers)):
            if aim.strikes(item.place) and aim.struck_now(item.place):
                found.append(number)
    return found


def aim(seed: int = 1, **table: Any) -> Aim:
    return Aim(selector(**table), Random(seed), per_request=True)


def test_request_types_in_any_case() -> None:
    assert struck(aim(request_type="EXECUTE"), types=("Connect", "execute", "Execute")) == [2, 3]


def test_mailboxes_in_any_case() -> None:
    assert struck(aim(mailbox=MAILBOX.upper()), types=("Connect",)) == [1]
    assert struck(aim(mailbox="other@example.test"), types=("Connect",)) == []


def test_the_nth_and_every_nth_count_fitting_requests() -> None:
    types = ("Connect", "Execute", "PING", "Execute", "Execute", "Execute")
    assert struck(aim(request_type="Execute", nth=2), types=types) == [4]
    assert struck(aim(request_type="Execute", every=2), types=types) == [4, 6]


def test_the_nth_is_counted_for_each_session() -> None:
    one = aim(nth=2)
    assert struck(one, cookie="a", types=("Execute",)) == []
    assert struck(one, cookie="b", types=("Execute",)) == []
    assert struck(one, cookie="a", types=("Execute",)) == [1]
    assert struck(one, cookie="b", types=("Execute",)) == [1]


def test_a_limit_is_of_all_together() -> None:
    one = aim(limit=3)
    assert struck(one, types=("Execute",) * 2) == [1, 2]
    assert struck(one) == [1]


def test_chance_is_of_the_seed_and_asked_once_for_each_request() -> None:
    assert struck(aim(probability=0.5)) == struck(aim(probability=0.5))
    assert len({str(struck(aim(seed, probability=0.5))) for seed in range(10)}) > 5
    assert struck(aim(probability=0.0)) == []
    assert 200 < len(struck(aim(probability=0.25), types=("Execute",) * 1000)) < 300


@pytest.mark.parametrize(("client", "fits"), [("127.0.0.0/8", True), ("127.0.0.1", True), ("10.0.0.0/8", False), ("::1", False)])
def test_clients_by_network(client: str, fits: bool) -> None:
    assert selector(client=client).fits(Place(CONNECTION)) == fits


def test_backends() -> None:
    assert selector(backend="127.0.0.1:443").fits(Place(CONNECTION))
    assert not selector(backend="127.0.0.1:444").fits(Place(CONNECTION))


def test_phases_and_their_numbers() -> None:
    observer = Observer(CONNECTION)
    observer.request(request("NotificationWait"))
    items = observer.answer(answer(pendings=3))

    def payload(**table: Any) -> bytes:
        one = selector(**table)
        return b"".join(item.payload for item in items if one.fits(item.place))

    assert payload(phase="pending") == b"PENDING\r\n" * 3
    assert payload(phase="pending", pending=2) == b"PENDING\r\n"
    assert payload(phase="in_binary") == b"0123456789"
    assert payload(phase="idle") == b""
    assert payload(request_type="Execute", phase="pending") == b""


def test_a_byte_within_a_piece() -> None:
    one = selector(phase="in_binary", at=4)
    piece = Piece(b"0123456789", Place(CONNECTION, "in_binary", offset=2), b"0123456789")
    assert one.begins_within(piece) == 2
    first, rest = piece.split(2)
    assert (one.fits(first.place), one.fits(rest.place)) == (False, True)
    assert selector(phase="request_body", at=4).begins_within(piece) == 0


def test_connecting_is_meant_only_by_name() -> None:
    assert not selector().fits(Place(CONNECTION, "connect"))
    assert selector(phase="connect").fits(Place(CONNECTION, "connect"))


@pytest.mark.parametrize(
    ("table", "text"),
    [
        ({"pending": 2}, 'pending is of phase = "pending"'),
        ({"at": 2, "phase": "idle"}, "at is of the phases request_body and in_binary"),
        ({"phase": "connect", "request_type": "PING"}, "there is no request to select by"),
        ({"phase": "processing"}, 'phase: "processing" is not one of connect, tls, request_head'),
        ({"nth": 0}, "nth: 0 is not a whole number of 1 or more"),
        ({"probability": 1.5}, "probability: 1.5 is not a number from 0 to 1"),
        ({"client": "home"}, "client:"),
    ],
)
def test_what_contradicts_itself(table: dict[str, Any], text: str) -> None:
    with pytest.raises(BadRule) as caught:
        selector(**table)
    assert text in str(caught.value)
