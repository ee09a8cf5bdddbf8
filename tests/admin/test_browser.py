"""The page in a real browser, from a real service: what it makes of it, and whom else it asks.

Skipped where there is no Chromium.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from support.chromium import CHROMIUM, Tab, Visit, browsing
from support.lab import ALICE, BOB
from support.running import RunningCase
from twisted.internet import reactor
from twisted.internet.defer import Deferred, inlineCallbacks
from twisted.internet.threads import blockingCallFromThread, deferToThread

TOKEN = "a-token-of-sixteen-letters-or-more"


class BrowserCase(RunningCase):
    timeout = 240
    skip = None if CHROMIUM.exists() else "there is no Chromium"

    def write(self, more: str = "", **weights: int) -> None:
        super().write(more or '[admin]\nbind = "127.0.0.1:0"\n', **weights)

    @property
    def url(self) -> str:
        door = self.service.administration.door
        assert door is not None
        assert door.port is not None
        return f"http://127.0.0.1:{door.port.getHost().port}"

    @inlineCallbacks
    def logged_on(self) -> Any:
        for user in (ALICE, BOB):
            client = self.client(user)
            yield Deferred.fromCoroutine(client.connect())
            yield Deferred.fromCoroutine(client.logon())

    def driven(self, play: Callable[[Tab], None]) -> Deferred[None]:
        """A person's play; nothing may be wrong in the console."""

        def run() -> None:
            with browsing() as tab:
                play(tab)
                self.assertEqual(tab.problems, [])

        return deferToThread(run)

    @inlineCallbacks
    def test_the_page_is_drawn(self) -> Any:
        yield self.logged_on()
        visit = yield deferToThread(Visit, f"{self.url}/", 7)
        self.assertEqual(visit.console, [])
        for words in ("ONE", "TWO", "2 of 2 servers in service", "Outlook 16.0", '<svg class="plot"'):
            self.assertIn(words, visit.page)
        self.assertRegex(visit.page, r'id="live" data-state="live"')

    @inlineCallbacks
    def test_the_page_asks_again_and_asks_nobody_else(self) -> Any:
        def play(tab: Tab) -> None:
            tab.open(f"{self.url}/")
            tab.until("performance.getEntriesByType('resource').filter(each => each.name.includes('/fragment/')).length > 2")
            paths = {url.removeprefix(self.url) for url in tab.asked}
            self.assertEqual(
                paths - {"/files/icon.svg"}, {"/", "/files/admin.css", "/files/admin.js", "/fragment/overview"}
            )

        yield self.driven(play)

    @inlineCallbacks
    def test_a_change_is_seen_and_what_the_person_did_stays(self) -> Any:
        yield self.logged_on()

        def play(tab: Tab) -> None:
            tab.screen(1440, 400)
            tab.open(f"{self.url}/")
            tab.value("document.querySelector('#rungs-1').open = false; document.querySelector('#again-1 summary').focus();"
                      "window.scrollTo(0, 150); window.mark = document.querySelector('#box-1')")  # fmt: skip
            blockingCallFromThread(reactor, self.ask, "drain", server="ONE")
            tab.until("document.querySelector('.badge.fair') !== null && document.body.innerText.includes('DRAIN')")
            self.assertFalse(tab.value("document.querySelector('#rungs-1').open"))
            self.assertTrue(tab.value("document.querySelector('#again-1').open"))
            self.assertEqual(tab.value("document.activeElement.parentElement.id"), "again-1")
            self.assertEqual(tab.value("window.scrollY"), 150)
            self.assertTrue(tab.value("window.mark === document.querySelector('#box-1')"))

        yield self.driven(play)

    @inlineCallbacks
    def test_a_session_that_begins_appears_and_the_filter_that_is_typed_stays(self) -> Any:
        client = self.client(ALICE)

        def play(tab: Tab) -> None:
            tab.open(f"{self.url}/sessions?mailbox=alice")
            self.assertIn("No session fits.", tab.value("document.body.innerText"))
            tab.value("document.querySelector('[name=client]').value = '16.0'")
            blockingCallFromThread(reactor, lambda: Deferred.fromCoroutine(client.connect()))
            tab.until("document.querySelectorAll('tr[id^=session-]').length === 1")
            self.assertEqual(tab.value("document.querySelector('[name=client]').value"), "16.0")
            tab.value("document.querySelector('.filters').requestSubmit()")
            tab.until("location.search.includes('client=16.0') && document.readyState === 'complete'")
            self.assertIn(ALICE.login, tab.value("document.body.innerText"))

        yield self.driven(play)

    @inlineCallbacks
    def test_the_focus_goes_along_with_a_row_that_moves(self) -> Any:
        clients = [self.client(user) for user in (ALICE, BOB)]
        for client in clients:
            yield Deferred.fromCoroutine(client.connect())

        def play(tab: Tab) -> None:
            tab.open(f"{self.url}/sessions")
            tab.value("document.querySelector('tr[id^=session-]:last-child a').focus();"
                      "window.mark = document.activeElement")  # fmt: skip
            blockingCallFromThread(reactor, lambda: Deferred.fromCoroutine(clients[0].ping()))
            tab.until("document.querySelector('tr[id^=session-]:first-child').contains(window.mark)")
            self.assertTrue(tab.value("document.activeElement === window.mark"))

        yield self.driven(play)

    @inlineCallbacks
    def test_a_server_is_drained_by_clicks(self) -> Any:
        def play(tab: Tab) -> None:
            tab.open(f"{self.url}/")
            tab.click("a[href*='do=drain'][href*='server=TWO']")
            tab.until("document.querySelector('h1')?.innerText === 'Drain: TWO?'")
            self.assertEqual(self.backend("TWO").admin.value, "ready")
            tab.value("document.querySelector('[name=deadline]').value = '30m'")
            tab.click("button.main")
            tab.until("document.querySelector('h1')?.innerText === 'Drain: TWO: done'")
            tab.click(".choice a")
            tab.until("document.querySelector('#overview') && document.body.innerText.includes('maint in 29m')")

        yield self.driven(play)
        self.assertEqual(self.backend("TWO").admin.value, "drain")
        self.assertEqual(self.backend("ONE").admin.value, "ready")

    @inlineCallbacks
    def test_people_log_in_and_out(self) -> Any:
        token = self.folder / "token"
        token.write_text(TOKEN)
        token.chmod(0o600)
        self.write(f'[admin]\nbind = "127.0.0.1:0"\ntoken_file = "{token}"\n')
        self.assertTrue(self.ask("reload")["ok"])

        def play(tab: Tab) -> None:
            tab.open(f"{self.url}/sessions")
            tab.until("location.pathname === '/login'")
            tab.value(f"document.querySelector('[name=token]').value = '{TOKEN}'")
            tab.click("button.main")
            tab.until("location.pathname === '/sessions' && document.readyState === 'complete'")
            tab.click("form[action='/logout'] button")
            tab.until("location.pathname === '/login' && document.readyState === 'complete'")
            tab.open(f"{self.url}/")
            tab.until("location.pathname === '/login'")

        yield self.driven(play)

    @inlineCallbacks
    def test_colours_are_chosen_and_kept(self) -> Any:
        def play(tab: Tab) -> None:
            tab.open(f"{self.url}/sessions")
            ground = "getComputedStyle(document.body).backgroundColor"
            seen = []
            for theme in ("dark", "light"):
                tab.click("#theme button")
                tab.until(f"document.documentElement.dataset.theme === '{theme}'")
                tab.until("document.readyState === 'complete'")
                self.assertEqual(tab.value("location.pathname"), "/sessions")
                seen.append(tab.value(ground))
            self.assertEqual(seen, ["rgb(16, 22, 28)", "rgb(244, 246, 248)"])

        yield self.driven(play)

    @inlineCallbacks
    def test_on_a_phone_nothing_is_wider_than_the_screen(self) -> Any:
        yield self.logged_on()

        def play(tab: Tab) -> None:
            tab.screen(390)
            for target in ("/", "/sessions", "/order?do=drain&pool=lab&server=ONE"):
                tab.open(self.url + target)
                tab.until(f"location.pathname === '{target.partition('?')[0]}'")
                tab.until("document.readyState === 'complete'")
                self.assertEqual(tab.value("document.documentElement.scrollWidth"), 390, target)

        yield self.driven(play)

    @inlineCallbacks
    def test_a_page_without_answers_says_so(self) -> Any:
        def play(tab: Tab) -> None:
            tab.open(f"{self.url}/")
            tab.until("document.getElementById('live').dataset.state === 'live'")
            blockingCallFromThread(reactor, lambda: Deferred.fromCoroutine(self.service.administration.stop()))
            tab.until("document.getElementById('live').dataset.state === 'lost'")
            self.assertIn("no answer since", tab.value("document.getElementById('live-text').innerText"))
            tab.problems.clear()

        yield self.driven(play)

    @inlineCallbacks
    def test_what_is_wrong_in_the_console_would_be_seen(self) -> Any:
        door = self.service.administration.door
        assert door is not None
        del door.routes.files["admin.js"]
        visit = yield deferToThread(Visit, f"{self.url}/", 2)
        self.assertTrue(visit.console)
