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

    @inlineCallbacks
    def test_the_log_tells_how_it_fares_and_counts_on_through_a_reload(self) -> Any:
        self.assertIsNone(self.ask("status")["log"])
        for number, name in enumerate(("one", "two")):
            text = self.file.read_text().split("[log]")[0] + f'[log]\nflush = "10ms"\ndirectory = "{self.folder / name}"\n'
            self.file.write_text(text)
            self.assertTrue(self.ask("reload")["ok"])
            client = self.client(ALICE)
            yield Deferred.fromCoroutine(client.connect())
            yield Deferred.fromCoroutine(client.close())
            while self.ask("status")["log"]["written"] <= number:
                yield later(0.01)
            seen = self.ask("status")["log"]
            self.assertEqual((seen["directory"], seen["lost"], seen["trouble"]), (str(self.folder / name), 0, None))
            self.assertEqual(len(list((self.folder / name / "Mapi").iterdir())), 1)

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
