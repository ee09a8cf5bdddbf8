"""What a service is like, as JSON has it."""

from __future__ import annotations

import os
from typing import Any

from support.lab import ALICE, BOB
from support.running import RunningCase, later
from twisted.internet.defer import Deferred, inlineCallbacks

from mapiproxy.policy.tally import RUNGS


class ViewCase(RunningCase):
    @inlineCallbacks
    def test_the_rungs_of_the_ladder_are_counted(self) -> Any:
        for user in (ALICE, BOB):
            client = self.client(user)
            yield Deferred.fromCoroutine(client.connect())
            yield Deferred.fromCoroutine(client.logon())
        (pool,) = self.ask("status")["pools"]

        self.assertEqual(list(pool["rungs"]), list(RUNGS))
        self.assertEqual((pool["rungs"]["mailbox"], pool["rungs"]["session"]), (2, 2))
        self.assertEqual((pool["sessions"], pool["up"], pool["servers"]), (2, 2, 2))
        self.assertEqual(pool["unmatched_cookies"], 0)

    def test_the_process_tells_who_it_is(self) -> None:
        status = self.ask("status")

        self.assertEqual((status["pid"], status["file"], status["generation"]), (os.getpid(), str(self.file), 1))
        (listener,) = status["listeners"]
        self.assertEqual(listener["binds"], [f"127.0.0.1:{self.service.ports[0].getHost().port}"])

    def test_skew_is_told_once_there_is_something_to_compare(self) -> None:
        """Complaint 34."""
        sessions = self.service.sites["lab"].sessions
        self.assertIsNone(self.ask("status")["pools"][0]["skew"])
        for number in range(4):
            sessions.learn(b"%d" % number, "ONE" if number else "TWO", "emsmdb", 1e12, 0.0)

        self.assertEqual(self.ask("status")["pools"][0]["skew"], 3.0)

    def test_a_server_that_was_not_probed_says_so(self) -> None:
        one, two = self.ask("servers")["servers"]

        self.assertIsNone(one["probe"])
        self.assertEqual((one["safe_in"], one["up"], one["admin"]), (0, True, "ready"))
        self.assertEqual(two["url"], self.labs["TWO"].url)

    @inlineCallbacks
    def test_the_oldest_pending_is_that_of_the_quietest_open_wait(self) -> Any:
        client = self.client()
        yield Deferred.fromCoroutine(client.connect())
        self.assertEqual([row["pending_age"] for row in self.ask("servers")["servers"]], [None, None])
        waiting = client.start_wait()
        waiting.done.addErrback(lambda failure: None)
        yield later(0.7)
        (age,) = [row["pending_age"] for row in self.ask("servers")["servers"] if row["waits"]]
        self.assertLess(age, 0.5)

    @inlineCallbacks
    def test_sessions_are_found_by_client_and_by_what_they_do(self) -> Any:
        clients = [self.client(user) for user in (ALICE, BOB)]
        for client in clients:
            yield Deferred.fromCoroutine(client.connect())
        waiting = clients[0].start_wait()
        waiting.done.addErrback(lambda failure: None)
        yield later(0.3)

        def found(**wanted: Any) -> list[str]:
            return sorted(each["user"] for each in self.ask("sessions", **wanted)["sessions"])

        self.assertEqual(found(state="waiting"), [ALICE.login])
        self.assertEqual(found(state="active"), [ALICE.login])
        self.assertEqual(found(state="idle"), [BOB.login])
        self.assertEqual(found(client="OUTLOOK/16"), sorted([ALICE.login, BOB.login]))
        self.assertEqual(found(client="Thunderbird"), [])
        self.assertEqual(found(client="outlook", mailbox="bob", state="idle"), [BOB.login])
        self.assertIn("state must be", self.ask("sessions", state="asleep")["error"])

    def test_sessions_come_page_by_page_the_last_used_first(self) -> None:
        sessions = self.service.sites["lab"].sessions
        for number in range(25):
            sessions.learn(b"%02d" % number, "ONE", "emsmdb", 1e12, float(number))
        pages = [self.ask("sessions", limit=10, offset=offset) for offset in (0, 10, 20, 30)]

        self.assertEqual([page["total"] for page in pages], [25] * 4)
        self.assertEqual([len(page["sessions"]) for page in pages], [10, 10, 5, 0])
        ids = [each["id"] for page in pages for each in page["sessions"]]
        self.assertEqual(ids, [(b"%02d" % n).hex() for n in range(24, -1, -1)])
        self.assertIn("offset must be", self.ask("sessions", offset=-1)["error"])
