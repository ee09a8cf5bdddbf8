"""The Outlook-like client against the lab's servers on loopback: its script, and losses."""

from __future__ import annotations

import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

from support.lab import ALICE, USERS
from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.trial.unittest import SkipTest, TestCase

from mapiproxy.lab import bodies, rops
from mapiproxy.lab.authority import Authority
from mapiproxy.lab.client import Address, OutlookClient
from mapiproxy.lab.conversation import Conversation
from mapiproxy.lab.dialect import EMSMDB_CALLS, LabOptions
from mapiproxy.lab.errors import (
    AnswerLost,
    ApplicationError,
    BadAnswer,
    CallRefused,
    DialFailed,
    HttpRefused,
    LabError,
    Unauthorized,
)
from mapiproxy.lab.faults import (
    AnswerRaw,
    CloseAfter,
    CloseDelimited,
    CloseNow,
    FailLate,
    Fault,
    NeverAnswer,
    Surplus,
)
from mapiproxy.lab.server import LabServer
from mapiproxy.lab.step import Step
from mapiproxy.lab.tls import server_context
from mapiproxy.lab.users import LabUser


class ClientCase(TestCase):
    timeout = 20

    def start(self, kind: str = "exchange", **options: Any) -> OutlookClient:
        self.server = LabServer(kind, "LAB1", USERS, LabOptions(**options), reactor)
        self.server.start()
        self.addCleanup(self.server.stop)
        return self.client_for(kind)

    def client_for(self, kind: str = "exchange", **given: Any) -> OutlookClient:
        self.steps: list[Step] = []
        address = Address("127.0.0.1", self.server.port, tls=False)
        given.setdefault("user", ALICE)
        client = OutlookClient(reactor, address, kind=kind, watch=self.steps.append, **given)
        self.addCleanup(lambda: Deferred.fromCoroutine(client.close()))
        return client

    def next_meets(self, fault: Fault) -> None:
        """The next request meets a fault, those after it do not."""

        def once(request: Any) -> Fault:
            self.server.on_request = None
            return fault

        self.server.on_request = once

    @property
    def rows(self) -> list[tuple[str, int | None]]:
        return [(step.request_type, step.code) for step in self.steps]


class ConversationTests(ClientCase):
    async def play(self, kind: str, **options: Any) -> Conversation:
        client = self.start(kind, pending_period=0.1, **options)
        conversation = Conversation(client, reactor)
        verdict = await conversation.play()
        self.assertEqual(verdict.surprises, [])
        types = Counter(step.request_type for step in verdict.steps)
        for request_type in (*EMSMDB_CALLS, "Bind", "QueryRows", "GetProps", "Unbind"):
            self.assertGreaterEqual(types[request_type], 1, request_type)
        self.assertEqual(types["TCP reset"], 2)
        self.assertEqual(types["Connect"], 1)  # the same context all along
        self.assertEqual(set(self.server.backend.executions.values()), {1})
        self.assertEqual(len(self.server.backend.contexts), 0)
        return conversation

    async def test_exchange(self) -> None:
        conversation = await self.play("exchange", execute_delay=0.02)
        waits = [s for s in conversation.verdict.steps if s.request_type == "NotificationWait"]
        self.assertGreaterEqual(waits[0].pulses, 1)
        self.assertEqual([wait.trouble is None for wait in waits], [True, False, True])
        self.assertEqual({step.backend for step in waits}, {"LAB1"})
        self.assertGreater(len({step.connection for step in conversation.verdict.steps}), 3)

    async def test_grommunio_holds_the_cut_wait_for_a_while(self) -> None:
        conversation = await self.play("grommunio", mark=True)
        waits = [s for s in conversation.verdict.steps if s.request_type == "NotificationWait"]
        self.assertEqual(waits[2].error, bodies.EC_REJECTED)
        self.assertTrue(waits[-1].event_pending)
        self.assertEqual({step.backend for step in waits}, {"LAB1"})

    async def test_over_tls_with_a_given_ca(self) -> None:
        folder = Path(tempfile.mkdtemp(dir=self.mktemp_folder()))
        authority = Authority(folder)
        issued = authority.issue("mail.example.test")
        tls = server_context(issued.certificate, issued.key)
        self.server = LabServer("exchange", "LAB1", USERS, LabOptions(), reactor, tls=tls)
        self.server.start()
        self.addCleanup(self.server.stop)
        port = self.server.port
        good = Address("127.0.0.1", port, "mail.example.test", ca_file=authority.ca_file)
        client = OutlookClient(reactor, good, ALICE)
        (await client.connect()).check()
        (await client.execute()).check()
        await client.close()
        for bad in (
            Address("127.0.0.1", port, "other.example.test", ca_file=authority.ca_file),
            Address("127.0.0.1", port, "mail.example.test"),
        ):
            client = OutlookClient(reactor, bad, ALICE)
            with self.assertRaises(LabError):
                await client.connect()
            await client.close()

    def mktemp_folder(self) -> str:
        folder = Path(self.mktemp())
        folder.mkdir(parents=True)
        return str(folder)


