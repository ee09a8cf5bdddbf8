"""A listener's TLS: real handshakes, in memory, and over a socket with the standard library."""

from __future__ import annotations

import socket
import ssl
from pathlib import Path

import pytest
from OpenSSL import SSL
from support.certs import issue_weak, loaded, make_authority, make_client, shake
from twisted.internet import defer, reactor, threads
from twisted.internet.error import ConnectionAborted, ConnectionDone
from twisted.internet.protocol import Factory, Protocol
from twisted.internet.ssl import optionsForClientTLS
from twisted.internet.task import Clock
from twisted.protocols.tls import TLSMemoryBIOFactory, TLSMemoryBIOProtocol
from twisted.trial import unittest

from mapiproxy.net.certificates import BadCertificate, find_fingerprint, read_certificates
from mapiproxy.net.tls import (
    FAILURE_KINDS,
    ListenerCreator,
    NoCommonProtocol,
    Policy,
    SecureEndpoint,
    TlsRefused,
    describe_tls_failure,
    failure_kind,
)


@pytest.fixture
def authority(tmp_path):
    return make_authority(tmp_path)


def connect(listener, client):
    """The finished client, after a handshake that must succeed."""
    assert shake(client, listener.serverConnectionForTLS(None)) == (None, None)
    return client


def presented(listener, name=None):
    """Fingerprint of what a client that asks for ``name`` gets to see."""
    client = connect(listener, make_client(name=name))
    return find_fingerprint(client.get_peer_certificate(as_cryptography=True))


@pytest.mark.parametrize(
    ("version", "name"), [(SSL.TLS1_2_VERSION, "TLSv1.2"), (SSL.TLS1_3_VERSION, "TLSv1.3")]
)
def test_intermediate_speaks_1_2_and_1_3(authority, version, name):
    listener = ListenerCreator([loaded(authority.issue())])
    client = make_client(authority.ca_file, lowest=version, highest=version)
    assert connect(listener, client).get_protocol_version_name() == name


def test_a_key_that_openssl_refuses_is_said_with_its_file_and_changes_nothing(authority, tmp_path):
    listener = ListenerCreator([loaded(authority.issue("mail.lab.test"))])
    before = presented(listener)
    weak = loaded(issue_weak(tmp_path / "weak.pem"), "mail.lab.test")
    with pytest.raises(BadCertificate, match=r"weak\.pem: TLS: ee key too small"):
        listener.replace([weak])
    with pytest.raises(BadCertificate, match=r"weak\.pem"):
        ListenerCreator([weak])
    assert presented(listener) == before


@pytest.mark.parametrize("settings", [{"policy": Policy.MODERN}, {"minimum": "1.3"}])
def test_modern_and_a_minimum_of_1_3_refuse_1_2(authority, settings):
    listener = ListenerCreator([loaded(authority.issue())], **settings)
    assert connect(listener, make_client()).get_protocol_version_name() == "TLSv1.3"
    client = make_client(highest=SSL.TLS1_2_VERSION)
    theirs, ours = shake(client, listener.serverConnectionForTLS(None))
    assert describe_tls_failure(theirs) == "TLS: tlsv1 alert protocol version"
    assert describe_tls_failure(ours) == "TLS: unsupported protocol"


def test_tls_1_1_is_refused(authority):
    listener = ListenerCreator([loaded(authority.issue())])
    old = {"lowest": SSL.TLS1_1_VERSION, "highest": SSL.TLS1_1_VERSION}
    client = make_client(**old, suites=b"ALL:@SECLEVEL=0")
    assert shake(client, listener.serverConnectionForTLS(None))[1] is not None


def test_only_suites_with_forward_secrecy_and_aead_are_accepted(authority):
    listener = ListenerCreator([loaded(authority.issue(rsa_key=True))])
    for suites in (b"AES256-GCM-SHA384", b"ECDHE-RSA-AES256-SHA384", b"DHE-RSA-AES128-GCM-SHA256"):
        client = make_client(highest=SSL.TLS1_2_VERSION, suites=suites)
        ours = shake(client, listener.serverConnectionForTLS(None))[1]
        assert describe_tls_failure(ours) == "TLS: no shared cipher"
    good = b"ECDHE-RSA-AES128-GCM-SHA256"
    client = make_client(highest=SSL.TLS1_2_VERSION, suites=good)
    assert connect(listener, client).get_cipher_name() == good.decode()


