"""Certificates are read again when their files change, and drift is said."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from support.certs import make_authority
from support.tlsservers import exchange_server
from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.threads import deferToThread
from twisted.trial.unittest import TestCase

from mapiproxy.lab.authority import Issued
from mapiproxy.net.leaf import Shown, fetch
from mapiproxy.service import make_service
from mapiproxy.settings import load_settings


class RenewalCase(TestCase):
    timeout = 30

    def setUp(self) -> None:
        self.folder = Path(self.mktemp()).absolute()
        self.folder.mkdir(parents=True)
        self.authority = make_authority(self.folder)
        self.first = self.authority.issue("127.0.0.1")
        self.put(self.first)
        # The next one of the same name is written over the first.
        self.kept = {each: (self.folder / each).read_bytes() for each in ("mail.key", "mail.pem")}
        server = exchange_server(self.first)
        port = server.__enter__()
        self.addCleanup(server.__exit__, None, None, None)
        self.file = self.folder / "m.toml"
        self.file.write_text(
            f'[listener.mail]\nbind = "127.0.0.1:0"\ncertificate = "mail.pem"\nkey = "mail.key"\n'
            f'[backend.ex]\nkind = "exchange"\nvdirs = ["mapi"]\nca_file = "{self.authority.ca_file}"\n'
            f'[[backend.ex.server]]\nname = "exch2"\nurl = "https://127.0.0.1:{port}"\n'
            f"[health]\nenabled = false\n[log]\nenabled = false\n"
        )
        self.service = make_service(load_settings(self.file), reactor, self.file)
        self.service.startService()
        self.addCleanup(self.service.stopService)
        self.renewal = self.service.renewal

    def put(self, issued: Issued) -> None:
        """Install a certificate, one file after the other."""
        shutil.copy(issued.key, self.folder / "mail.key")
        shutil.copy(issued.certificate, self.folder / "mail.pem")

    def shown(self) -> Deferred[Shown]:
        """What a client sees."""
        port = self.service.ports[0].getHost().port
        return deferToThread(fetch, "127.0.0.1", port, self.authority.ca_file)

    async def compared(self) -> list[str]:
        self.renewal.look_at_servers()
        while self.renewal._fetching:
            turn: Deferred[Any] = Deferred()
            reactor.callLater(0.01, turn.callback, None)
            await turn
        return list(self.renewal.drift.lines.values())

    async def test_a_renewed_certificate_is_shown_without_a_reload(self) -> None:
        before = await self.shown()
        self.renewal.look_at_files()
        self.assertEqual(self.renewal.renewed, 0)
        self.put(self.authority.issue("127.0.0.1"))
        self.renewal.look_at_files()
        after = await self.shown()

        self.assertEqual(self.renewal.renewed, 1)
        self.assertNotEqual(before.fingerprint, after.fingerprint)
        self.assertEqual(self.renewal.view()["listeners"], {"mail": [after.fingerprint]})
        self.assertEqual(self.service.generation, 1)

    async def test_half_of_a_pair_is_left_alone_until_the_other_half_comes(self) -> None:
        before = await self.shown()
        second = self.authority.issue("127.0.0.1")
        shutil.copy(second.key, self.folder / "mail.key")
        self.renewal.look_at_files()
        self.renewal.look_at_files()
        between = await self.shown()
        self.put(second)
        self.renewal.look_at_files()
        after = await self.shown()

        self.assertEqual(before.fingerprint, between.fingerprint)
        self.assertNotEqual(before.fingerprint, after.fingerprint)
        self.assertEqual(self.renewal.renewed, 1)

    async def test_a_file_that_goes_away_is_no_harm(self) -> None:
        before = await self.shown()
        (self.folder / "mail.pem").unlink()
        self.renewal.look_at_files()
        self.assertEqual((await self.shown()).fingerprint, before.fingerprint)

    async def test_a_listener_that_renews_alone_drifts_from_its_servers(self) -> None:
        self.assertEqual(await self.compared(), [])
        self.assertEqual([*self.renewal.shown], [("ex", "exch2")])
        self.put(self.authority.issue("127.0.0.1"))
        self.renewal.look_at_files()
        lines = await self.compared()

        self.assertEqual(len(lines), 1)
        self.assertRegex(lines[0], r"^CERT drift since \d{4}-\d\d-\d\d: listener mail renewed, exch2 not; EP mismatch")
        status = self.service.orders.answer({"command": "status"})
        self.assertEqual(status["certificates"]["drift"], lines)

        for name, content in self.kept.items():
            (self.folder / name).write_bytes(content)
        self.renewal.look_at_files()
        self.assertEqual(await self.compared(), [])
