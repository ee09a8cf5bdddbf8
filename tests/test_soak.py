"""Many sessions, a random fault each second, and no harm done; and how fast a lost server is replaced.

Small here; with MAPIPROXY_LONG=1 it is 200 sessions for ten minutes for each kind, and prints its figures
(``MAPIPROXY_LONG=1 python -m pytest -s tests/test_soak.py``; MAPIPROXY_SOAK_SECONDS makes it shorter).
"""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from mapiproxy.lab.backend import Seen
from mapiproxy.lab.journal import Journal, read_journal
from mapiproxy.lab.step import Step
from mapiproxy.lab.users import LabUser
from mapiproxy.wire.heads import parse_response_head

ROOT = Path(__file__).resolve().parents[1]
LONG = bool(os.environ.get("MAPIPROXY_LONG"))
SECONDS = float(os.environ.get("MAPIPROXY_SOAK_SECONDS", "600")) if LONG else 8.0
SIZE = ("--sessions", "200") if LONG else ("--sessions", "20", "--pace", "0.2", "--wait", "2")
KINDS = ("exchange", "grommunio")
ALICE = LabUser("alice@example.test", "secret")


def summary_of(command: str, *arguments: str) -> dict[str, Any]:
    """Run it; its JSON, whatever its exit status says."""
    done = subprocess.run(
        [sys.executable, f"benchmarks/{command}.py", *arguments],
        cwd=ROOT, capture_output=True, text=True, timeout=SECONDS + 180, check=False,
    )  # fmt: skip
    print("\n" + done.stdout)
    assert done.stdout, done.stderr
    summary: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return summary


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_is_executed_twice_lost_unseen_or_answered_to_another(kind: str) -> None:
    soaked = summary_of("soak", "--kind", kind, "--seconds", f"{SECONDS}", "--seed", "20261124", *SIZE)

    assert soaked["wrong"] == {}
    # It was no idle afternoon, either.
    assert {"reset", "kill", "freeze"} <= set(soaked["faults"])
    assert soaked["recoveries"] > 0
    assert soaked["ends"]["success"] > soaked["sessions"] * SECONDS / 2


@pytest.mark.parametrize("kind", KINDS)
def test_every_session_of_a_killed_server_has_a_context_elsewhere_soon(kind: str) -> None:
    failed_over = summary_of("failover", "--kind", kind, "--sessions", "200" if LONG else "30")

    assert failed_over["lost"] > 0
    assert (failed_over["missing"], failed_over["unwritten"]) == ([], [])
    # The sessions of the other server notice nothing.
    assert failed_over["disturbed"] == []
    assert failed_over["max_ms"] < 5000


# What the soak would say if something were wrong.