class LossTests(ClientCase):
    async def test_an_idle_connection_that_was_closed_is_replaced_unseen(self) -> None:
        client = self.start()
        await client.connect()
        self.next_meets(CloseAfter(None))
        (await client.execute()).check()
        await client.lines["call"].gone
        (await client.execute()).check()
        self.assertEqual(self.rows, [("Connect", 0), ("Execute", 0), ("Execute", 0)])
        self.assertEqual([step.connection for step in self.steps], [1, 1, 2])

    async def test_after_a_lost_answer_it_connects_with_the_old_cookies(self) -> None:
        for kind in ("exchange", "grommunio"):
            client = self.start(kind)
            await client.connect()
            await client.logon()
            for fault in (CloseAfter(0), CloseAfter(40, abort=True), NeverAnswer(execute=True)):
                if isinstance(fault, NeverAnswer):
                    reactor.callLater(0.05, lambda c=client: c.lines["call"].abort())
                self.next_meets(fault)
                with self.assertRaises(AnswerLost) as caught:
                    await client.execute()
                self.assertIsNotNone(caught.exception.step)
                self.assertEqual(
                    self.rows[-3:], [("Execute", self.rows[-3][1]), ("Connect", 0), ("Execute", 0)]
                )
                (await client.execute()).check()
            self.assertEqual(set(self.server.backend.executions.values()), {1})
            self.assertEqual(len(self.server.backend.contexts), 1)

    async def test_a_large_request_cut_in_the_middle_is_sent_again_as_it_is(self) -> None:
        client = self.start()
        await client.connect()
        self.next_meets(CloseNow(abort=True))
        large = bodies.execute_request(rops.nothing() + bytes(30_000_000))
        step = await client.call("Execute", large)
        step.check()
        cut, again = self.steps[-2:]
        self.assertIn("NotSent", cut.trouble)
        self.assertEqual(cut.request_id, again.request_id)
        self.assertEqual(self.server.backend.executions[again.request_id], 1)

    async def test_a_context_that_is_gone_is_made_anew_and_the_call_repeated(self) -> None:
        for kind, code in (("exchange", 10), ("grommunio", 2)):
            client = self.start(kind)
            await client.connect()
            await client.logon()
            for context in self.server.backend.contexts.of_mailbox(ALICE):
                self.server.backend.contexts.drop(context)
            (await client.execute()).check()
            expected = [("Execute", code), ("Connect", 0), ("Execute", 0), ("Execute", 0)]
            if kind == "grommunio":
                expected.insert(1, ("Connect", 2))  # it does not forgive the old cookies
            self.assertEqual(self.rows[2:], expected)
            ids = {step.request_id.partition(":")[0] for step in self.steps}
            self.assertEqual(len(ids), 2)  # another GUID for another context

    async def test_a_lost_ping_is_repeated_and_a_lost_wait_is_not(self) -> None:
        client = self.start()
        await client.connect()
        self.next_meets(CloseNow())
        (await client.ping()).check()
        self.assertEqual(self.rows, [("Connect", 0), ("PING", None), ("PING", 0)])
        self.next_meets(CloseNow())
        with self.assertRaises(AnswerLost):
            await client.notification_wait()
        self.assertEqual(self.rows[-1], ("NotificationWait", None))

    async def test_silence_is_given_up_after_some_patience(self) -> None:
        self.start()
        client = self.client_for(patience=0.05)
        await client.connect()
        self.next_meets(NeverAnswer())
        with self.assertRaises(AnswerLost) as caught:
            await client.execute()
        self.assertIn("nothing came", str(caught.exception))

    async def test_a_surplus_costs_the_connection(self) -> None:
        client = self.start()
        await client.connect()
        self.next_meets(Surplus(b"\xf7\x06"))
        (await client.execute()).check()
        await client.lines["call"].gone
        (await client.execute()).check()