@pytest.mark.parametrize("offer", [(b"http/1.1",), (b"h2", b"http/1.1")])
def test_http_1_1_is_chosen_wherever_it_stands(authority, offer):
    listener = ListenerCreator([loaded(authority.issue())])
    client = connect(listener, make_client(offer=offer))
    assert client.get_alpn_proto_negotiated() == b"http/1.1"


def test_a_client_without_alpn_is_welcome(authority):
    listener = ListenerCreator([loaded(authority.issue())])
    assert connect(listener, make_client()).get_alpn_proto_negotiated() == b""


@pytest.mark.parametrize("name", [None, "second.lab.test"])
def test_a_client_that_offers_only_h2_gets_the_alert(authority, name):
    """After SNI has switched contexts, too: RFC 7301 3.2 asks for no_application_protocol."""
    certificates = [loaded(authority.issue()), loaded(authority.issue("second.lab.test"))]
    listener = ListenerCreator(certificates)
    client = make_client(offer=(b"h2",), name=name)
    theirs, ours = shake(client, listener.serverConnectionForTLS(None))
    assert describe_tls_failure(theirs) == "TLS: tlsv1 alert no application protocol"
    assert isinstance(ours, NoCommonProtocol)
    assert str(ours) == "client offers h2 and not http/1.1 (ALPN)"
    # The refusal is the one client's: the next is served.
    connect(listener, make_client(offer=(b"http/1.1",)))


@pytest.mark.parametrize("version", [SSL.TLS1_2_VERSION, SSL.TLS1_3_VERSION])
def test_the_certificate_follows_the_name(authority, version):
    default = loaded(authority.issue("default.lab.test"))
    mail = loaded(authority.issue("mail.lab.test"))
    wild = loaded(authority.issue("*.wild.test"))
    given = loaded(authority.issue("inner.corp"), "outer.example.com")
    listener = ListenerCreator([default, mail, wild, given])
    wanted = {
        None: default,
        "unknown.lab.test": default,
        "default.lab.test": default,
        "mail.lab.test": mail,
        "MAIL.Lab.Test": mail,
        "mail.lab.test.": mail,
        "a.wild.test": wild,
        "wild.test": default,
        "a.b.wild.test": default,
        "outer.example.com": given,
        "inner.corp": default,
    }
    for name, certificate in wanted.items():
        client = connect(listener, make_client(name=name, highest=version))
        seen = find_fingerprint(client.get_peer_certificate(as_cryptography=True))
        assert seen == certificate.fingerprint, name


def test_garbage_for_a_name_gets_the_default(authority, capsys):
    default = loaded(authority.issue("default.lab.test"))
    listener = ListenerCreator([default, loaded(authority.issue("*.lab.test"))])
    client = make_client()
    client.set_tlsext_host_name(b"\xff\xfe.lab\x01test")
    shake(client, listener.serverConnectionForTLS(None))
    assert capsys.readouterr().err == ""
    assert presented(listener) == default.fingerprint


def test_an_exact_name_goes_before_a_wildcard_and_the_first_of_two_wins(authority):
    wild = loaded(authority.issue("*.lab.test"))
    first = loaded(authority.issue("mail.lab.test", stem="first"))
    second = loaded(authority.issue("mail.lab.test", stem="second"))
    listener = ListenerCreator([wild, first, second])
    assert presented(listener, "mail.lab.test") == first.fingerprint


def test_the_chain_is_sent(tmp_path):
    authority = make_authority(tmp_path, intermediate=True)
    certificate = loaded(authority.issue("mail.lab.test"))
    client = connect(ListenerCreator([certificate]), make_client(authority.ca_file))
    sent = client.get_peer_cert_chain(as_cryptography=True)
    assert sent == [certificate.leaf, *certificate.chain]


