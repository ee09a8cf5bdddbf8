"""Other settings while connections are open and sessions live."""

from __future__ import annotations

import gc
import weakref
from typing import Any

import attrs
from support.running import RunningCase
from twisted.internet.defer import Deferred, inlineCallbacks

from mapiproxy.backends.kind import Kind
from mapiproxy.service.assembly import make_log
from mapiproxy.service.reloading import CannotReload, reload
from mapiproxy.settings import Bind, Log, load_settings


class ReloadingCase(RunningCase):
    @inlineCallbacks
    def test_a_connection_and_its_session_go_on(self) -> Any:
        client = self.client()
        first = yield Deferred.fromCoroutine(client.connect())
        self.write('[timeouts]\nquiet = "2m"')
        reply = self.ask("reload")
        step = yield Deferred.fromCoroutine(client.logon())

        self.assertEqual(reply["changes"], ["[timeouts] changed"])
        self.assertEqual(step.check().backend, first.backend)
        self.assertEqual((client.connections, self.service.generation), (1, 2))
        self.assertEqual((self.service.reloads.ok, self.service.reloads.good), (True, 1))
        self.assertEqual(self.service.sites["lab"].rules.limits.quiet, 120.0)

    @inlineCallbacks
    def test_a_bad_file_is_refused_with_its_lines_and_changes_nothing(self) -> Any:
        self.file.write_text(self.file.read_text().replace("bind", "bnid"))
        reply = self.ask("reload")
        step = yield Deferred.fromCoroutine(self.client().connect())

        self.assertFalse(reply["ok"])
        self.assertEqual(reply["error"], "the file was refused; the old configuration keeps running")
        self.assertIn('m.toml:2: listener.mail.bnid: unknown key; did you mean "bind"?', reply["problems"][0])
        self.assertEqual(self.service.generation, 1)
        self.assertEqual((self.service.reloads.ok, self.service.reloads.bad), (False, 1))
        step.check()

    def test_the_laboratorys_key_in_the_file_is_no_matter_of_a_reload(self) -> None:
        """Otherwise the proxy would run on, and not start again."""
        self.write(more="[lab]\nenabled = true\n")
        reply = self.ask("reload")

        self.assertFalse(reply["ok"])
        self.assertIn("[lab] enabled is read at the start only", reply["error"])
        self.assertEqual(self.service.generation, 1)

    @inlineCallbacks
    def test_a_server_that_goes_takes_its_connections_along_and_its_client_goes_elsewhere(self) -> Any:
        client = self.client()
        first = yield Deferred.fromCoroutine(client.connect())
        self.write(**{first.backend: -1})
        reply = self.ask("reload")
        step = yield Deferred.fromCoroutine(client.logon())

        self.assertEqual(reply["changes"], [f"server {first.backend} removed"])
        self.assertNotEqual(step.check().backend, first.backend)

    def test_servers_come_and_weights_change(self) -> None:
        self.labs["THREE"] = self.lab("THREE")
        self.ask("weight", server="TWO", weight=7)
        self.write(ONE=50)
        reply = self.ask("reload")

        self.assertEqual(reply["changes"], ["server ONE has weight 50 now", "server THREE added"])
        pool = self.service.sites["lab"].pool
        self.assertEqual([b.weight for b in pool.backends], [50, 7, 100])

    def test_what_the_operator_has_ordered_stays_ordered(self) -> None:
        self.ask("maint", server="ONE")
        self.write('[limits]\nconnections = 7')
        self.ask("reload")

        self.assertFalse(self.backend("ONE").keeps)
        self.assertEqual(self.service.fronts["mail"].doors.limit, 7)

    def test_a_server_at_another_address_is_another_server(self) -> None:
        old = self.backend("ONE")
        self.labs["ONE"], one = self.lab("ONE"), self.labs["ONE"]
        self.addCleanup(one.stop)
        self.write()
        reply = self.ask("reload")

        self.assertEqual(reply["changes"], [f"server ONE is at {self.labs['ONE'].url} now"])
        self.assertIsNot(self.backend("ONE"), old)

    @inlineCallbacks
    def test_an_address_more_is_bound_and_one_less_is_not(self) -> Any:
        settings = load_settings(self.file)
        (listener,) = settings.listeners
        more = attrs.evolve(listener, bind=(*listener.bind, Bind("127.0.0.2", 0)))
        (port,) = self.service.ports
        said = reload(self.service, attrs.evolve(settings, listeners=(more,)))

        self.assertIs(self.service.ports[0], port)
        self.assertEqual((len(self.service.ports), said), (2, ["listener mail is at 127.0.0.2:0 too"]))
        reload(self.service, settings)
        self.assertEqual(self.service.ports, [port])
        step = yield Deferred.fromCoroutine(self.client().connect())
        step.check()

    @inlineCallbacks
    def test_a_listener_that_goes_lets_its_connections_finish(self) -> Any:
        settings = load_settings(self.file)
        (listener,) = settings.listeners
        client = self.client()
        yield Deferred.fromCoroutine(client.connect())
        other = attrs.evolve(listener, name="other", bind=(Bind("127.0.0.3", 0),))
        said = reload(self.service, attrs.evolve(settings, listeners=(other,)))

        self.assertEqual(said, ["listener mail closed", "listener other opened"])
        self.assertEqual(self.service.ports[0].getHost().host, "127.0.0.3")

    def test_what_cannot_be_bound_refuses_everything(self) -> None:
        settings = load_settings(self.file)
        (listener,), (group,) = settings.listeners, settings.backends
        taken = self.service.ports[0].getHost().port
        twice = attrs.evolve(listener, name="twice", bind=(Bind("127.0.0.1", 0), Bind("127.0.0.1", taken)))
        lighter = attrs.evolve(group, servers=tuple(attrs.evolve(s, weight=1) for s in group.servers))
        new = attrs.evolve(settings, listeners=(listener, twice), backends=(lighter,))
        self.assertRaises(CannotReload, reload, self.service, new)

        self.assertEqual([b.weight for b in self.service.sites["lab"].pool.backends], [100, 100])
        self.assertEqual((list(self.service.fronts), self.service.generation), (["mail"], 1))

    def test_what_cannot_be_changed_while_it_runs_says_so(self) -> None:
        settings = load_settings(self.file)
        (group,) = settings.backends
        other = attrs.evolve(group, kind=Kind.EXCHANGE)
        error = self.assertRaises(
            CannotReload, reload, self.service, attrs.evolve(settings, backends=(other,))
        )
        self.assertEqual(str(error), "the kind of backend lab cannot be changed while it runs")

    def test_a_backend_can_come_with_its_listener_and_go_again(self) -> None:
        settings = load_settings(self.file)
        (listener,), (group,) = settings.listeners, settings.backends
        second = attrs.evolve(listener, name="second", backend="more", bind=(Bind("127.0.0.2", 0),))
        more = attrs.evolve(group, name="more")
        both = attrs.evolve(settings, listeners=(listener, second), backends=(group, more))

        self.assertEqual(reload(self.service, both), ["backend more added", "listener second opened"])
        self.assertEqual(reload(self.service, settings), ["listener second closed", "backend more removed"])
        self.assertEqual(list(self.service.sites), ["lab"])

    @inlineCallbacks
    def test_a_log_that_has_given_way_is_forgotten_but_not_what_it_has_counted(self) -> Any:
        """It keeps megabytes of texts, and a file may be read again every minute."""
        old = []
        for number in range(3):
            log = make_log(Log(directory=self.folder / f"log{number}"), self.service.reactor)
            assert log is not None
            self.service.change_log(log)
            log.counts.written += 1
            old.append(weakref.ref(log))
            del log
        self.service.change_log(None)
        yield from self.service._old_logs
        gc.collect()
        self.assertEqual([each() for each in old], [None, None, None])
        self.assertEqual(self.service.log_lines, (3, 0))