@pytest.fixture(scope="module")
def soak() -> ModuleType:
    spec = importlib.util.spec_from_file_location("soak", ROOT / "benchmarks" / "soak.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["soak"] = module
    spec.loader.exec_module(module)
    return module


class Played:
    """A field of which there are only the books."""

    def __init__(self, folder: Path, soak: ModuleType) -> None:
        self.file = folder / "journal"
        self.journals = {name: Journal(self.file, name) for name in ("GROM1", "GROM2")}
        self.books = soak.Ledger("grommunio")
        self.said: list[str] = []
        self.proxies = [self]

    def events(self, event: str) -> list[dict[str, Any]]:
        return [line for line in read_journal(self.file) if line["event"] == event]

    def step(self, request_type: str, request_id: str, status: int = 200, **fields: Any) -> None:
        """A client saw this."""
        echo = fields.pop("echo", request_id)
        head = f"HTTP/1.1 {status} Said\r\nX-RequestId: {echo}\r\n{fields.pop('more', '')}\r\n"
        step = Step(1, 0.0, ALICE.login, "emsmdb", request_type, request_id, status=status, total_ms=1.0)
        step.code = fields.pop("code", 0)
        step.head = parse_response_head(head.encode())
        for name, value in fields.items():
            setattr(step, name, value)
        self.books.note(step, ALICE)


@pytest.fixture
def played(tmp_path: Path, soak: ModuleType) -> Played:
    return Played(tmp_path, soak)


def wrong(soak: ModuleType, played: Played) -> list[str]:
    return [name for name, found in soak.compare(played.books, played).items() if found]


NAMED = ALICE.display_name.encode("utf-16-le")


def test_a_good_day_is_told_as_one(soak: ModuleType, played: Played) -> None:
    played.journals["GROM1"].answered(Seen("POST", "Connect", "{A}:1", ALICE.login, 0, None))
    played.step("Connect", "{A}:1", backend="GROM1", binary=NAMED)
    played.journals["GROM1"].executed("{A}:2", ALICE.login)
    played.step("Execute", "{A}:2")
    played.journals["GROM1"].executed("{A}:3", ALICE.login)
    played.step("Execute", "{A}:3", trouble="AnswerLost: connection 1 was lost")
    played.step("Execute", "{A}:4", code=10)
    played.step("Execute", "{A}:5", 503, code=None, more="Retry-After: 1\r\n")

    assert wrong(soak, played) == []


def test_an_execute_that_ran_on_two_servers_is_found(soak: ModuleType, played: Played) -> None:
    played.step("Execute", "{A}:2")
    for journal in played.journals.values():
        journal.executed("{A}:2", ALICE.login)

    assert wrong(soak, played) == ["executed twice"]


def test_a_success_that_nobody_executed_is_found(soak: ModuleType, played: Played) -> None:
    played.step("Execute", "{A}:2")

    assert wrong(soak, played) == ["success without execution"]


def test_a_call_that_ran_in_the_name_of_another_is_found(soak: ModuleType, played: Played) -> None:
    played.step("Execute", "{A}:2")
    played.journals["GROM1"].executed("{A}:2", "bob@example.test")

    assert wrong(soak, played) == ["executed for another"]


def test_a_connect_that_is_not_where_it_seems_is_found(soak: ModuleType, played: Played) -> None:
    played.journals["GROM1"].answered(Seen("POST", "Connect", "{A}:1", ALICE.login, 0, None))
    played.step("Connect", "{A}:1", backend="GROM2", binary=NAMED)

    assert wrong(soak, played) == ["connected elsewhere than said"]


def test_answers_of_others_are_found_whatever_their_code(soak: ModuleType, played: Played) -> None:
    played.step("PING", "{A}:2", echo="{B}:2")
    played.step("PING", "{A}:3", echo="{B}:3", code=10)
    played.journals["GROM1"].answered(Seen("POST", "Connect", "{A}:1", ALICE.login, 0, None))
    played.step("Connect", "{A}:1", backend="GROM1", binary="bob".encode("utf-16-le"))

    assert wrong(soak, played) == ["answers of others"]
    assert len(played.books.strangers) == 3


@pytest.mark.parametrize(
    "fields",
    [
        {"status": 502, "code": None},
        {"status": 200, "code": None},
        {"status": 200, "code": 4},
        {"status": 503, "code": None},
        {"status": 503, "code": 10, "more": "Retry-After: 1\r\n"},
        {"trouble": "BadAnswer: connection 1: an answer ended before DONE"},
    ],
)
def test_answers_that_no_rule_allows_are_found(
    soak: ModuleType, played: Played, fields: dict[str, Any]
) -> None:
    played.step("PING", "{A}:2", **fields)

    assert wrong(soak, played) == ["answers that no rule allows"]


def test_a_call_that_hung_is_found_and_so_is_a_proxy_that_complained(
    soak: ModuleType, played: Played
) -> None:
    played.step("PING", "{A}:2", trouble="AnswerLost: connection 1: nothing came for 40 s")
    played.said = ["Traceback (most recent call last):\n"]

    assert wrong(soak, played) == ["hangs", "the proxy complained"]