def test_replacing_serves_new_handshakes_and_leaves_old_connections_alone(authority):
    before = loaded(authority.issue("mail.lab.test", stem="before"))
    after = loaded(authority.issue("mail.lab.test", stem="after"))
    listener = ListenerCreator([before])
    living = listener.serverConnectionForTLS(None)
    begun = listener.serverConnectionForTLS(None)
    client = make_client()
    assert shake(client, living) == (None, None)
    listener.replace([after])
    assert presented(listener, "mail.lab.test") == after.fingerprint
    late = make_client(name="mail.lab.test")
    assert shake(late, begun) == (None, None)
    seen = late.get_peer_certificate(as_cryptography=True)
    assert find_fingerprint(seen) == before.fingerprint
    client.send(b"still here")
    living.bio_write(client.bio_read(1000))
    assert living.recv(100) == b"still here"


def test_replacing_with_nothing_changes_nothing(authority):
    certificate = loaded(authority.issue())
    listener = ListenerCreator([certificate])
    with pytest.raises(ValueError, match="at least one"):
        listener.replace([])
    assert presented(listener) == certificate.fingerprint


@pytest.mark.parametrize("version", [SSL.TLS1_2_VERSION, SSL.TLS1_3_VERSION])
def test_a_client_may_resume_its_session_but_not_across_a_replacement(authority, version):
    mail, other = (loaded(authority.issue(name)) for name in ("mail.lab.test", "other.lab.test"))
    listener = ListenerCreator([mail, other])
    # Kept: OpenSSL forgets the session of a connection that is dropped without goodbye.
    living = [listener.serverConnectionForTLS(None)]
    first = make_client(name="other.lab.test", highest=version)
    full: list[int] = []
    assert shake(first, living[0], full) == (None, None)

    def size_of_another() -> int:
        client = SSL.Connection(first.get_context(), None)
        client.set_tlsext_host_name(b"other.lab.test")
        client.set_session(first.get_session())
        living.extend([listener.serverConnectionForTLS(None), client])
        flights: list[int] = []
        assert shake(client, living[-2], flights) == (None, None)
        return flights[0]

    assert size_of_another() < full[0] - 400
    listener.replace([mail, other])
    assert size_of_another() > full[0] - 100


@pytest.mark.parametrize("version", [SSL.TLS1_2_VERSION, SSL.TLS1_3_VERSION])
def test_a_client_s_certificate_is_asked_for_where_there_are_authorities(authority, version):
    listener = ListenerCreator([loaded(authority.issue("one.test"))], authorities=read_certificates(authority.ca_file))
    known, stranger = authority.issue("alice.test"), authority.stranger().issue("mallory.test")

    def ends(issued):
        context = SSL.Context(SSL.TLS_CLIENT_METHOD)
        context.set_max_proto_version(version)
        if issued is not None:
            context.use_certificate_chain_file(str(issued.certificate))
            context.use_privatekey_file(str(issued.key))
        client = SSL.Connection(context, None)
        server = listener.serverConnectionForTLS(None)
        return shake(client, server)[1], server

    refused, _ = ends(None)
    assert "peer did not return a certificate" in str(refused)
    refused, _ = ends(stranger)
    assert "certificate verify failed" in str(refused)
    refused, server = ends(known)
    assert refused is None
    assert server.get_peer_certificate(as_cryptography=True) is not None


def test_what_is_prepared_brings_its_authorities_along(authority):
    listener = ListenerCreator([loaded(authority.issue("one.test"))])
    asking = read_certificates(authority.ca_file)
    listener.become(ListenerCreator([loaded(authority.issue("two.test"))], authorities=asking))
    listener.replace([loaded(authority.issue("three.test"))])

    client = make_client(authority.ca_file, name="three.test")
    assert "did not return a certificate" in str(shake(client, listener.serverConnectionForTLS(None))[1])


def test_refusals_are_not_taken_for_an_end_of_file():
    """Twisted turns errors with an empty queue into ConnectionLost and their text is lost."""
    assert TlsRefused("why").args[0][-1][-1] == "why"


