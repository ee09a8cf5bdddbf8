"""Many Outlooks: started one after the other, one book for all, closed in order."""

from __future__ import annotations

import random
import subprocess
import sys
from pathlib import Path

import pytest
from attrs import evolve
from support.outlooks import QUIET, USERS, Place
from twisted.internet.defer import Deferred

from mapiproxy.lab.dialing import Address
from mapiproxy.lab.errors import DialFailed
from mapiproxy.lab.outlook import CACHED, ONLINE, Crowd, Outlook

PEOPLE = list(USERS)[:5]


def crowd_in(place: Place, **given: object) -> Crowd:
    given.setdefault("profiles", (QUIET,))
    address = Address("127.0.0.1", place.port, tls=False)
    return Crowd(place.net, address, PEOPLE, random=random.Random(1), kind=place.kind, **given)


def test_they_start_one_after_the_other() -> None:
    place = Place()
    crowd = crowd_in(place)
    crowd.start(10.0)
    started = []
    for _ in range(11):
        started.append(crowd.started)
        place.net.run(1.0)
    assert (started[0], started[-1]) == (1, 5)
    assert 1 < started[6] < 5
    assert started == sorted(started)
    assert crowd.ready == 5


def test_their_books_are_one() -> None:
    place = Place()
    crowd = crowd_in(place, known=USERS)
    crowd.start()
    place.net.run(5)
    book = crowd.book()
    assert (book.outlooks, book.connects, book.executes_answered) == (5, 10, 20)
    place.server.postman.bring("team001@example.test")
    place.net.run(5)
    assert crowd.book().mail == 5
    assert crowd.book().faults() == []


def test_profiles_and_addresses_are_taken_in_turn() -> None:
    place = Place()
    crowd = crowd_in(place, profiles=(CACHED, ONLINE), sources=("127.0.0.2", "127.0.0.3"))
    crowd.start()
    place.net.run(5)
    assert [each.source for each in crowd.outlooks] == ["127.0.0.2", "127.0.0.3"] * 2 + ["127.0.0.2"]
    assert {source for source, _ in place.net.dials} == {"127.0.0.2", "127.0.0.3"}
    assert [each._desk.profile.name for each in crowd.outlooks] == ["cached", "online"] * 2 + ["cached"]


def test_what_happens_to_all_happens_to_those_that_run() -> None:
    place = Place()
    crowd = crowd_in(place)
    crowd.start(100.0)
    place.net.run(50)
    crowd.each(Outlook.hibernate)
    assert 1 < crowd.book().life["hibernates"] == crowd.started < 5
    crowd.kill()
    place.net.run(200)
    assert crowd.started < 5
    assert place.server.connections == set()


@pytest.mark.parametrize("kind", ["exchange", "grommunio"])
def test_closing_them_ends_every_context(kind: str) -> None:
    place = Place(kind)
    crowd = crowd_in(place, profiles=(evolve(QUIET, look_up=10.0),))
    crowd.start()
    place.net.run(5)
    assert len(place.server.backend.contexts) == 10
    over: list[object] = []
    Deferred.fromCoroutine(crowd.close()).addBoth(over.append)
    place.net.run(5)
    assert over == [None]
    assert len(place.server.backend.contexts) == 0
    # grommunio leaves the waits of contexts that were ended open, for as long as waits last.
    place.net.run(400)
    assert place.net.getDelayedCalls() == []


def test_a_ca_file_that_cannot_be_read_is_said_at_once(tmp_path: Path) -> None:
    with pytest.raises(DialFailed, match="nothing-here"):
        Crowd(
            Place().net,
            Address("127.0.0.1", 1, ca_file=tmp_path / "nothing-here"),
            PEOPLE,
            random=random.Random(1),
        )


MEASURE = """
import gc, random, sys, tracemalloc
from support.outlooks import QUIET, Place
from mapiproxy.lab.dialing import Address
from mapiproxy.lab.outlook import Crowd
from mapiproxy.lab.users import crowd_users
from mapiproxy.lab.server import LabServer
from mapiproxy.lab.dialect import LabOptions
place = Place()
users = crowd_users(25)
server = LabServer("exchange", "ONE", users, LabOptions(), place.net)
port = server.start()
chance = random.Random(1)
def crowd(some):
    made = Crowd(place.net, Address("127.0.0.1", port, tls=False), some, random=chance, profiles=(QUIET,), known=users)
    made.start()
    place.net.run(30)
    assert made.ready == len(some)
    return made
people = list(users)
first = crowd(people[:5])
tracemalloc.start()
second = crowd(people[5:25])
gc.collect()
inside = tracemalloc.take_snapshot().filter_traces([tracemalloc.Filter(True, "*/lab/outlook/*"),
    tracemalloc.Filter(True, "*/lab/*line.py"), tracemalloc.Filter(True, "*/lab/cookies.py"),
    tracemalloc.Filter(True, "*/wire/*"), tracemalloc.Filter(True, "*/defer.py")])
print(sum(each.size for each in inside.statistics("filename")) / 20)
"""


def test_one_of_a_crowd_takes_little_memory() -> None:
    """What of it is Outlook's own, with two mailboxes open; sockets and TLS come on top of it."""
    root = Path(__file__).parents[3]
    done = subprocess.run(
        [sys.executable, "-c", MEASURE],
        capture_output=True,
        text=True,
        cwd=root,
        env={"PYTHONPATH": f"{root}:{root / 'tests'}", "PATH": "/usr/bin:/bin"},
    )
    assert done.returncode == 0, done.stderr
    assert 10_000 < float(done.stdout) < 50_000
