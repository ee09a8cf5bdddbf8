"""A book that several servers share and that outlives them."""

from __future__ import annotations

from pathlib import Path

from support.lab import ALICE, backend, read_request, request_bytes

from mapiproxy.lab.journal import Journal, read_journal


def test_what_was_written_stands_there_at_once_whoever_wrote_it(tmp_path: Path) -> None:
    one, two = (Journal(tmp_path / "j", name) for name in ("ONE", "TWO"))
    one.executed("{A}:1", "alice")
    two.executed("{A}:2", "bob")

    assert [(line["server"], line["request_id"], line["login"]) for line in read_journal(tmp_path / "j")] == [
        ("ONE", "{A}:1", "alice"), ("TWO", "{A}:2", "bob"),
    ]  # fmt: skip
    one.close()
    two.close()


def test_a_book_that_nobody_wrote_is_empty(tmp_path: Path) -> None:
    assert list(read_journal(tmp_path / "none")) == []


def test_a_server_tells_of_each_execute() -> None:
    told: list[tuple[str, str]] = []
    server = backend("exchange")
    server.on_execution = lambda request_id, login: told.append((request_id, login))
    connected = server.answer(read_request(request_bytes("Connect")), 1.0, {})
    cookies = "; ".join(
        line.split(b": ", 1)[1].split(b";")[0].decode()
        for line in connected.raw.split(b"\r\n")
        if line.lower().startswith(b"set-cookie")
    )
    server.answer(read_request(request_bytes("Execute", cookies=cookies, request_id="{G}:2")), 2.0, {})

    assert told == [("{G}:2", ALICE.login)]
