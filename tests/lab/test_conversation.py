"""The script, played against both kinds of server on loopback."""

from __future__ import annotations

from collections import Counter
from typing import Any

from support.lab import ALICE
from support.lab_sockets import ClientCase
from twisted.internet import reactor

from mapiproxy.lab import bodies
from mapiproxy.lab.conversation import Conversation
from mapiproxy.lab.dialect import EMSMDB_CALLS
from mapiproxy.lab.users import LabUser


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

    async def test_a_refused_login_ends_the_script_at_once(self) -> None:
        self.start()
        client = self.client_for(user=LabUser(ALICE.login, "guess"))
        verdict = await Conversation(client, reactor).play()
        self.assertEqual([step.status for step in verdict.steps], [401])
        self.assertFalse(verdict.steps[0].expected)
        self.assertIn("the script ended early", verdict.surprises[-1])
