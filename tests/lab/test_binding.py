"""Channel bindings, against digests made by the standard library."""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import Encoding

from mapiproxy.lab.binding import bindings_for, end_point_bindings

ISSUED = datetime(2026, 1, 1)


def certificate(key, algorithm):
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "mail.lab.test")])
    builder = x509.CertificateBuilder(name, name, key.public_key(), 1, ISSUED, ISSUED + timedelta(days=9))
    return builder.sign(key, algorithm)


@pytest.mark.parametrize(
    ("algorithm", "wanted"),
    [(hashes.SHA256(), "sha256"), (hashes.SHA384(), "sha384"), (hashes.SHA512(), "sha512")],
)
def test_the_hash_is_that_of_the_signature(algorithm, wanted):
    made = certificate(ec.generate_private_key(ec.SECP256R1()), algorithm)
    digest = hashlib.new(wanted, made.public_bytes(Encoding.DER)).digest()
    assert bindings_for(made).application_data == b"tls-server-end-point:" + digest


def test_a_signature_without_a_hash_gets_sha256():
    made = certificate(ed25519.Ed25519PrivateKey.generate(), None)
    assert bindings_for(made) == end_point_bindings(made.public_bytes(Encoding.DER))


def test_an_old_signature_gets_sha256():
    """RFC 5929 4.1: MD5 and SHA-1 are replaced; nobody signs with them any more, so one is made up."""

    class Old:
        signature_hash_algorithm = hashes.SHA1()

        def public_bytes(self, encoding: Encoding) -> bytes:
            return b"der"

    assert bindings_for(Old()).application_data == b"tls-server-end-point:" + hashlib.sha256(b"der").digest()
