"""A listener as it runs."""

from __future__ import annotations

import attrs
from support.running import RunningCase
from twisted.internet import reactor
from twisted.internet.defer import inlineCallbacks

from mapiproxy.settings import Bind, ListenerTls


class FrontCase(RunningCase):
    def test_another_backend_or_tls_is_another_listener(self) -> None:
        front = self.service.fronts["mail"]
        listener = front.listener

        self.assertTrue(front.is_alike(attrs.evolve(listener, bind=(Bind("127.0.0.9", 1),))))
        self.assertFalse(front.is_alike(attrs.evolve(listener, backend="other")))
        self.assertFalse(front.is_alike(attrs.evolve(listener, tls=ListenerTls(()))))

    @inlineCallbacks
    def test_what_is_bound_can_be_let_go_one_by_one(self) -> None:
        front = self.service.fronts["mail"]
        extra = Bind("127.0.0.2", 0)
        front.bind([extra], reactor, self.service.log)
        self.assertEqual(len(front.ports), 2)
        yield from front.unbind([extra, Bind("never", 1)])
        self.assertEqual(len(front.ports), 1)
