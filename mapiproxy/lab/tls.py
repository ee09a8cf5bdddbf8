"""TLS for the lab's own ends: a server's context from files, a client's trust in a given CA."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from OpenSSL import crypto
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IStreamClientEndpoint
from twisted.internet.ssl import (
    Certificate,
    CertificateOptions,
    optionsForClientTLS,
    trustRootFromCertificates,
)
from twisted.protocols.tls import TLSMemoryBIOFactory, TLSMemoryBIOProtocol
from zope.interface import implementer

#: ALPN: MAPI over HTTP is HTTP/1.1 only (reference M10).
_PROTOCOLS = [b"http/1.1"]


def server_context(
    certificate: Path, key: Path, protocols: list[bytes] | None = None
) -> CertificateOptions:
    """A server's context: the leaf and, behind it in the same file, its chain; TLS 1.2 and 1.3.

    :param protocols: for ALPN, instead of HTTP/1.1 alone.
    """
    leaf, *chain = x509.load_pem_x509_certificates(certificate.read_bytes())
    private = load_pem_private_key(key.read_bytes(), None)
    return CertificateOptions(
        # pyOpenSSL takes these objects as they are; Twisted's annotations do not know that yet.
        privateKey=private,  # type: ignore[arg-type]
        certificate=leaf,  # type: ignore[arg-type]
        extraCertChain=chain,  # type: ignore[arg-type]
        # Without this Twisted answers a client that offers ALPN with an "internal error" alert.
        acceptableProtocols=protocols or _PROTOCOLS,
    )


def client_options(server_name: str, ca_file: Path | None) -> Any:
    """What a client checks: the name, against this CA (``None``: against the system's)."""
    if ca_file is None:
        return optionsForClientTLS(server_name, acceptableProtocols=_PROTOCOLS)
    authorities = [
        Certificate(crypto.X509.from_cryptography(each))
        for each in x509.load_pem_x509_certificates(ca_file.read_bytes())
    ]
    return optionsForClientTLS(
        server_name,
        trustRoot=trustRootFromCertificates(authorities),
        acceptableProtocols=_PROTOCOLS,
    )


def secure(context: Any, is_client: bool, factory: Any, clock: Any) -> TLSMemoryBIOFactory:
    """TLS around a factory, for whatever moves its bytes.

    Without Twisted's joining of small writes: that waits for a turn of the one real reactor, which a
    virtual one does not have.
    """
    secured = TLSMemoryBIOFactory(context, is_client, factory, clock)
    secured.protocol = TLSMemoryBIOProtocol
    secured.noisy = False
    return secured


@implementer(IStreamClientEndpoint)
class SecureEndpoint:
    """TLS over another endpoint, on any reactor. *options*: see :func:`client_options`."""

    def __init__(self, options: Any, endpoint: IStreamClientEndpoint, clock: Any) -> None:
        self._options = options
        self._endpoint = endpoint
        self._clock = clock

    def connect(self, protocolFactory: Any) -> Deferred[Any]:
        secured = secure(self._options, True, protocolFactory, self._clock)
        made: Deferred[Any] = self._endpoint.connect(secured)
        return made.addCallback(lambda layer: layer.wrappedProtocol)
