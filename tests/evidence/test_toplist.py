"""A log summed up by one key."""

from __future__ import annotations

import json

import pytest
from support.ledgers import execute
from support.logrows import FORMAT, START, line, rows_of

from mapiproxy.evidence.row import Row
from mapiproxy.evidence.toplist import KEYS, Tally, TopList, build_of
from mapiproxy.record.ending import Ending


def rows() -> list[Row]:
    """Alice: three Executes, one of which fails, and a wait; Bob: a 401 and a slow one."""
    return rows_of(
        [
            line(at=0, user="A\\Alice", wait=10),
            line(at=1000, user="A\\ALICE", wait=20),
            line(at=2000, user="A\\alice", wait=30, ending=Ending.BACKEND_LOST, phase="Wait"),
            line(at=3000, user="A\\alice", wait=300_000, request_type="NotificationWait"),
            line(at=4000, user="A\\bob", status=401, backend_status=401, backend="exch2"),
            line(at=5000, user="A\\bob", wait=2000, backend="exch2", client_ip="10.0.0.9"),
        ]
    )


def summed(by: str, limit: int = 100) -> TopList:
    result = TopList(by, limit)
    result.read(rows())
    result.finish()
    return result


def test_users_are_counted_whatever_their_case_and_waits_apart() -> None:
    found = dict(summed("user").top(10))

    # Our own 401s name nobody: nobody has looked at the credentials.
    assert {name: tally.count for name, tally in found.items()} == {"a\\alice": 4, "a\\bob": 1, "(nobody)": 1}
    alice = found["a\\alice"]
    assert (alice.errors, alice.waits, alice.wait_times.most, alice.times.most) == (1, 1, 300_000, 30)
    assert found["(nobody)"].challenges == 1
    assert (alice.bytes_in, alice.bytes_out) == (4 * 70, 4 * 132)


@pytest.mark.parametrize(
    ("by", "groups"),
    [
        ("client", {"10.12.13.14": 5, "10.0.0.9": 1}),
        ("backend", {"exch1": 4, "exch2": 2}),
        ("type", {"Execute": 5, "NotificationWait": 1}),
        ("mailbox", {"0aa89cf8-1111-2222-3333-444455556666": 6}),
        ("build", {"Outlook 16.0.16731.20000": 6}),
    ],
)
def test_every_key(by: str, groups: dict[str, int]) -> None:
    assert {name: tally.count for name, tally in summed(by).top(10)} == groups
    assert by in KEYS


def test_the_sum_and_its_time() -> None:
    found = summed("type")

    assert (found.all.count, found.all.errors, found.all.challenges, found.all.waits) == (6, 1, 1, 1)
    assert (found.first, found.last) == (START, START + 5000)
    assert found.all.times.most == 2000


def test_an_order_and_an_honest_rest() -> None:
    found = summed("user")

    assert [name for name, _ in found.top(2, "p95")] == ["a\\bob", "a\\alice"]
    number, others = found.rest(1, "p95")
    assert (number, others.count) == (2, 5)


def test_with_too_many_groups_nothing_is_lost() -> None:
    result = TopList("user", limit=4)
    for number in range(50):
        result.read(rows_of([line(at=number, user=f"A\\user{number}"), line(at=number, user="A\\busy")]))
    result.finish()

    assert (result.all.count, result.top(1)[0][0], len(result.groups.groups) <= 4) == (100, "a\\busy", True)
    number, others = result.rest(1)
    assert others.count == 100 - result.top(1)[0][1].count
    plain = result.as_plain(1)
    assert plain["others"]["folded"] == result.groups.folds > 0
    assert plain["groups"][0]["missed_at_most"] >= 0


def test_json_says_what_the_table_says() -> None:
    plain = json.loads(json.dumps(summed("user").as_plain(1)))

    assert plain["groups"][0]["user"] == "a\\alice"
    assert plain["groups"][0]["max_ms"] == 30
    assert (plain["from"], plain["all"]["count"]) == ("2024-01-24T15:26:40.000Z", 6)
    assert plain["others"]["groups_at_most"] == 2


def test_a_build_is_a_version_of_outlook_or_what_it_says() -> None:
    assert build_of("Microsoft Office/16.0 (Windows NT 10.0; Microsoft Outlook 16.0.16731; Pro)") == "Outlook 16.0.16731"
    assert build_of("MSRPC") == "MSRPC"


def test_a_row_with_odd_numbers_counts() -> None:
    tally = Tally()
    (found,) = rows_of([FORMAT.line(execute()).replace(b",70,132,", b",,132.7,")])
    tally.add(found)

    assert (tally.bytes_in, tally.bytes_out) == (0, 133)
