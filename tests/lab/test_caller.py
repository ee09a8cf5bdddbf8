"""Lost connections, cut answers, contexts that are gone: the protocol's rules for each."""

from __future__ import annotations

from support.lab import ALICE
from support.lab_sockets import ClientCase
from twisted.internet import reactor

from mapiproxy.lab import bodies, rops
from mapiproxy.lab.errors import (
    AnswerLost,
)
from mapiproxy.lab.faults import (
    CloseAfter,
    CloseNow,
    NeverAnswer,
    Surplus,
)


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
