"""The whole front, with the lab's servers behind it: every virtual directory, Outlook Anywhere, Autodiscover."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import requests
from support.lab import ALICE, BOB, USERS
from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.threads import deferToThread
from twisted.trial.unittest import TestCase

from mapiproxy.lab.anywhere import OutlookAnywhere
from mapiproxy.lab.authority import Authority
from mapiproxy.lab.dialect import LabOptions
from mapiproxy.lab.dialing import Address
from mapiproxy.lab.pox import autodiscover_request
from mapiproxy.lab.server import LabServer
from mapiproxy.lab.tls import server_context
from mapiproxy.service import make_service
from mapiproxy.settings import load_settings


class FrontCase(TestCase):
    timeout = 60
    more = ""

    def setUp(self) -> None:
        folder = Path(self.mktemp()).absolute()
        folder.mkdir(parents=True)
        authority = Authority(folder / "ca")
        issued = authority.issue("localhost", "127.0.0.1")
        self.ca = authority.ca_file
        self.labs = []
        servers = ""
        for name in ("EXCH1", "EXCH2"):
            tls = server_context(issued.certificate, issued.key)
            lab = LabServer("exchange", name, USERS, LabOptions(), reactor, tls=tls)
            lab.start()
            self.addCleanup(lab.stop)
            self.labs.append(lab)
            servers += f'[[backend.ex.server]]\nname = "{name}"\nurl = "{lab.url}"\n'
        file = folder / "m.toml"
        file.write_text(
            f'[listener.mail]\nbind = "127.0.0.1:0"\ncertificate = "{issued.certificate}"\nkey = "{issued.key}"\n'
            f'[backend.ex]\nkind = "exchange"\nca_file = "{self.ca}"\n{self.more}{servers}'
            f'[backend.ex.vdir.mapi]\nexternal_url = "https://mail.example.com/mapi"\n'
            f'[health]\ninterval = "200ms"\nfast = "100ms"\nrise = 1\nfall = 1\n[log]\ndirectory = "{folder / "log"}"\n'
        )
        self.log = folder / "log"
        self.service = make_service(load_settings(file), reactor, file)
        self.service.startService()
        self.addCleanup(self.service.stopService)
        self.site = self.service.sites["ex"]
        self.port = self.service.ports[0].getHost().port

    def ask(self, method: str, path: str, **more: Any) -> Deferred[requests.Response]:
        def work() -> requests.Response:
            with requests.Session() as session:
                session.trust_env = False
                session.verify = str(self.ca)
                return session.request(method, f"https://localhost:{self.port}{path}", timeout=20, **more)

        return deferToThread(work)

    async def until(self, true: Any) -> None:
        while not true():
            turn: Deferred[None] = Deferred()
            reactor.callLater(0.02, turn.callback, None)
            await turn

    async def test_every_directory_is_served_byte_for_byte_whatever_its_case(self) -> None:
        login = (ALICE.login, ALICE.password)
        for path in ("/EWS/Exchange.asmx?x=%20a+b", "/owa/", "/ECP/x.aspx", "/OAB/a.xml", "/Microsoft-Server-ActiveSync?Cmd=Sync&User=a"):
            answer = await self.ask("POST", path, auth=login, data=b"x")
            self.assertEqual(answer.status_code, 200, path)
            self.assertIn(f"target: {path}", answer.text)
            self.assertIn(f"user: {ALICE.login}", answer.text)
        self.assertEqual((await self.ask("GET", "/PowerShell/", auth=login)).status_code, 404)
        self.assertEqual((await self.ask("GET", "/other/", auth=login)).status_code, 404)

    async def test_each_directory_has_its_own_health(self) -> None:
        for lab in self.labs:
            lab.backend.directories.inactive.add("owa")
        self.labs[0].backend.directories.inactive.add("ews")
        await self.until(lambda: not any(b.up for b in self.site.wings["owa"].pool.backends))
        await self.until(lambda: not self.site.wings["ews"].pool.by_name["EXCH1"].up)

        self.assertEqual((await self.ask("GET", "/owa/healthcheck.htm")).status_code, 503)
        self.assertEqual((await self.ask("GET", "/owa/", auth=(ALICE.login, ALICE.password))).status_code, 503)
        self.assertEqual((await self.ask("GET", "/ews/healthcheck.htm")).status_code, 200)
        self.assertEqual((await self.ask("GET", "/MAPI/healthcheck.htm")).status_code, 200)
        for _ in range(4):
            answer = await self.ask("GET", "/ews/", auth=(ALICE.login, ALICE.password))
            self.assertIn("server: EXCH2", answer.text)
        self.labs[0].backend.directories.inactive.clear()
        await self.until(lambda: self.site.wings["ews"].pool.by_name["EXCH1"].up)

    async def test_outlook_anywhere_of_real_pdus_meets_at_one_server(self) -> None:
        clients = []
        for user in (ALICE, BOB):
            client = OutlookAnywhere(reactor, Address("127.0.0.1", self.port, "localhost", True, self.ca), user)
            self.addCleanup(lambda client=client: Deferred.fromCoroutine(client.close()))
            await client.open()
            clients.append(client)
        for client in clients:
            for size in (1, 1000, 100_000):
                self.assertEqual(await client.say(b"x" * size), b"x" * size)
        self.assertEqual(len(self.site.rules.channels), 4)

        clients[0].reset("in")
        await clients[0].gone("out")
        self.assertEqual(await clients[1].say(b"still there"), b"still there")
        self.assertEqual((await clients[1].echo()).status, 200)
        await self.until(lambda: len(self.site.rules.channels) == 2)

    async def test_autodiscover_passes_as_the_server_says_it(self) -> None:
        answer = await self.discover()
        self.assertIn("corp.test/mapi/emsmdb/", answer.text)
        self.assertNotIn("mail.example.com", answer.text)
        self.assertIn("no-store", answer.headers["Cache-Control"])
        self.assertNotIn("mapiHttp", (await self.discover({})).text)

    def discover(self, headers: dict[str, str] | None = None) -> Deferred[requests.Response]:
        capable = {"X-MapiHttpCapability": "1"} if headers is None else headers
        return self.ask(
            "POST", "/Autodiscover/Autodiscover.xml", auth=(ALICE.login, ALICE.password),
            data=autodiscover_request(ALICE.login), headers={**capable, "Content-Type": "text/xml"},
        )  # fmt: skip


class PublishedCase(FrontCase):
    more = "autodiscover_rewrite = true\nautodiscover_homes = true\n"

    async def test_autodiscover_passes_as_the_server_says_it(self) -> None:
        answer = await self.discover()
        self.assertIn("https://mail.example.com/mapi/emsmdb/", answer.text)
        self.assertEqual(int(answer.headers["Content-Length"]), len(answer.content))


class DisabledCase(FrontCase):
    more = f'mapi_http_blocked = ["{ALICE.login}"]\n'

    async def test_autodiscover_passes_as_the_server_says_it(self) -> None:
        answer = await self.discover()
        self.assertEqual(answer.status_code, 200)
        self.assertNotIn("mapiHttp", answer.text)
        headers = {"X-RequestType": "PING", "X-RequestId": "{0}:1"}
        ping = await self.ask("POST", "/mapi/emsmdb/", auth=(ALICE.login, ALICE.password), headers=headers)
        self.assertEqual((ping.status_code, ping.headers["X-ResponseCode"]), (200, "16"))
