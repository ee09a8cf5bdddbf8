"""Orders to a real service with real sessions: what they do, and what they answer."""

from __future__ import annotations

import json
import math
from typing import Any

from support.lab import ALICE, BOB
from support.running import RunningCase, later
from twisted.internet.defer import Deferred, inlineCallbacks

from mapiproxy.backends.fleet import Admin
from mapiproxy.lab import bodies


class OrdersCase(RunningCase):
    @inlineCallbacks
    def session(self, user: Any = ALICE) -> Any:
        client = self.client(user)
        yield Deferred.fromCoroutine(client.connect())
        step = yield Deferred.fromCoroutine(client.logon())
        return client, step.check().backend

    @inlineCallbacks
    def test_a_drained_server_keeps_its_session_and_gets_no_other(self) -> Any:
        client, home = yield self.session()
        reply = self.ask("drain", server=home.lower())
        same = yield Deferred.fromCoroutine(client.execute())
        clients = []
        for user in (BOB, ALICE):
            _other, where = yield self.session(user)
            clients.append(where)

        self.assertEqual(reply["server"]["admin"], "drain")
        self.assertEqual(same.check().backend, home)
        self.assertNotIn(home, clients)

    @inlineCallbacks
    def test_a_drain_ends_in_maintenance_when_its_deadline_is_over(self) -> Any:
        client, home = yield self.session()
        reply = self.ask("drain", server=home, deadline=0.5)
        self.assertLessEqual(reply["server"]["safe_in"], 0.5)
        yield later(2.2)

        self.assertIs(self.backend(home).admin, Admin.MAINT)
        step = yield Deferred.fromCoroutine(client.execute())
        self.assertNotEqual(step.check().backend, home)

    @inlineCallbacks
    def test_maintenance_closes_connections_and_the_client_goes_on_elsewhere(self) -> Any:
        client, home = yield self.session()
        self.ask("maint", server=home)
        yield later(0.1)
        self.assertEqual(self.backend(home).connections, 0)
        lost = self.service.sites["lab"].rules.tally.lost
        step = yield Deferred.fromCoroutine(client.execute())

        self.assertNotEqual(step.check().backend, home)
        self.assertEqual(self.service.sites["lab"].rules.tally.lost, lost + 1)
        self.ask("ready", server=home)
        self.assertTrue(self.backend(home).takes)

    @inlineCallbacks
    def test_what_runs_is_seen_in_servers_and_sessions(self) -> Any:
        client, home = yield self.session()
        waiting = Deferred.fromCoroutine(
            client.call("NotificationWait", bodies.NOTIFICATION_WAIT_REQUEST, line="wait", recover=False)
        )
        waiting.addErrback(lambda failure: None)
        yield later(0.7)
        (row,) = [row for row in self.ask("servers")["servers"] if row["name"] == home]
        (session,) = self.ask("sessions")["sessions"]
        (call,) = session["current"]

        self.assertEqual((row["waits"], row["executes"], row["sessions"]), (1, 0, 1))
        self.assertRegex(row["safe_text"], r"^0 Execute, 1 wait, 1 session, safe in <= 1[67]m\d\ds$")
        self.assertEqual((session["mailbox"], session["user"]), (ALICE.mailbox_id, ALICE.login))
        self.assertEqual((session["backend"], session["connections"], session["idle"]), (home, 2, 0.0))
        self.assertEqual((call["request_type"], call["phase"]), ("NotificationWait", "answer"))
        self.assertGreaterEqual(call["pulses"], 1)
        self.assertLess(call["quiet"], 0.5)
        self.assertEqual(self.ask("sessions", mailbox="nobody")["total"], 0)
        self.assertEqual(self.ask("sessions", server=home)["total"], 1)

    @inlineCallbacks
    def test_a_killed_session_loses_its_wait_and_is_told_so_at_its_next_call(self) -> Any:
        client, _home = yield self.session()
        waiting = Deferred.fromCoroutine(
            client.call("NotificationWait", bodies.NOTIFICATION_WAIT_REQUEST, line="wait", recover=False)
        )
        ended: list[Any] = []
        waiting.addBoth(ended.append)
        yield later(0.3)
        (session,) = self.ask("sessions")["sessions"]
        reply = self.ask("kill", session=session["id"][:6])
        yield later(0.2)
        step = yield Deferred.fromCoroutine(client.call("PING", recover=False))

        self.assertEqual((reply["ok"], reply["cut"], len(ended)), (True, 1, 1))
        self.assertEqual(step.final_code, 10)
        again = yield Deferred.fromCoroutine(client.connect())
        again.check()

    @inlineCallbacks
    def test_a_weight_of_nought_takes_no_new_mailboxes(self) -> Any:
        self.assertEqual(self.ask("weight", server="ONE", weight=0)["server"]["weight"], 0)
        for user in (ALICE, BOB):
            _, where = yield self.session(user)
            self.assertEqual(where, "TWO")

    @inlineCallbacks
    def test_every_answer_is_plain_json_and_holds_no_secret(self) -> Any:
        client, _ = yield self.session()
        text = json.dumps([self.ask(command) for command in ("status", "servers", "sessions")])

        self.assertNotIn(ALICE.password, text)
        for session in client.sessions.values():
            for cookie in (client.jar.header(session.path, 0.0, secure=True) or b"").decode().split("; "):
                value = cookie.partition("=")[2]
                self.assertFalse(value and value in text)

    @inlineCallbacks
    def test_statistics_agree_with_what_was_asked(self) -> Any:
        client, home = yield self.session()
        for _ in range(3):
            yield Deferred.fromCoroutine(client.execute())
        told = self.ask("statistics")
        other = next(name for name in self.names if name != home)
        one, two = (told["backends"][f"lab/{name}"] for name in (home, other))

        self.assertEqual((two["requests"], two["execute"]["p50_ms"]), (0, None))
        asked = sum(count for _, count in self.service.statistics.requests())
        self.assertEqual((one["requests"], told["vdirs"]), (asked, {"mapi": {"requests": asked, "errors": 0}}))
        self.assertEqual(one["execute"]["count"], 4)  # a logon is an Execute
        self.assertEqual(one["codes"]["0"], 5)
        self.assertGreater(one["bytes_out"], one["bytes_in"])
        self.assertEqual(sum(told["builds"].values()), asked)
        self.assertEqual(len(told["series"]["requests"]), 360)

    @inlineCallbacks
    def test_a_server_that_cannot_be_reached_is_the_one_that_is_blamed(self) -> Any:
        client, home = yield self.session()
        self.labs[home].stop()
        del self.labs[home]
        yield Deferred.fromCoroutine(client.close())
        again = self.client(ALICE)
        yield Deferred.fromCoroutine(again.connect())
        told = self.ask("statistics")["backends"][f"lab/{home}"]

        self.assertEqual((told["errors"]["connect"], told["retries"], told["redispatches"]), (1, 1, 1))

    def test_orders_that_cannot_be_carried_out_say_why(self) -> None:
        for order, word in (
            ({"command": "dance"}, "unknown command 'dance'"),
            ({"command": ["x"]}, "unknown command"),
            ({}, "unknown command"),
            ({"command": "drain"}, "which server?"),
            ({"command": "drain", "server": "THREE"}, "there is no server THREE; there are: ONE, TWO"),
            ({"command": "drain", "server": 3}, "server must be text"),
            ({"command": "drain", "server": "ONE", "deadline": "soon"}, "deadline must be seconds"),
            ({"command": "drain", "server": "ONE", "deadline": math.nan}, "deadline must be seconds"),
            ({"command": "drain", "server": "ONE", "deadline": math.inf}, "deadline must be seconds"),
            ({"command": "drain", "server": "ONE", "deadline": 10**400}, "deadline must be seconds"),
            ({"command": "drain", "server": "ONE", "pool": "x"}, "no server ONE in pool x"),
            ({"command": "weight", "server": "ONE", "weight": 1001}, "from 0 to 1000"),
            ({"command": "weight", "server": "ONE", "weight": True}, "from 0 to 1000"),
            ({"command": "kill", "session": "7f"}, "at least four"),
            ({"command": "kill", "session": "7f7f7f"}, "there is no session"),
            ({"command": "sessions", "limit": -1}, "limit must be"),
        ):
            reply = self.service.orders.answer(order)
            self.assertFalse(reply["ok"])
            self.assertIn(word, reply["error"])
