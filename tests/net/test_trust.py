"""Whom we believe to be a backend: real handshakes, in memory and over a socket."""

from __future__ import annotations

from pathlib import Path

import pytest
from OpenSSL import SSL
from support.certs import loaded, make_authority, make_server, shake
from twisted.internet import defer, reactor
from twisted.internet.endpoints import TCP4ClientEndpoint, wrapClientTLS
from twisted.internet.interfaces import IHandshakeListener
from twisted.internet.protocol import Factory, Protocol
from twisted.internet.ssl import DefaultOpenSSLContextFactory
from twisted.protocols.tls import TLSMemoryBIOFactory
from twisted.trial import unittest
from zope.interface import implementer

from mapiproxy.net.certificates import (
    BadCertificate,
    find_fingerprint,
    read_certificates,
    show_fingerprint,
)
from mapiproxy.net.tls import describe_tls_failure
from mapiproxy.net.trust import BackendCreator, BackendUntrusted, Trust

VERSIONS = pytest.mark.parametrize("highest", [SSL.TLS1_2_VERSION, SSL.TLS1_3_VERSION])


@pytest.fixture
def authority(tmp_path):
    return make_authority(tmp_path)


def dial(creator, issued, highest=SSL.TLS1_3_VERSION):
    """What each side says about a handshake with a server that shows ``issued``."""
    server = SSL.Connection(make_server(issued, highest), None)
    return shake(creator.clientConnectionForTLS(None), server)


def why_not(creator, issued, highest=SSL.TLS1_3_VERSION):
    ours, theirs = dial(creator, issued, highest)
    assert isinstance(ours, BackendUntrusted)
    assert theirs is not None, "the server is told by an alert"
    return str(ours)


@VERSIONS
@pytest.mark.parametrize("host", ["exch1.corp", "EXCH1.corp.", "127.0.0.1", "::1", "a.wild.corp"])
def test_a_certificate_of_our_ca_for_the_host_is_believed(authority, host, highest):
    issued = authority.issue("exch1.corp", "*.wild.corp", "127.0.0.1", "::1")
    creator = BackendCreator(host, Trust(ca_file=authority.ca_file))
    assert dial(creator, issued, highest) == (None, None)


@VERSIONS
def test_a_certificate_for_another_name_is_not(authority, highest):
    creator = BackendCreator("exch1.corp", Trust(ca_file=authority.ca_file))
    assert (
        why_not(creator, authority.issue("exch2.corp", "exch3.corp"), highest)
        == "certificate is for exch2.corp, exch3.corp, wanted exch1.corp"
    )
    # The refusal is that connection's alone.
    assert dial(creator, authority.issue("exch1.corp"), highest) == (None, None)


def test_a_certificate_for_another_address_is_not(authority):
    creator = BackendCreator("10.0.0.1", Trust(ca_file=authority.ca_file))
    issued = authority.issue("127.0.0.1")
    assert why_not(creator, issued) == "certificate is for 127.0.0.1, wanted 10.0.0.1"


@VERSIONS
def test_a_certificate_of_another_ca_is_not(authority, highest):
    creator = BackendCreator("exch1.corp", Trust(ca_file=authority.ca_file))
    text = why_not(creator, authority.stranger().issue("exch1.corp"), highest)
    assert text.startswith("certificate of exch1.corp: unknown CA ")
    assert "mapiproxy lab" in text


def test_the_system_does_not_know_our_ca(authority):
    assert "unknown CA" in why_not(BackendCreator("exch1.corp"), authority.issue("exch1.corp"))


def test_a_forgotten_chain_is_an_unknown_ca(tmp_path):
    authority = make_authority(tmp_path, intermediate=True)
    issued = authority.issue("exch1.corp")
    creator = BackendCreator("exch1.corp", Trust(ca_file=authority.ca_file))
    assert dial(creator, issued) == (None, None)
    leaf = issued.certificate.read_text().partition("-----END CERTIFICATE-----\n")
    issued.certificate.write_text(leaf[0] + leaf[1])
    assert "unknown CA" in why_not(creator, issued)


