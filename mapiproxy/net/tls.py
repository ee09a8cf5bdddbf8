"""How does a listener speak TLS: versions, suites, protocols, and which certificate to whom?

A connection creator for Twisted's TLSMemoryBIOFactory with several certificates, chosen by
server name and replaceable while running. A refusal is raised out of the handshake as one typed
error with a readable text and reaches the protocol as the reason of connectionLost.

That works because refusals are kinds of ``OpenSSL.SSL.Error`` raised inside a pyOpenSSL
callback: pyOpenSSL tells OpenSSL to send the fitting alert and raises the same object from
``do_handshake``. Must not know settings, routing, or what is spoken inside.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from cryptography import x509
from OpenSSL import SSL
from OpenSSL.crypto import X509
from twisted.internet.defer import Deferred
from twisted.internet.error import ConnectionAborted
from twisted.internet.interfaces import (
    IOpenSSLServerConnectionCreator,
    IProtocolFactory,
    IStreamClientEndpoint,
)
from twisted.protocols.tls import TLSMemoryBIOFactory, TLSMemoryBIOProtocol
from zope.interface import implementer

from mapiproxy.net.certificates import BadCertificate, Certificate

# Mozilla's "intermediate", newest edition (without the DHE suites, which need parameters that
# nobody sets up): https://wiki.mozilla.org/Security/Server_Side_TLS. Its curves (X25519,
# prime256v1, secp384r1, today also X25519MLKEM768) are OpenSSL's own defaults; pyOpenSSL has no
# name for choosing them. As there, the client's order of suites counts, not ours.
TLS13_SUITES = b"TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256"
TLS12_SUITES = (
    b"ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:"
    b"ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:"
    b"ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305"
)
# Windows authentication does not survive HTTP/2 (reference 8.1), so nothing else is offered.
PROTOCOL = b"http/1.1"
# Seconds. Twenty minutes bridge a change of network; the keys live in memory as long.
SESSION_LIFETIME = 1200

_MINIMUM = {"1.2": SSL.TLS1_2_VERSION, "1.3": SSL.TLS1_3_VERSION}


class Policy(enum.Enum):
    """Mozilla's names for what a listener accepts."""

    INTERMEDIATE = "intermediate"
    MODERN = "modern"


class TlsRefused(SSL.Error):
    """We ended a handshake; ``text`` says why, for people."""

    def __init__(self, text: str) -> None:
        # The shape of OpenSSL's error queue: Twisted takes an error without one for an EOF.
        super().__init__([("mapiproxy", "", text)])
        self.text = text

    def __str__(self) -> str:
        return self.text


class NoCommonProtocol(TlsRefused):
    """The client offers protocols by ALPN and http/1.1 is not among them (RFC 7301 3.2)."""


@implementer(IOpenSSLServerConnectionCreator)
class ListenerCreator:
    """Makes the server side of a listener's connections.

    The first certificate is the default: for clients that send no server name and for names
    that no certificate has, because a wrong name explains itself in the client's own words.

    :param authorities: those that issue the certificates which clients must show; empty: none need.
    :ivar certificates: those in use; ``authorities`` likewise.
    """

    def __init__(
        self,
        certificates: Sequence[Certificate],
        policy: Policy = Policy.INTERMEDIATE,
        minimum: str = "1.2",
        authorities: Sequence[x509.Certificate] = (),
    ) -> None:
        self._minimum = _MINIMUM["1.3" if policy is Policy.MODERN else minimum]
        self.authorities = tuple(authorities)
        self.replace(certificates)

    def replace(self, certificates: Sequence[Certificate]) -> None:
        """Use these for new handshakes; live connections and begun handshakes keep theirs.

        Raises before anything is changed: BadCertificate for one that OpenSSL refuses. Sessions of the
        old contexts cannot be resumed, so that every client sees the new certificate at its next connection.
        """
        if not certificates:
            raise ValueError("a listener needs at least one certificate")
        contexts = [self._make_context(each) for each in certificates]
        by_name: dict[str, SSL.Context] = {}
        for certificate, context in zip(certificates, contexts, strict=True):
            for name in certificate.names:
                by_name.setdefault(name, context)
        contexts[0].set_tlsext_servername_callback(_choose_by_name(by_name))
        self._default = contexts[0]
        self.certificates = tuple(certificates)

    def _make_context(self, certificate: Certificate) -> SSL.Context:
        try:
            return _make_listener_context(certificate, self._minimum, self.authorities)
        except SSL.Error as error:  # a key that is too small, a signature of old
            raise BadCertificate(certificate.origin, describe_tls_failure(error)) from error

    def become(self, other: ListenerCreator) -> None:
        """Use what *other* was made of for new handshakes: a reload that has been prepared."""
        self._minimum, self._default = other._minimum, other._default
        self.authorities = other.authorities
        self.certificates = other.certificates

    def serverConnectionForTLS(self, tlsProtocol: object) -> SSL.Connection:
        return SSL.Connection(self._default, None)


