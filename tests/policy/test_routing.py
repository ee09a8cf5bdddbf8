"""Which backend: the session's, then the mailbox's, then the least busy one."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from mapiproxy.backends.fleet import Backend, Pool
from mapiproxy.backends.kind import Kind
from mapiproxy.backends.ties import Ties
from mapiproxy.mapi.reading import RequestFacts, read_target
from mapiproxy.policy.refusals import Refusal
from mapiproxy.policy.routing import Route, choose, least_busy, rendezvous

KEYS = [f"{number:08x}-6540-6578@example.test" for number in range(20_000)]
ROOT = Path(__file__).resolve().parents[2]


def fleet(**weights: int) -> list[Backend]:
    return [Backend(name, "h", 443, weight=weight) for name, weight in weights.items()]


def placed(backends):
    return {key: rendezvous(key, backends).name for key in KEYS}


def test_any_process_places_a_mailbox_alike():
    """No state is shared between nodes, so nothing may depend on a process's own hashing."""
    code = (
        "from mapiproxy.backends.fleet import Backend; from mapiproxy.policy.routing import rendezvous;"
        "b=[Backend(n,'h',1) for n in ('a','b','c')];"
        "print(''.join(rendezvous(f'{i}@x', b).name for i in range(200)))"
    )
    outputs = {
        subprocess.run([sys.executable, "-c", code], cwd=ROOT, env={**os.environ, "PYTHONHASHSEED": seed},
                       capture_output=True, text=True, check=True).stdout
        for seed in ("1", "2")
    }  # fmt: skip
    here = "".join(rendezvous(f"{i}@x", fleet(a=100, b=100, c=100)).name for i in range(200))

    assert outputs == {here + "\n"}


def test_the_case_of_a_mailbox_does_not_matter():
    backends = fleet(a=100, b=100, c=100)

    assert all(rendezvous(key.upper(), backends) is rendezvous(key, backends) for key in KEYS[:200])


def test_shares_follow_weights():
    shares = Counter(placed(fleet(a=100, b=50, c=50)).values())

    assert shares["a"] / len(KEYS) == pytest.approx(0.5, abs=0.02)
    assert shares["b"] / len(KEYS) == pytest.approx(0.25, abs=0.02)


def test_a_backend_that_goes_takes_only_its_own_mailboxes_along():
    before = placed(fleet(a=100, b=100, c=100, d=100))
    after = placed(fleet(a=100, b=100, c=100))
    moved = [key for key in KEYS if before[key] != after[key]]

    assert {before[key] for key in moved} == {"d"}
    assert len(moved) / len(KEYS) == pytest.approx(0.25, abs=0.02)


def test_a_backend_that_comes_takes_only_what_becomes_its_own():
    before = placed(fleet(a=100, b=100, c=100))
    after = placed(fleet(a=100, b=100, c=100, d=100))
    moved = [key for key in KEYS if before[key] != after[key]]

    assert {after[key] for key in moved} == {"d"}
    assert len(moved) / len(KEYS) == pytest.approx(0.25, abs=0.02)


def test_a_changed_weight_moves_mailboxes_to_or_from_that_backend_alone():
    before = placed(fleet(a=100, b=100, c=100))
    after = placed(fleet(a=200, b=100, c=100))

    assert {after[key] for key in KEYS if before[key] != after[key]} == {"a"}


def test_weight_nought_takes_nobody():
    assert set(placed(fleet(a=0, b=1)).values()) == {"b"}
    assert rendezvous("x", fleet(a=0)) is None


def facts(session: bytes | None = None, mailbox: str | None = "a@b") -> RequestFacts:
    query = f"?MailboxId={mailbox}" if mailbox else ""
    return RequestFacts(read_target(f"/mapi/emsmdb/{query}".encode()), "Execute", session, None)


@pytest.fixture
def pool() -> Pool:
    return Pool("mapi", Kind.EXCHANGE, tuple(fleet(a=100, b=100, c=100)))


def test_the_session_is_stronger_than_the_mailbox(pool):
    home = rendezvous("a@b", pool.backends)
    other = next(b for b in pool.backends if b is not home)
    ties = Ties()
    ties.tie(b"s", other.name, 100.0)

    assert choose(facts(b"s"), pool, ties, 1.0) == Route(other, "session")
    assert choose(facts(b"unknown"), pool, ties, 1.0) == Route(home, "mailbox")


def test_a_session_on_a_backend_that_is_down_goes_by_its_mailbox(pool):
    ties = Ties()
    ties.tie(b"s", "a", 100.0)
    pool.by_name["a"].up = False

    route = choose(facts(b"s"), pool, ties, 1.0)

    assert route.by == "mailbox"
    assert route.backend.name != "a"


def test_a_session_stays_on_a_backend_that_takes_no_new_ones(pool):
    ties = Ties()
    ties.tie(b"s", "a", 100.0)
    pool.by_name["a"].weight = 0

    assert choose(facts(b"s"), pool, ties, 1.0).backend.name == "a"


def test_what_has_been_tried_is_not_tried_again(pool):
    ties = Ties()
    ties.tie(b"s", "a", 100.0)

    assert choose(facts(b"s"), pool, ties, 1.0, ["a"]).backend.name != "a"
    refusal = choose(facts(b"s"), pool, ties, 1.0, ["a", "b", "c"])
    assert isinstance(refusal, Refusal)
    assert (refusal.status, refusal.retry_after) == (503, 5)


def test_without_a_mailbox_the_least_busy_for_its_weight_takes_it(pool):
    a, b, c = pool.backends
    a.connections, b.connections, c.connections, c.weight = 2, 3, 3, 300

    assert choose(facts(mailbox=None), pool, Ties(), 1.0) == Route(c, "least-sessions")
    assert least_busy([]) is None
