"""What a reload does to the virtual directories of a site."""

from __future__ import annotations

from typing import Any

from support.running import RunningCase

from mapiproxy.backends.fleet import Admin
from mapiproxy.backends.kind import Kind
from mapiproxy.backends.vdir import VirtualDirectory
from mapiproxy.policy.mapihttp import MapiHttp
from mapiproxy.service.wing import say_changes
from mapiproxy.settings import BackendGroup, Server


def group(*vdirs: str, hosts: tuple[str, ...] = ("a", "b"), **more: Any) -> BackendGroup:
    servers = tuple(Server(host.upper(), f"https://{host}", host, 443, True) for host in hosts)
    return BackendGroup("ex", Kind.EXCHANGE, servers, tuple(map(VirtualDirectory, vdirs)), **more)


def test_what_changed_is_said_in_words() -> None:
    old, new = group("mapi", "owa"), group("mapi", "ews", hosts=("b", "c"), mapi_http=MapiHttp(False))
    assert say_changes(new, old) == [
        "server C added",
        "server A removed",
        "virtual directory ews added",
        "virtual directory owa removed",
        "who may use MAPI over HTTP has changed",
    ]
    assert say_changes(old, old) == []


def test_other_urls_of_a_directory_are_a_change() -> None:
    old = group("mapi")
    new = BackendGroup("ex", Kind.EXCHANGE, old.servers, (VirtualDirectory("mapi", external_url="https://m/mapi"),))
    assert say_changes(new, old) == ["virtual directory mapi changed"]


class WingsCase(RunningCase):
    """A site with more than one virtual directory."""

    async def test_each_directory_has_backends_of_its_own_and_orders_are_for_the_server(self) -> None:
        site = self.service.sites["lab"]
        everywhere = site.everywhere("ONE")
        self.assertEqual([each.vdir for each in everywhere], [*site.wings])
        self.assertGreater(len(everywhere), 3)

        site.set_admin(site.pool.by_name["ONE"], Admin.DRAIN)
        site.set_weight(site.pool.by_name["ONE"], 7)

        self.assertEqual({(each.admin, each.weight) for each in everywhere}, {(Admin.DRAIN, 7)})

    async def test_one_directory_fails_by_itself(self) -> None:
        site = self.service.sites["lab"]
        site.wings["ews"].pool.by_name["ONE"].up = False

        self.assertTrue(site.pool.by_name["ONE"].keeps)
        self.assertEqual(len(site.wings["ews"].pool.able()), 1)

    async def test_a_reload_adds_and_removes_directories_and_keeps_what_is_known_of_others(self) -> None:
        site = self.service.sites["lab"]
        mapi = site.wings["mapi"]
        site.set_admin(site.pool.by_name["ONE"], Admin.DRAIN)
        text = self.file.read_text()
        self.file.write_text(text.replace('kind = "grommunio"', 'kind = "grommunio"\nvdirs = ["mapi", "powershell"]'))

        said = self.ask("reload")

        self.assertTrue(said["ok"], said)
        self.assertIn("virtual directory powershell added", said["changes"])
        self.assertIn("virtual directory ews removed", said["changes"])
        self.assertEqual([*site.wings], ["mapi", "powershell"])
        self.assertIs(site.wings["mapi"], mapi)
        self.assertIsNone(site.rules.pool_for("/ews/Exchange.asmx"))
        self.assertIs(site.rules.pool_for("/PowerShell/"), site.wings["powershell"].pool)
        self.assertIs(site.wings["powershell"].pool.by_name["ONE"].admin, Admin.DRAIN)