def _make_listener_context(
    certificate: Certificate, minimum: int, authorities: Sequence[x509.Certificate]
) -> SSL.Context:
    context = SSL.Context(SSL.TLS_SERVER_METHOD)
    context.set_min_proto_version(minimum)
    context.set_cipher_list(TLS12_SUITES)
    context.set_tls13_ciphersuites(TLS13_SUITES)
    # Tickets would be sealed with one key for the life of the context, and whoever gets it reads
    # all recorded sessions. With OP_NO_TICKET sessions are resumed from a cache in this process
    # (20480 of them, OpenSSL's default) and the keys are really gone with the entry.
    context.set_options(SSL.OP_NO_TICKET | SSL.OP_NO_COMPRESSION | SSL.OP_NO_RENEGOTIATION)
    context.set_session_cache_mode(SSL.SESS_CACHE_SERVER)
    context.set_session_id(b"mapiproxy")
    context.set_timeout(SESSION_LIFETIME)
    # Outlook keeps connections open for hours, and each would hold some 34 KiB of empty record
    # buffers (SSL_CTX_set_mode(3)). Costs 2-3 µs an exchange.
    context.set_mode(SSL.MODE_RELEASE_BUFFERS)
    context.use_certificate(certificate.leaf)
    for link in certificate.chain:
        context.add_extra_chain_cert(link)
    context.use_privatekey(certificate.key)
    context.set_alpn_select_callback(_choose_protocol)
    if authorities:
        store = context.get_cert_store()
        assert store is not None, "a context of ours"
        for each in authorities:
            store.add_cert(X509.from_cryptography(each))
            context.add_client_ca(each)
        context.set_verify(SSL.VERIFY_PEER | SSL.VERIFY_FAIL_IF_NO_PEER_CERT)
    return context


def _choose_by_name(by_name: dict[str, SSL.Context]) -> Callable[[SSL.Connection], None]:
    def choose(connection: SSL.Connection) -> None:
        # An exception here would go to stderr, so garbage must not raise.
        name = (connection.get_servername() or b"").decode("ascii", "replace")
        name = name.rstrip(".").lower()
        context = by_name.get(name) or by_name.get("*." + name.partition(".")[2])
        if context is not None and context is not connection.get_context():
            connection.set_context(context)

    return choose


def _choose_protocol(connection: SSL.Connection, offered: list[bytes]) -> bytes:
    if PROTOCOL in offered:
        return PROTOCOL
    names = ", ".join(name.decode("ascii", "replace") for name in offered[:8])
    raise NoCommonProtocol(f"client offers {names} and not http/1.1 (ALPN)")


#: What OpenSSL says, by a part of its words, and the kind of failure that it is.
_KINDS = {
    "http request": "plain-http",
    "https proxy request": "plain-http",
    "protocol": "version",
    "version": "version",
    "shared cipher": "cipher",
    "shared signature": "cipher",
    "certificate": "certificate-refused",
    "unknown ca": "certificate-refused",
}
#: All that :func:`failure_kind` can say.
FAILURE_KINDS = (*dict.fromkeys(_KINDS.values()), "alpn", "aborted", "closed", "other")


def failure_kind(error: BaseException | None) -> str:
    """Which of :data:`FAILURE_KINDS` ended a listener's handshake, for counting.

    ``certificate-refused``: by the client, ours. ``closed``: it went without a word, as port scanners and
    balancers that only look whether a port is open do. ``aborted``: by us, because it took too long or
    there were too many of its address.
    """
    if isinstance(error, NoCommonProtocol):
        return "alpn"
    if isinstance(error, ConnectionAborted):
        return "aborted"
    if not isinstance(error, SSL.Error):
        return "closed"
    text = describe_tls_failure(error)
    if text.endswith("closed in mid-handshake") or "unexpected eof" in text:
        return "closed"
    return next((kind for part, kind in _KINDS.items() if part in text), "other")


def describe_tls_failure(error: BaseException) -> str:
    """One line for a log about what ended a handshake or a TLS connection."""
    if isinstance(error, TlsRefused):
        return error.text
    if isinstance(error, SSL.Error) and error.args and isinstance(error.args[0], Iterable):
        reasons = [str(each[-1]) for each in error.args[0] if isinstance(each, tuple) and each]
        return "TLS: " + ("; ".join(dict.fromkeys(reasons)) or "closed in mid-handshake")
    return f"TLS: {error}"


def secure_factory(creator: Any, is_client: bool, factory: Any, clock: Any) -> TLSMemoryBIOFactory:
    """TLS around the factory of a door.

    Lines join what belongs together, so Twisted need not wait a turn (of the one real reactor) to do so.
    """
    secured = TLSMemoryBIOFactory(creator, is_client, factory, clock)
    secured.protocol = TLSMemoryBIOProtocol
    secured.noisy = False
    return secured


@implementer(IStreamClientEndpoint)
class SecureEndpoint:
    """A backend's endpoint with TLS over it; *creator* is a ``trust.BackendCreator``."""

    def __init__(self, creator: Any, endpoint: IStreamClientEndpoint, clock: Any) -> None:
        self._creator = creator
        self._endpoint = endpoint
        self._clock = clock

    def connect(self, factory: IProtocolFactory) -> Deferred[Any]:
        """As IStreamClientEndpoint.connect; fires when TCP is there, before the handshake."""
        secured = secure_factory(self._creator, True, factory, self._clock)
        made: Deferred[Any] = self._endpoint.connect(secured)
        return made.addCallback(lambda layer: layer.wrappedProtocol)
