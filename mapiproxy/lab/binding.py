"""Channel bindings of the kind ``tls-server-end-point`` (RFC 5929 4): a digest of the server's certificate.

Extended Protection compares the one that a client saw with the server's own. Which hash makes the digest
is the certificate's choice: that of its signature, but SHA-256 in place of MD5 and SHA-1, and where a
signature names none.
"""

from __future__ import annotations

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.hashes import MD5, SHA1, SHA256, Hash, HashAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import Certificate
from spnego.channel_bindings import GssChannelBindings


def end_point_bindings(certificate_der: bytes, algorithm: HashAlgorithm | None = None) -> GssChannelBindings:
    """The binding of a certificate, by default with SHA-256."""
    digest = Hash(algorithm or SHA256())
    digest.update(certificate_der)
    return GssChannelBindings(application_data=b"tls-server-end-point:" + digest.finalize())


def bindings_for(certificate: Certificate) -> GssChannelBindings:
    """The binding of a certificate, with the hash that RFC 5929 wants for it."""
    try:
        algorithm = certificate.signature_hash_algorithm
    except UnsupportedAlgorithm:
        algorithm = None
    if isinstance(algorithm, MD5 | SHA1):
        algorithm = None
    return end_point_bindings(certificate.public_bytes(Encoding.DER), algorithm)
