"""The store of contexts: expiry, mailboxes, sweeping."""

from __future__ import annotations

from support.lab import ALICE, BOB

from mapiproxy.lab.contexts import Context, Contexts
from mapiproxy.lab.streaming import Streaming


def context(key: bytes = b"k", **given: object) -> Context:
    given = {"endpoint": "emsmdb", "user": ALICE, "owner": ALICE, "expires": 100.0, **given}
    return Context(key, sequence=b"s", **given)  # type: ignore[arg-type]


def test_a_context_is_found_until_it_expires() -> None:
    store = Contexts()
    one = context()
    store.add(one, 0)
    assert store.find("emsmdb", b"k", 99) is one
    assert store.find("nspi", b"k", 99) is None
    assert store.find("emsmdb", b"k", 100) is None
    assert len(store) == 0


def test_a_pending_call_or_wait_keeps_it() -> None:
    store = Contexts()
    one = context(running=1)
    store.add(one, 0)
    assert store.find("emsmdb", b"k", 500) is one
    one.running = 0
    one.wait = Streaming(b"", b"", 1, 1, lambda now: b"")
    assert store.find("emsmdb", b"k", 500) is one


def test_a_mailbox_knows_its_mailbox_contexts() -> None:
    store = Contexts()
    mine, book = context(b"1"), context(b"2", endpoint="nspi")
    theirs = context(b"3", user=BOB, owner=BOB)
    for each in (mine, book, theirs):
        store.add(each, 0)
    assert store.of_mailbox(ALICE) == [mine]
    store.drop(mine)
    assert store.of_mailbox(ALICE) == []


def test_dead_ones_are_swept_when_new_ones_come() -> None:
    store = Contexts()
    store.add(context(b"1"), 0)
    store.add(context(b"2", expires=1000.0), 200)
    assert len(store) == 1


def test_a_repr_shows_no_cookie() -> None:
    assert "secret" not in repr(context(b"secret"))
