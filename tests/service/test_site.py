"""A group of backends that loses one: connections, sessions, words in the log."""

from __future__ import annotations

from typing import Any

from support.running import RunningCase, later
from twisted.internet.defer import Deferred, inlineCallbacks

from mapiproxy.lab import bodies
from mapiproxy.policy.illness import Blame


class SiteCase(RunningCase):
    @inlineCallbacks
    def test_a_backend_that_goes_down_has_its_connections_closed_at_once(self) -> Any:
        """Complaint 32: nobody goes on waiting at a dead server."""
        client = self.client()
        first = yield Deferred.fromCoroutine(client.connect())
        ended: list[Any] = []
        waiting = Deferred.fromCoroutine(
            client.call("NotificationWait", bodies.NOTIFICATION_WAIT_REQUEST, line="wait", recover=False)
        )
        waiting.addBoth(ended.append)
        yield later(0.3)
        backend = self.backend(first.backend)
        for _ in range(5):
            self.service.sites["lab"].watch.judge(backend, Blame("status 503", lasting=True))
        yield later(0.1)

        self.assertFalse(backend.up)
        self.assertEqual((backend.connections, len(ended)), (0, 1))
        step = yield Deferred.fromCoroutine(client.execute())
        self.assertNotEqual(step.check().backend, first.backend)

    @inlineCallbacks
    def test_the_last_backend_stays_whatever_it_answers(self) -> Any:
        self.backend("ONE").up = False
        for _ in range(50):
            self.service.sites["lab"].watch.judge(self.backend("TWO"), Blame("status 503", lasting=True))
        step = yield Deferred.fromCoroutine(self.client().connect())

        self.assertEqual(step.check().backend, "TWO")


class TwoAtOnceCase(RunningCase):
    """Reference M3: a session may ask twice at the same time."""

    @inlineCallbacks
    def test_an_execute_is_answered_beside_an_open_wait_over_a_connection_of_its_own(self) -> Any:
        client = self.client()
        yield Deferred.fromCoroutine(client.connect())
        yield Deferred.fromCoroutine(client.logon())
        waiting = Deferred.fromCoroutine(client.notification_wait())
        ended: list[Any] = []
        waiting.addBoth(ended.append)
        yield later(0.3)  # a PENDING has come
        step = yield Deferred.fromCoroutine(client.fetch())
        step.check()

        self.assertEqual(ended, [], "the wait goes on")
        ((home, lab),) = [each for each in self.labs.items() if each[1].connections]
        self.assertEqual(len(lab.connections), 2)
        self.assertEqual(self.backend(home).connections, 2)
        yield Deferred.fromCoroutine(client.close())
        yield waiting