def test_an_intermediate_or_the_leaf_itself_may_be_all_we_trust(tmp_path):
    issued = make_authority(tmp_path, intermediate=True).issue("exch1.corp")
    leaf, _, link = issued.certificate.read_text().partition("-----END CERTIFICATE-----\n")
    only = tmp_path / "only.pem"
    only.write_text(link)
    assert dial(BackendCreator("exch1.corp", Trust(ca_file=only)), issued) == (None, None)
    only.write_text(leaf + "-----END CERTIFICATE-----\n")
    assert dial(BackendCreator("exch1.corp", Trust(ca_file=only)), issued) == (None, None)


def test_dates_matter(authority):
    creator = BackendCreator("exch1.corp", Trust(ca_file=authority.ca_file))
    assert (
        why_not(creator, authority.issue_expired("exch1.corp"))
        == "certificate of exch1.corp: exch1.corp expired 2020-01-01"
    )
    assert (
        why_not(creator, authority.issue_for_the_future("exch1.corp"))
        == "certificate of exch1.corp: exch1.corp is not valid before 2090-01-01"
    )


@VERSIONS
def test_a_pinned_leaf_needs_neither_ca_nor_name_nor_dates(authority, highest):
    issued = authority.stranger().issue_expired("whoever.corp")
    pins = {"00" * 32, loaded(issued).fingerprint}
    assert dial(BackendCreator("exch1.corp", Trust(fingerprints=pins)), issued, highest) == (
        None,
        None,
    )


@VERSIONS
def test_another_leaf_than_the_pinned_is_refused_though_its_ca_is_good(authority, highest):
    issued = authority.issue("exch1.corp")
    trust = Trust(ca_file=authority.ca_file, fingerprints={"cd" * 32})
    assert why_not(BackendCreator("exch1.corp", trust), issued, highest) == (
        f"fingerprint of exch1.corp is {show_fingerprint(loaded(issued).fingerprint)}, "
        f"wanted {show_fingerprint('cd' * 32)}"
    )


def test_a_pinned_issuer_does_not_vouch_for_a_leaf(tmp_path):
    """Only the leaf is compared: else a pin would let in everything its owner ever signed."""
    authority = make_authority(tmp_path, intermediate=True)
    issued = authority.issue("exch1.corp")
    pin = find_fingerprint(read_certificates(issued.certificate)[1])
    assert "fingerprint" in why_not(BackendCreator("exch1.corp", Trust(fingerprints={pin})), issued)


def test_off_believes_anybody(authority):
    issued = authority.stranger().issue_expired("whoever.corp")
    assert dial(BackendCreator("exch1.corp", Trust(off=True)), issued) == (None, None)


def test_nothing_older_than_1_2_is_spoken(authority):
    context = make_server(authority.issue("exch1.corp"), SSL.TLS1_1_VERSION)
    context.set_cipher_list(b"ALL:@SECLEVEL=0")
    creator = BackendCreator("exch1.corp", Trust(off=True))
    ours, _ = shake(creator.clientConnectionForTLS(None), SSL.Connection(context, None))
    assert "unsupported protocol" in describe_tls_failure(ours) or "alert" in describe_tls_failure(
        ours
    )


@pytest.mark.parametrize(
    ("host", "sent"), [("Exch1.corp", b"exch1.corp"), ("127.0.0.1", None), ("::1", None)]
)
def test_names_are_sent_and_addresses_are_not(authority, host, sent):
    server = SSL.Connection(make_server(authority.issue()), None)
    shake(BackendCreator(host, Trust(off=True)).clientConnectionForTLS(None), server)
    assert server.get_servername() == sent