RECORDINGS = Path(__file__).parents[3] / "shared" / "recordings" / "grommunio-basic"


class ReadingTests(ClientCase):
    async def test_recorded_answers_of_a_real_server(self) -> None:
        if not RECORDINGS.is_dir():
            raise SkipTest("the recordings are not beside this checkout")
        client = self.start("grommunio")

        def recorded(number: str) -> None:
            (file,) = RECORDINGS.glob(f"{number}-*.resp.bin")
            self.next_meets(AnswerRaw(file.read_bytes()))

        recorded("01")
        (await client.connect()).check()
        recorded("02")
        (await client.logon()).check()
        inbox = bytes.fromhex("010000000000000d")
        self.assertEqual(client.sessions["emsmdb"].logon, rops.Logon(0, inbox))
        recorded("05")
        wait = (await client.notification_wait()).check()
        self.assertEqual((wait.event_pending, wait.pulses), (True, 0))
        recorded("08")
        (await client.disconnect()).check()
        recorded("09")
        gone = await client.call("Execute", recover=False)
        self.assertEqual((gone.code, gone.connection), (2, 1))

    async def test_a_close_delimited_answer(self) -> None:
        client = self.start()
        await client.connect()
        self.next_meets(CloseDelimited())
        step = await client.execute()
        self.assertEqual((step.check().error, step.connection), (0, 1))
        self.assertEqual((await client.execute()).connection, 2)

    async def test_errors_are_typed_by_layer(self) -> None:
        client = self.start()
        await client.connect()
        self.next_meets(FailLate(17))
        step = await client.execute()
        self.assertEqual((step.code, step.late_code, step.final_code), (0, 17, 17))
        with self.assertRaises(CallRefused) as caught:
            step.check()
        self.assertEqual(caught.exception.code, 17)
        self.next_meets(AnswerRaw(b"HTTP/1.1 503 No\r\nContent-Length: 2\r\n\r\nno"))
        with self.assertRaises(HttpRefused):
            (await client.execute()).check()
        self.next_meets(AnswerRaw(b"HTTP/1.1 2OO OK\r\n\r\n"))
        with self.assertRaises(BadAnswer):
            await client.execute()
        rejected = await client.call("ResolveNames", bodies.query_rows_request(), endpoint="nspi")
        with self.assertRaises(ApplicationError):
            rejected.check()

    async def test_a_wrong_password_and_a_closed_port(self) -> None:
        self.start()
        client = self.client_for(user=LabUser(ALICE.login, "guess"))
        with self.assertRaises(Unauthorized):
            (await client.connect()).check()
        await self.server.stop()
        with self.assertRaises(DialFailed):
            await self.client_for().connect()

    async def test_nothing_printed_shows_a_cookie_or_a_password(self) -> None:
        client = self.start()
        await client.connect()
        cookies = client.jar.header(b"/mapi/emsmdb/", reactor.seconds())
        assert cookies is not None
        secret = cookies.split(b"MapiContext=")[1].partition(b";")[0].decode()
        for shown in (repr(self.steps), repr(client.jar), repr(client.sessions), repr(ALICE)):
            self.assertNotIn(secret, shown)
            self.assertNotIn(ALICE.password, shown)
