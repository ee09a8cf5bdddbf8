"""Certificates for tests, and a TLS handshake without a network."""

from __future__ import annotations

import datetime
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from OpenSSL import SSL

from mapiproxy.lab.authority import Authority, Issued
from mapiproxy.net.certificates import Certificate, CertificateSource, load_certificate


def loaded(issued: Issued, *names: str) -> Certificate:
    return load_certificate(
        CertificateSource(certificate=issued.certificate, key=issued.key, names=names)
    )


def make_authority(directory: Path, *, intermediate: bool = False) -> Authority:
    return Authority(directory / "authority", intermediate)


def issue_weak(path: Path) -> Issued:
    """A certificate and key that are well formed, and too small for OpenSSL as it comes today."""
    key = rsa.generate_private_key(65537, 1024)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "mail.lab.test")])
    since = datetime.datetime(2026, 1, 1)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), 7, since, since.replace(year=2046))
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    secret = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    path.write_bytes(secret + certificate.public_bytes(Encoding.PEM))
    return Issued(("mail.lab.test",), path, path, path)


def make_client(
    ca_file: Path | None = None,
    *,
    name: str | None = None,
    offer: tuple[bytes, ...] = (),
    lowest: int = SSL.TLS1_2_VERSION,
    highest: int = SSL.TLS1_3_VERSION,
    suites: bytes | None = None,
) -> SSL.Connection:
    """A plain pyOpenSSL client, independent of ours."""
    context = SSL.Context(SSL.TLS_CLIENT_METHOD)
    context.set_min_proto_version(lowest)
    context.set_max_proto_version(highest)
    if suites is not None:
        context.set_cipher_list(suites)
    if offer:
        context.set_alpn_protos(list(offer))
    if ca_file is not None:
        context.load_verify_locations(str(ca_file))
        context.set_verify(SSL.VERIFY_PEER)
    client = SSL.Connection(context, None)
    if name is not None:
        client.set_tlsext_host_name(name.encode())
    return client


def make_server(issued: Issued, highest: int = SSL.TLS1_3_VERSION) -> SSL.Context:
    """A plain pyOpenSSL server's context, independent of ours."""
    context = SSL.Context(SSL.TLS_SERVER_METHOD)
    context.set_max_proto_version(highest)
    context.use_certificate_chain_file(str(issued.certificate))
    context.use_privatekey_file(str(issued.key))
    return context


def shake(
    client: SSL.Connection, server: SSL.Connection, flights: list[int] | None = None
) -> tuple[object, object]:
    """Carry both through the handshake in memory; returns each side's error, or None.

    ``flights`` gets the sizes of what the server sent: a resumed session is short of a
    certificate.
    """
    client.set_connect_state()
    server.set_accept_state()
    errors: dict[SSL.Connection, object] = {client: None, server: None}
    for _ in range(12):
        for end, peer in ((client, server), (server, client)):
            if errors[end] is None:
                try:
                    end.do_handshake()
                    # Takes in what follows the handshake: alerts and session tickets.
                    end.recv(1)
                except SSL.WantReadError:
                    pass
                except SSL.Error as error:
                    errors[end] = error
            try:
                flight = end.bio_read(65536)
                peer.bio_write(flight)
                if end is server and flights is not None:
                    flights.append(len(flight))
            except SSL.WantReadError:
                pass
    return errors[client], errors[server]
