"""Parts made from settings."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from twisted.internet import reactor
from twisted.internet.endpoints import HostnameEndpoint, TCP4ClientEndpoint, TCP6ClientEndpoint

from mapiproxy.backends.kind import Kind
from mapiproxy.backends.vdir import VirtualDirectory
from mapiproxy.net.certificates import BadCertificate
from mapiproxy.service.assembly import (
    make_creator,
    make_endpoints,
    make_ledger_opener,
    make_log,
    make_pool,
    read_route_keys,
)
from mapiproxy.settings import Affinity, BackendGroup, CertificateFiles, ListenerTls, Log, Server


def group(*hosts: str) -> BackendGroup:
    servers = tuple(Server(f"S{n}", f"http://{host}", host, 80, False, 10 * n) for n, host in enumerate(hosts, 1))
    return BackendGroup("mapi", Kind.GROMMUNIO, servers)


def test_a_pool_is_what_the_group_says() -> None:
    pool = make_pool(group("a.test", "b.test"))

    assert [(b.name, b.host, b.port, b.tls, b.kind, b.weight) for b in pool.backends] == [
        ("S1", "a.test", 80, False, Kind.GROMMUNIO, 10), ("S2", "b.test", 80, False, Kind.GROMMUNIO, 20),
    ]  # fmt: skip
    assert pool.paths == ("/mapi",)
    rpc = make_pool(group("a.test"), VirtualDirectory("rpc"))
    assert (rpc.paths, rpc.title, rpc.backends[0].label) == (("/rpc", "/rpcwithcert"), "mapi/rpc", "S1/rpc")
    assert make_pool(group("a.test"), VirtualDirectory("ews", enabled=False)).paths == ()


def test_addresses_are_dialled_without_asking_a_resolver() -> None:
    endpoints = make_endpoints(group("192.0.2.1", "2001:db8::1", "a.test"), reactor)

    assert [type(each) for each in endpoints.values()] == [
        TCP4ClientEndpoint, TCP6ClientEndpoint, HostnameEndpoint,
    ]  # fmt: skip


def test_a_plain_listener_has_no_certificate_and_a_bad_one_is_refused(tmp_path: Path) -> None:
    assert make_creator(None) is None
    (tmp_path / "bad.pem").write_text("no certificate")
    with pytest.raises(BadCertificate):
        make_creator(ListenerTls((CertificateFiles(tmp_path / "bad.pem"),)))


def test_no_log_is_made_where_none_is_wanted() -> None:
    assert make_log(Log(enabled=False), reactor) is None


def test_route_keys_are_read_from_their_file(tmp_path: Path) -> None:
    (tmp_path / "k").write_bytes(b"first key of many bytes\nsecond key of many\n")
    keys = read_route_keys(Affinity(tmp_path / "k"))

    assert keys is not None
    assert keys.keys == (b"first key of many bytes", b"second key of many")
    assert read_route_keys(Affinity()) is None


def test_every_request_gets_an_id_of_its_own() -> None:
    opener, other = make_ledger_opener(time.time), make_ledger_opener(time.time)
    ids = [each(1.0, None, "192.0.2.1", 1).request_id for each in (opener, opener, other)]

    assert len(set(ids)) == 3
    assert all(len(each) == 36 for each in ids)


def test_the_log_is_kept_as_the_settings_say(tmp_path: Path) -> None:
    log = make_log(
        Log(directory=tmp_path, server_name="MAIL1", retention=7200.0, folder_size=5, mapi_client_access=True), reactor
    )

    assert log is not None
    assert (log._shelf._retention.max_age, log._shelf._retention.max_size) == (7200.0, 5)
    assert [each.folder for each in log._also] == ["MAPI Client Access"]
