"""Which sessions are shown, and in which order."""

from __future__ import annotations

from typing import Any

from support.lab import ALICE, BOB
from support.running import RunningCase, later
from twisted.internet.defer import Deferred, inlineCallbacks


class ListingCase(RunningCase):
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

    def test_an_order_of_use_is_kept_across_filters(self) -> None:
        sessions = self.service.sites["lab"].sessions
        for number in range(30):
            learned = sessions.learn(b"%02d" % number, ("ONE", "TWO")[number % 2], "emsmdb", 1e12, float(number))
            learned.mailbox = f"m{number % 3}@example.test"
        sessions.learn(b"03", "TWO", "emsmdb", 1e12, 99.0)
        for wanted, count in (({}, 30), ({"server": "two"}, 15), ({"server": "TWO", "mailbox": "M0@"}, 5)):
            found = self.ask("sessions", **wanted)
            self.assertEqual((found["total"], len(found["sessions"])), (count, count))
            self.assertEqual(found["sessions"][0]["id"], b"03".hex())
            again = self.ask("sessions", **wanted, offset=1, limit=2)
            self.assertEqual((again["total"], again["sessions"]), (count, found["sessions"][1:3]))
