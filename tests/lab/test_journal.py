"""A book that several servers share and that outlives them."""

from __future__ import annotations

from pathlib import Path

from support.lab import ALICE, backend, read_request, request_bytes

from mapiproxy.lab.backend import Seen
from mapiproxy.lab.journal import Journal, count_executions, read_journal


def test_what_was_written_stands_there_at_once_whoever_wrote_it(tmp_path: Path) -> None:
    one, two = (Journal(tmp_path / "j", name) for name in ("ONE", "TWO"))
    one.executed("{A}:1", "alice")
    two.executed("{A}:2", "bob")

    assert list(read_journal(tmp_path / "j")) == [
        {"server": "ONE", "event": "execute", "request_id": "{A}:1", "login": "alice", "code": None},
        {"server": "TWO", "event": "execute", "request_id": "{A}:2", "login": "bob", "code": None},
    ]
    one.close()
    two.close()


def test_a_book_that_nobody_wrote_is_empty(tmp_path: Path) -> None:
    assert list(read_journal(tmp_path / "none")) == []


def test_answers_stand_by_their_names_and_refusals_as_such(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "j", "ONE")
    for request_type, code in (("Connect", 0), ("Execute", 10), ("NotificationWait", 0)):
        journal.answered(Seen("POST", request_type, "{A}:1", "alice", code, None))
    journal.close()

    told = [(line["event"], line["code"]) for line in read_journal(tmp_path / "j")]
    assert told == [("connect", 0), ("refused", 10), ("notificationwait", 0)]


def test_what_is_told_elsewhere_or_is_no_mapi_is_left_out(tmp_path: Path) -> None:
    """An Execute was written when it began; a probe and a 401 have no code."""
    journal = Journal(tmp_path / "j", "ONE")
    journal.answered(Seen("POST", "Execute", "{A}:1", "alice", 0, None))
    journal.answered(Seen("GET", None, None, None, None, None))
    journal.answered(Seen("POST", "Connect", "{A}:1", None, None, None))
    journal.close()

    assert list(read_journal(tmp_path / "j")) == []


def test_a_server_tells_of_each_execute_and_of_each_answer(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "j", "ONE")
    server = backend("exchange")
    server.on_execution, server.on_seen = journal.executed, journal.answered
    connected = server.answer(read_request(request_bytes("Connect", request_id="{G}:1")), 1.0, {})
    cookies = "; ".join(
        line.split(b": ", 1)[1].split(b";")[0].decode()
        for line in connected.raw.split(b"\r\n")
        if line.lower().startswith(b"set-cookie")
    )
    server.answer(read_request(request_bytes("Execute", cookies=cookies, request_id="{G}:2")), 2.0, {})
    server.answer(read_request(request_bytes("Execute", request_id="{G}:3")), 3.0, {})
    journal.close()

    lines = list(read_journal(tmp_path / "j"))
    assert [(line["event"], line["request_id"]) for line in lines] == [
        ("connect", "{G}:1"), ("execute", "{G}:2"), ("refused", "{G}:3"),
    ]  # fmt: skip
    assert {line["login"] for line in lines} == {ALICE.login}


def test_executions_of_several_books_are_counted_by_request(tmp_path: Path) -> None:
    for name, requests in (("one", ("{A}:1", "{A}:2")), ("two", ("{A}:2",))):
        journal = Journal(tmp_path / name, name)
        for request in requests:
            journal.executed(request, "alice")
        journal.answered(Seen("POST", "Connect", "{A}:9", "alice", 0, None))
        journal.close()

    counted = count_executions(tmp_path / "one", tmp_path / "two", tmp_path / "none")
    assert counted == {"{A}:1": 1, "{A}:2": 2}
