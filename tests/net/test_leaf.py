"""Certificates are fetched from real servers, believed or not."""

from __future__ import annotations

import socket
from pathlib import Path

from support.certs import make_authority
from support.tlsservers import exchange_server

from mapiproxy.backends.kind import Kind
from mapiproxy.backends.vdir import SHAPES
from mapiproxy.lab.authority import EXPIRED, LONG_AGO
from mapiproxy.net.certificates import find_fingerprint, read_certificates
from mapiproxy.net.leaf import Answered, ask, fetch
from mapiproxy.net.probe import wanted_of

MAPI = wanted_of(Kind.EXCHANGE, SHAPES["mapi"])


def test_what_a_server_shows_is_what_its_file_holds(tmp_path: Path) -> None:
    authority = make_authority(tmp_path)
    issued = authority.issue("localhost", "127.0.0.1")
    with exchange_server(issued) as port:
        shown = fetch("127.0.0.1", port, authority.ca_file)

    assert shown.fingerprint == find_fingerprint(read_certificates(issued.certificate)[0])
    assert (shown.error, shown.doubt) == (None, None)
    assert "127.0.0.1" in shown.names


def test_a_certificate_that_is_not_believed_is_shown_with_the_reason(tmp_path: Path) -> None:
    authority = make_authority(tmp_path)
    for issued, words in (
        (authority.issue("mail.example.com"), "IP address mismatch"),
        (authority.issue("127.0.0.1", not_before=LONG_AGO, not_after=EXPIRED), "expired"),
        (make_authority(tmp_path / "other").issue("127.0.0.1"), "local issuer"),
    ):
        with exchange_server(issued) as port:
            shown = fetch("127.0.0.1", port, authority.ca_file)
        assert shown.fingerprint is not None
        assert words in (shown.doubt or "")


def test_a_pinned_one_needs_no_authority(tmp_path: Path) -> None:
    issued = make_authority(tmp_path).issue("mail.example.com")
    pin = find_fingerprint(read_certificates(issued.certificate)[0])
    with exchange_server(issued) as port:
        assert fetch("127.0.0.1", port, pins=[pin]).doubt is None
        assert fetch("127.0.0.1", port, pins=["00" * 32]).doubt == "it is not the pinned certificate"


def test_where_it_failed_is_said(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        assert fetch("127.0.0.1", port, timeout=0.2).stage == "connect"
    assert fetch("127.0.0.1", port).stage == "connect"
    assert fetch("no-such-host.invalid", 443).stage == "resolve"
    with exchange_server(None) as port:
        assert fetch("127.0.0.1", port).stage == "tls"


def test_the_request_of_a_probe_is_sent_and_judged(tmp_path: Path) -> None:
    issued = make_authority(tmp_path).issue("127.0.0.1")
    with exchange_server(issued) as port:
        assert ask("127.0.0.1", port, True, MAPI) == Answered(None, "15.0.516.32")
        owa = ask("127.0.0.1", port, True, wanted_of(Kind.EXCHANGE, SHAPES["owa"]))
        assert owa.error == "status 404, not 200"
    assert "refused" in (ask("127.0.0.1", port, True, MAPI).error or "")
