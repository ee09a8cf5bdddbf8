"""Where the numbers come from: books, journals, the proxy itself."""

from __future__ import annotations

from support.scenarios import FRAME, play, step

from mapiproxy.lab.seen import Seen
from mapiproxy.scenario.facts import server_facts
from mapiproxy.scenario.hosts import Books, Entry
from mapiproxy.scenario.subjects import SUBJECTS


def entry(server: str, request_id: str, login: str | None, code: int | None = 0, connection: int = 1,
          request_type: str = "Execute") -> Entry:  # fmt: skip
    return Entry(server, 1, Seen("POST", request_type, request_id, login, code, connection))


def test_contexts_that_moved_and_people_that_were_mixed_up() -> None:
    books = Books()
    books.entries += [
        entry("MBX1", "{A}:1", "alice", request_type="Connect"),
        entry("MBX1", "{A}:2", "alice"),
        entry("MBX2", "{A}:3", "alice", connection=4),
        entry("MBX1", "{B}:1", "bob", 10),
        entry("MBX1", "{A}:4", "bob"),
        entry("MBX1", "{C}:1", None, None),
    ]
    books.executed.update(["{A}:2", "{A}:3", "{A}:3"])

    assert server_facts(books) == {
        "executed_twice": 1,
        "contexts_made": 1,
        "moved_backends": 1,
        "wrong_person": 1,
        "shared_connections": 1,
        "at_servers": {"MBX1": 4, "MBX2": 1},
        "server_codes": {"10": 1},
    }


def test_every_number_that_can_be_expected_is_there_after_a_run() -> None:
    two = FRAME + '[[client]]\nname = "bob"\n'
    facts = play(step("20s", "mail"), frame=two).facts

    assert set(SUBJECTS) <= set(facts)
    assert facts["connects"] == 4
    assert facts["contexts_made"] == 4
    assert facts["at_servers"].keys() <= {"MBX1", "MBX2"}
    assert facts["log"]["lines"]["all"] > 10
    assert facts["executes"] > 0
