"""TLS with a given CA: who is trusted, and who is not."""

from __future__ import annotations

import tempfile
from pathlib import Path

from support.lab import ALICE, USERS
from support.lab_sockets import ClientCase
from twisted.internet import reactor

from mapiproxy.lab.authority import Authority
from mapiproxy.lab.client import Address, OutlookClient
from mapiproxy.lab.dialect import LabOptions
from mapiproxy.lab.errors import (
    LabError,
)
from mapiproxy.lab.server import LabServer
from mapiproxy.lab.tls import server_context


class DialingTests(ClientCase):
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