def test_failures_become_one_line():
    assert describe_tls_failure(TlsRefused("why")) == "why"
    assert describe_tls_failure(SSL.Error([])) == "TLS: closed in mid-handshake"
    assert describe_tls_failure(SSL.SysCallError(-1, "Unexpected EOF")).startswith("TLS: ")
    queue = [("SSL routines", "", "bad thing"), ("SSL routines", "", "bad thing")]
    assert describe_tls_failure(SSL.Error(queue)) == "TLS: bad thing"


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (NoCommonProtocol("client offers h2"), "alpn"),
        (SSL.Error([("SSL routines", "", "no shared cipher")]), "cipher"),
        (SSL.Error([("SSL routines", "", "unsupported protocol")]), "version"),
        (SSL.Error([("SSL routines", "", "wrong version number")]), "version"),
        (SSL.Error([("SSL routines", "", "http request")]), "plain-http"),
        (SSL.Error([("SSL routines", "", "tlsv1 alert unknown ca")]), "certificate-refused"),
        (SSL.Error([("SSL routines", "", "sslv3 alert certificate expired")]), "certificate-refused"),
        (SSL.Error([("SSL routines", "", "unexpected eof while reading")]), "closed"),
        (SSL.Error([]), "closed"),
        (ConnectionAborted(), "aborted"),
        (ConnectionDone(), "closed"),
        (None, "closed"),
        (SSL.Error([("SSL routines", "", "a reason of next year")]), "other"),
    ],
)
def test_failures_are_of_few_kinds(error, kind):
    assert failure_kind(error) == kind
    assert kind in FAILURE_KINDS


class Echo(Protocol):
    def dataReceived(self, data: bytes) -> None:
        self.transport.write(data)

    def connectionLost(self, reason) -> None:
        self.factory.lost.append(reason)
        self.factory.ended.callback(None)


class OverASocket(unittest.TestCase):
    """What the listener does under Twisted, asked by Python's own ssl module."""

    def setUp(self) -> None:
        authority = make_authority(Path(self.mktemp()).absolute())
        self.ca_file = authority.ca_file
        factory = Factory.forProtocol(Echo)
        factory.lost, factory.ended = [], defer.Deferred()
        self.factory = factory
        creator = ListenerCreator([loaded(authority.issue())])
        tls = TLSMemoryBIOFactory(creator, False, factory)
        self.port = reactor.listenTCP(0, tls, interface="127.0.0.1")
        self.addCleanup(self.port.stopListening)

    def ask(self, offer: list[str]):
        """In a thread: say hello, return the echo and what was negotiated."""
        context = ssl.create_default_context(cafile=self.ca_file)
        context.set_alpn_protocols(offer)
        address = ("127.0.0.1", self.port.getHost().port)
        with (
            socket.create_connection(address, timeout=30) as plain,
            context.wrap_socket(plain, server_hostname="localhost") as client,
        ):
            client.sendall(b"hello")
            return client.recv(100), client.version(), client.selected_alpn_protocol()

    @defer.inlineCallbacks
    def test_the_standard_library_is_served(self):
        answer = yield threads.deferToThread(self.ask, ["h2", "http/1.1"])
        self.assertEqual(answer, (b"hello", "TLSv1.3", "http/1.1"))
        yield self.factory.ended

    @defer.inlineCallbacks
    def test_a_refusal_reaches_the_protocol_as_its_reason(self):
        yield self.assertFailure(threads.deferToThread(self.ask, ["h2"]), ssl.SSLError)
        yield self.factory.ended
        (reason,) = self.factory.lost
        self.assertIsInstance(reason.value, NoCommonProtocol)


def test_a_secured_endpoint_gives_whoever_asks_the_protocol_that_it_made():
    """Not the layer between; and what is written leaves in the same turn, as TLSMemoryBIOProtocol alone does."""
    built = []

    class Plain:
        def connect(self, factory):
            layer = factory.buildProtocol(None)
            built.append(layer)
            return defer.succeed(layer)

    creator = optionsForClientTLS("localhost")
    made = []
    SecureEndpoint(creator, Plain(), Clock()).connect(Factory.forProtocol(Protocol)).addCallback(made.append)
    (layer,) = built
    assert made == [layer.wrappedProtocol]
    assert type(made[0]) is Protocol
    assert type(layer) is TLSMemoryBIOProtocol
