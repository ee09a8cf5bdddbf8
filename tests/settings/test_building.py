"""What must be there, what refers to what, what collides."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.settings_files import PLAIN, complaints, write_certificate, write_config

from mapiproxy.backends.kind import Kind
from mapiproxy.backends.vdir import USUAL
from mapiproxy.settings import Bind, Server, Verify, load_settings

BACKEND = '[backend.b]\nkind = "exchange"\nservers = "https://exch1"\n[log]\ndirectory = "logs"\n'


def listeners(*binds: str) -> str:
    """A file with a plain listener per bind, on lines 2, 5, 8, …"""
    return (
        "".join(f"[listener.l{n}]\nbind = {bind}\ntls = false\n" for n, bind in enumerate(binds))
        + BACKEND
    )


def test_the_least_file_there_is(tmp_path: Path) -> None:
    settings = load_settings(write_config(tmp_path, PLAIN))
    (listener,) = settings.listeners
    assert (listener.name, listener.bind) == ("mail", (Bind("127.0.0.1", 8080),))
    assert (listener.tls, listener.backend) == (None, "exchange")
    group = settings.backend("exchange")
    assert (group.kind, group.verify) == (Kind.EXCHANGE, Verify())
    assert [vdir.name for vdir in group.vdirs] == [*USUAL[Kind.EXCHANGE]]
    assert group.servers[0] == Server(
        "exch1.example.com", "https://exch1.example.com", "exch1.example.com", 443, True, 100
    )
    assert settings.log.directory == tmp_path / "logs"


def test_an_empty_file_lacks_two_things(tmp_path: Path) -> None:
    found = complaints(tmp_path, "[log]\ndirectory = '.'\n")
    assert found == [
        "1: backend: no [backend.NAME] table: there is nobody to ask",
        "1: listener: no [listener.NAME] table: nothing would listen",
    ]


def test_what_a_table_must_have_is_missed_at_its_header(tmp_path: Path) -> None:
    found = complaints(tmp_path, '\n[listener.l]\n[backend.b]\n[log]\ndirectory="."\n')
    assert [each.split(": missing")[0] for each in found] == [
        "2: listener.l.bind",
        "2: listener.l.certificate",
        "3: backend.b.kind",
        "3: backend.b.servers",
    ]


def test_what_is_misspelt_is_not_called_missing_as_well(tmp_path: Path) -> None:
    text = PLAIN.replace("bind", "bnid").replace("servers", "srevers")
    found = complaints(tmp_path, text)
    assert [each.partition(";")[0] for each in found] == [
        "2: listener.mail.bnid: unknown key",
        "6: backend.exchange.srevers: unknown key",
    ]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ('"0.0.0.0:443"', '"0.0.0.0:443"'),
        ('"0.0.0.0:443"', '"127.0.0.1:443"'),
        ('"10.0.0.1:443"', '["10.0.0.2:443", "0.0.0.0:443"]'),
        ('"[::]:443"', '"0.0.0.0:443"'),
        ('"[::1]:443"', '"[::]:443"'),
        ('"localhost:443"', '"127.0.0.1:443"'),
        ('"mail:443"', '"0.0.0.0:443"'),
        ('"[::1]:443"', '"[0:0:0:0:0:0:0:1]:443"'),
    ],
)
def test_binds_that_collide(tmp_path: Path, one: str, other: str) -> None:
    (found,) = complaints(tmp_path, listeners(one, other))
    assert found.startswith("5: listener.l1.bind")
    assert "listener.l0 (line 2)" in found


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ('"0.0.0.0:443"', '"0.0.0.0:444"'),
        ('"127.0.0.1:443"', '"127.0.0.2:443"'),
        ('"0.0.0.0:443"', '"[::1]:443"'),
        ('"127.0.0.1:0"', '"127.0.0.1:0"'),
    ],
)
def test_binds_that_do_not_collide(tmp_path: Path, one: str, other: str) -> None:
    assert complaints(tmp_path, listeners(one, other)) == []


def test_a_bind_twice_in_one_listener(tmp_path: Path) -> None:
    (found,) = complaints(tmp_path, listeners('["127.0.0.1:1", "127.0.0.1:1"]'))
    assert found == "2: listener.l0.bind[1]: 127.0.0.1:1 is taken by listener.l0 (line 2)"


def test_a_listener_names_a_backend_that_exists(tmp_path: Path) -> None:
    text = PLAIN.replace("tls = false", 'tls = false\nbackend = "exchagne"')
    (error, warning) = complaints(tmp_path, text)
    assert error.startswith("4: listener.mail.backend: there is no [backend.exchagne]; ")
    assert error.endswith('did you mean "exchange"?')
    assert warning.startswith("5: warning: backend.exchange: no listener")


def test_with_two_backends_a_listener_must_say_which(tmp_path: Path) -> None:
    text = PLAIN + '[backend.g]\nkind = "grommunio"\nservers = "https://g"\n'
    found = complaints(tmp_path, text)
    assert found[0] == ("1: listener.mail.backend: missing; name one of the backends: exchange, g")


def test_a_certificate_needs_tls(tmp_path: Path) -> None:
    certificate, _ = write_certificate(tmp_path, "a.example.com")
    text = PLAIN.replace("tls = false", f'tls = false\ncertificate = "{certificate}"')
    assert complaints(tmp_path, text) == [
        "4: listener.mail.certificate: has no meaning with tls = false"
    ]


def test_certificates_of_a_listener(tmp_path: Path) -> None:
    write_certificate(tmp_path, "a.example.com")
    write_certificate(tmp_path, "b.example.com")
    text = PLAIN.replace(
        "tls = false",
        'certificate = "a.example.com.pem"\nkey = "a.example.com.key"\ntls_policy = "modern"\n'
        "[[listener.mail.sni]]\n"
        'certificate = "b.example.com.pem"\nkey = "b.example.com.key"\nnames = ["B.example.com"]',
    )
    tls = load_settings(write_config(tmp_path, text)).listeners[0].tls
    assert tls is not None
    assert (tls.policy, tls.minimum) == ("modern", "1.3")
    first, second = tls.certificates
    assert (first.certificate, first.names) == (tmp_path / "a.example.com.pem", ())
    assert (second.key, second.names) == (tmp_path / "b.example.com.key", ("b.example.com",))


def test_certificates_that_cannot_be_meant(tmp_path: Path) -> None:
    for name in ("a", "b"):
        write_certificate(tmp_path, f"{name}.example.com")
    text = PLAIN.replace(
        "tls = false",
        'certificate = "a.example.com.pem"\npkcs12 = "b.example.com.pem"\n'
        'tls_policy = "modern"\ntls_minimum = "1.2"\n'
        '[[listener.mail.sni]]\nnames = ["x.example.com"]\n'
        '[[listener.mail.sni]]\ncertificate = "a.example.com.pem"\nnames = ["X.example.com"]',
    )
    assert complaints(tmp_path, text) == [
        "4: listener.mail.pkcs12: give either pkcs12 or certificate and key, not both",
        '6: listener.mail.tls_minimum: the policy "modern" begins at TLS 1.3',
        "7: listener.mail.sni[0].certificate: missing; give certificate and key, or pkcs12",
        '11: listener.mail.sni[1].names[0]: "X.example.com" is in sni[0] already',
    ]


def test_files_that_are_not_there_are_all_named(tmp_path: Path) -> None:
    keys = ("certificate", "key", "chain", "passphrase_file")
    lines = "\n".join(f'{key} = "no.{key}"' for key in keys)
    text = PLAIN.replace("tls = false", lines).replace("[log]", 'ca_file = "no.ca"\n[log]')
    assert [each.partition(" cannot")[0] for each in complaints(tmp_path, text)] == [
        *(f"{n}: listener.mail.{key}: {tmp_path}/no.{key}" for n, key in enumerate(keys, 3)),
        f"10: backend.exchange.ca_file: {tmp_path}/no.ca",
    ]


def servers(text: str) -> str:
    """The plain file with ``text`` in place of its line 6."""
    lines = PLAIN.splitlines()
    return "\n".join([*lines[:5], text, *lines[6:]]) + "\n"


def test_two_servers_on_one_host_are_told_apart_by_port(tmp_path: Path) -> None:
    text = servers('servers = ["https://127.0.0.1:1", "https://127.0.0.1:2"]')
    (group,) = load_settings(write_config(tmp_path, text)).backends
    assert [server.name for server in group.servers] == ["127.0.0.1:1", "127.0.0.1:2"]


def test_servers_have_names_and_addresses_of_their_own(tmp_path: Path) -> None:
    text = servers(
        'servers = ["https://a", "https://A:443"]\n'
        'server = [{ url = "https://b", name = "x" }, { url = "https://c", name = "X" }]'
    )
    assert complaints(tmp_path, text) == [
        '6: backend.exchange.servers[1]: https://a is the server "a:443" already',
        '7: backend.exchange.server[1].name: another server of this backend is called "X"',
    ]


def test_weights_have_a_range(tmp_path: Path) -> None:
    text = servers(
        'server = [{ url = "https://b", weight = -1 }, { url = "https://c", weight = 1001 }]'
    )
    assert [each.partition(": must")[0] for each in complaints(tmp_path, text)] == [
        "6: backend.exchange.server[0].weight",
        "6: backend.exchange.server[1].weight",
    ]


def test_weights_that_are_all_zero_are_warned_of(tmp_path: Path) -> None:
    (found,) = complaints(tmp_path, servers('server = [{ url = "https://b", weight = 0 }]'))
    assert found.startswith("4: warning: backend.exchange: every server has weight 0")


def test_plain_http_to_exchange_is_refused_unless_it_is_meant(tmp_path: Path) -> None:
    text = servers('servers = ["https://a", "http://b"]')
    (found,) = complaints(tmp_path, text)
    assert found.startswith("6: backend.exchange.servers[1]: ")
    assert "Extended Protection" in found
    (found,) = complaints(tmp_path, text.replace("servers =", "allow_ssl_offload = true\nservers ="))
    assert found.startswith("7: warning: backend.exchange.servers[1]: ")
    offloaded = servers('servers = "http://b"').replace("exchange", "grommunio")
    assert complaints(tmp_path, offloaded) == []


def test_ways_to_verify(tmp_path: Path) -> None:
    pin = "ab" * 32
    text = PLAIN.replace("[log]", f'fingerprint = "{pin}"\n[log]')
    (group,) = load_settings(write_config(tmp_path, text)).backends
    assert group.verify == Verify(fingerprint=(pin,))
    off = text.replace("[log]", 'verify = "off-insecure"\n[log]')
    assert [each.split(": ")[1:] for each in complaints(tmp_path, off)] == [
        ["backend.exchange.fingerprint", 'has no meaning with verify = "off-insecure"'],
        ["warning", "backend.exchange.verify",
         "anybody on the way can pretend to be this backend"],
    ]  # fmt: skip


def test_names_can_stand_in_a_log(tmp_path: Path) -> None:
    text = PLAIN.replace("listener.mail", 'listener."a, b"').replace("exch1.example.com", "[::1]")
    (found,) = complaints(tmp_path, text)
    assert found.startswith('1: listener."a, b": "a, b" is no name')


def test_grommunio_closes_idle_connections_after_three_minutes(tmp_path: Path) -> None:
    text = PLAIN.replace('"exchange"', '"grommunio"') + '[timeouts]\nbackend_idle = "3m"\n'
    (found,) = complaints(tmp_path, text)
    assert found.startswith("10: warning: timeouts.backend_idle: grommunio closes")


def test_the_rest_has_ranges_too(tmp_path: Path) -> None:
    text = PLAIN + (
        'version = "15.2"\nserver_name = "a,b"\n[proxy]\nname = "a b"\n'
        '[limits]\nhead = "1KiB"\nconnections = 0\n'
    )
    assert [each.split(": ")[1] for each in complaints(tmp_path, text)] == [
        "log.version", "log.server_name", "proxy.name", "limits.head", "limits.connections",
    ]  # fmt: skip
