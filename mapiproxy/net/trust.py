"""Is this really the backend we were told to talk to?

A connection creator for wrapClientTLS, one for each backend: verified by name or address
against CAs, pinned by fingerprint, or explicitly believed. What does not fit ends the handshake
with BackendUntrusted, whose text is one readable line and which reaches the protocol as the
reason of connectionLost (tls.py says how). Must not know settings, routing, or what is spoken.
"""

from __future__ import annotations

import weakref
from ipaddress import ip_address
from pathlib import Path

from attrs import define, field, frozen
from cryptography import x509
from OpenSSL import SSL, crypto
from service_identity import CertificateError, VerificationError
from service_identity.cryptography import (
    verify_certificate_hostname,
    verify_certificate_ip_address,
)
from twisted.internet.interfaces import IOpenSSLClientConnectionCreator
from zope.interface import implementer

from mapiproxy.net.certificates import (
    BadCertificate,
    find_fingerprint,
    find_names,
    normal_name,
    read_certificates,
    show_fingerprint,
)
from mapiproxy.net.tls import PROTOCOL, TlsRefused


class BackendUntrusted(TlsRefused):
    """The backend's certificate is not what the configuration asks for."""


@frozen
class Trust:
    """Whom to believe: one of a CA file, pinned leaves, anybody, or (all empty) the system's CAs.

    ``fingerprints`` are SHA-256 in lower-case hex (certificates.parse_fingerprint); with one of
    them neither issuer, name nor dates matter. ``off`` believes any certificate.
    """

    ca_file: Path | None = None
    fingerprints: frozenset[str] = field(default=frozenset(), converter=frozenset)
    off: bool = False


@implementer(IOpenSSLClientConnectionCreator)
@define(eq=False)
class BackendCreator:
    """Makes the client side of connections to one backend; BadCertificate for a bad CA file.

    ``host`` is the name or address that the certificate must be for; names are sent as SNI,
    addresses are not (RFC 6066 3). TLS 1.2 is the minimum and suites are OpenSSL's defaults,
    wider than a listener's: old Windows servers have nothing else in common with us.
    Each backend has its own creator, so a session is only ever resumed with the backend, and
    under the trust, that it was verified for.
    """

    host: str = field(converter=normal_name)
    trust: Trust = Trust()
    _context: SSL.Context = field(init=False, repr=False)
    _session: SSL.Session | None = field(default=None, init=False, repr=False)
    _donor: weakref.ref[SSL.Connection] | None = field(default=None, init=False, repr=False)

    def __attrs_post_init__(self) -> None:
        context = SSL.Context(SSL.TLS_CLIENT_METHOD)
        context.set_min_proto_version(SSL.TLS1_2_VERSION)
        context.set_options(SSL.OP_NO_COMPRESSION | SSL.OP_NO_RENEGOTIATION)
        context.set_mode(SSL.MODE_RELEASE_BUFFERS)
        context.set_alpn_protos([PROTOCOL])
        if self.trust.off:
            context.set_verify(SSL.VERIFY_NONE)
        elif self.trust.fingerprints:
            context.set_verify(SSL.VERIFY_PEER, self._verify_pin)
        else:
            _trust_authorities(context, self.trust.ca_file)
            context.set_verify(SSL.VERIFY_PEER, self._verify_identity)
        self._context = context

    def clientConnectionForTLS(self, tlsProtocol: object) -> SSL.Connection:
        connection = SSL.Connection(self._context, None)
        if not _is_address(self.host):
            connection.set_tlsext_host_name(self.host.encode("ascii"))
        if (session := self._find_session()) is not None:
            connection.set_session(session)
        self._donor = weakref.ref(connection)
        return connection

    def _find_session(self) -> SSL.Session | None:
        # Asked for as late as possible: with TLS 1.3 the session arrives after the handshake.
        # A Finished from the peer proves that the donor's certificate passed our verification.
        donor = self._donor() if self._donor is not None else None
        if donor is not None and donor.get_peer_finished() is not None:
            self._session = donor.get_session()
        return self._session

    def _verify_pin(
        self, connection: SSL.Connection, certificate: crypto.X509, error: int, depth: int, ok: int
    ) -> bool:
        if depth == 0:
            found = find_fingerprint(certificate.to_cryptography())
            if found not in self.trust.fingerprints:
                wanted = " or ".join(map(show_fingerprint, sorted(self.trust.fingerprints)))
                raise BackendUntrusted(
                    f"fingerprint of {self.host} is {show_fingerprint(found)}, wanted {wanted}"
                )
        return True

    def _verify_identity(
        self, connection: SSL.Connection, certificate: crypto.X509, error: int, depth: int, ok: int
    ) -> bool:
        found = certificate.to_cryptography()
        if not ok:
            raise BackendUntrusted(f"certificate of {self.host}: {_explain(found, error)}")
        if depth == 0:
            verify = (
                verify_certificate_ip_address
                if _is_address(self.host)
                else verify_certificate_hostname
            )
            try:
                verify(found, self.host)
            except (VerificationError, CertificateError, ValueError) as failure:
                names = ", ".join(find_names(found)[:8]) or "no name"
                raise BackendUntrusted(
                    f"certificate is for {names}, wanted {self.host}"
                ) from failure
        return True


def _trust_authorities(context: SSL.Context, ca_file: Path | None) -> None:
    if ca_file is None:
        context.set_default_verify_paths()
        return
    store = context.get_cert_store()
    assert store is not None, "a new context has a store"
    for authority in read_certificates(ca_file):
        try:
            store.add_cert(crypto.X509.from_cryptography(authority))
        except crypto.Error as error:
            raise BadCertificate(ca_file, "a certificate in it cannot be trusted") from error
    # Whatever is in the file is believed, be it a root, an intermediate or the server's own.
    store.set_flags(crypto.X509StoreFlags.PARTIAL_CHAIN)


def _explain(found: x509.Certificate, error: int) -> str:
    codes = SSL.X509VerificationCodes
    if error == codes.ERR_CERT_HAS_EXPIRED:
        return f"{_whose(found)} expired {found.not_valid_after_utc:%Y-%m-%d}"
    if error == codes.ERR_CERT_NOT_YET_VALID:
        return f"{_whose(found)} is not valid before {found.not_valid_before_utc:%Y-%m-%d}"
    if error == codes.ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
        return "self-signed, and not in the list of trusted CAs"
    if error in (
        codes.ERR_SELF_SIGNED_CERT_IN_CHAIN,
        codes.ERR_UNABLE_TO_GET_ISSUER_CERT,
        codes.ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY,
        codes.ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE,
    ):
        return f"unknown CA {found.issuer.rfc4514_string()}"
    names = (name for name, value in vars(codes).items() if value == error)
    why = next(names, f"error {error}").removeprefix("ERR_").replace("_", " ").lower()
    return f"{_whose(found)}: {why}"


def _whose(found: x509.Certificate) -> str:
    return ", ".join(find_names(found)[:8]) or found.subject.rfc4514_string()


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True