def test_only_http_1_1_is_offered(authority):
    context = make_server(authority.issue())
    offers = []

    def choose(connection, offered):
        offers.extend(offered)
        return offered[0]

    context.set_alpn_select_callback(choose)
    client = BackendCreator("exch1.corp", Trust(off=True)).clientConnectionForTLS(None)
    assert shake(client, SSL.Connection(context, None)) == (None, None)
    assert offers == [b"http/1.1"]


def test_a_ca_file_without_certificates_is_named(tmp_path):
    empty = tmp_path / "empty.pem"
    empty.write_text("")
    with pytest.raises(BadCertificate, match=r"empty\.pem: no certificate"):
        BackendCreator("exch1.corp", Trust(ca_file=empty))


@VERSIONS
def test_a_session_is_resumed_while_its_first_connection_lives_or_not(authority, highest):
    context = make_server(authority.issue("exch1.corp"), highest)
    context.set_session_id(b"test")
    creator = BackendCreator("exch1.corp", Trust(ca_file=authority.ca_file))

    def size_of_another() -> int:
        flights: list[int] = []
        client, server = creator.clientConnectionForTLS(None), SSL.Connection(context, None)
        assert shake(client, server, flights) == (None, None)
        server.shutdown()
        client.shutdown()
        return flights[0]

    full = size_of_another()
    assert size_of_another() > full - 100  # the first went before its session was asked for
    first = creator.clientConnectionForTLS(None)
    living = SSL.Connection(context, None)
    assert shake(first, living) == (None, None)
    assert size_of_another() < full - 400
    first.shutdown()  # OpenSSL forgets the session of a connection dropped without goodbye
    del first
    assert size_of_another() < full - 400


def test_a_refused_handshake_lends_no_session(authority):
    creator = BackendCreator("exch1.corp", Trust(ca_file=authority.ca_file))
    server = SSL.Connection(make_server(authority.issue("exch2.corp")), None)
    refused = creator.clientConnectionForTLS(None)
    shake(refused, server)
    following = creator.clientConnectionForTLS(None)
    assert following.get_session() is None


@implementer(IHandshakeListener)
class Caller(Protocol):
    def __init__(self) -> None:
        self.done: defer.Deferred[object] = defer.Deferred()
        self.lost: defer.Deferred[None] = defer.Deferred()

    def handshakeCompleted(self) -> None:
        self.done.callback(self.transport.negotiatedProtocol)

    def connectionLost(self, reason) -> None:
        self.lost.callback(None)
        if not self.done.called:
            self.done.errback(reason)


class OverASocket(unittest.TestCase):
    """The same through Twisted's endpoints, as the dialer uses it."""

    def setUp(self) -> None:
        self.authority = make_authority(Path(self.mktemp()).absolute())
        issued = self.authority.issue("localhost")
        plain = DefaultOpenSSLContextFactory(
            str(issued.key), str(issued.certificate), SSL.TLS_SERVER_METHOD
        )
        factory = TLSMemoryBIOFactory(plain, False, Factory.forProtocol(Protocol))
        self.port = reactor.listenTCP(0, factory, interface="127.0.0.1")
        self.addCleanup(self.port.stopListening)

    def call(self, host: str):
        creator = BackendCreator(host, Trust(ca_file=self.authority.ca_file))
        endpoint = TCP4ClientEndpoint(reactor, "127.0.0.1", self.port.getHost().port)
        return wrapClientTLS(creator, endpoint).connect(Factory.forProtocol(Caller))

    @defer.inlineCallbacks
    def test_the_right_backend_completes_the_handshake(self):
        caller = yield self.call("localhost")
        yield caller.done
        caller.transport.loseConnection()
        yield caller.lost

    @defer.inlineCallbacks
    def test_the_wrong_one_is_the_reason_for_the_loss(self):
        caller = yield self.call("exch1.corp")
        error = yield self.assertFailure(caller.done, BackendUntrusted)
        self.assertEqual(str(error), "certificate is for localhost, wanted exch1.corp")
