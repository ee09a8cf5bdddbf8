"""Which certificate does a server really show, and would we believe it?

For commands and for the watch over drift, not for traffic: it blocks, so a running proxy calls it in a
thread. The certificate is fetched without believing it, because one that is not believed is the one that
somebody wants to look at; whether it is believed is asked in a second handshake.
"""

from __future__ import annotations

import http.client
import socket
import ssl
from collections.abc import Iterable
from pathlib import Path

from attrs import field, frozen
from cryptography import x509

from mapiproxy.net.certificates import find_fingerprint, find_names
from mapiproxy.net.probe import Wanted
from mapiproxy.wire.prelude import encode_v1, encode_v2


@frozen
class Shown:
    """What came of a handshake.

    :ivar stage: where it failed: ``resolve``, ``connect`` or ``tls``; ``None``: it did not.
    :ivar doubt: why the certificate is not believed; ``None``: it is.
    """

    stage: str | None = None
    error: str | None = None
    leaf: x509.Certificate | None = field(default=None, repr=False)
    doubt: str | None = None

    @property
    def fingerprint(self) -> str | None:
        """SHA-256 in lower-case hex."""
        return find_fingerprint(self.leaf) if self.leaf is not None else None

    @property
    def names(self) -> tuple[str, ...]:
        """What it was issued for."""
        return find_names(self.leaf) if self.leaf is not None else ()


def fetch(
    host: str,
    port: int,
    ca: Path | None = None,
    pins: Iterable[str] = (),
    timeout: float = 5.0,
    proxy_protocol: str = "off",
) -> Shown:
    """The certificate of the server there.

    :param ca: authorities to believe; ``None``: this system's.
    :param pins: fingerprints to believe instead, in lower-case hex.
    :param timeout: seconds of each step.
    :param proxy_protocol: version of the header that the server wants to see first.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    try:
        der = _shake(context, host, port, timeout, proxy_protocol)
    except socket.gaierror as error:
        return Shown("resolve", error.strerror)
    except ssl.SSLError as error:
        return Shown("tls", error.reason or str(error))
    except OSError as error:
        return Shown("connect", error.strerror or str(error))
    leaf = x509.load_der_x509_certificate(der)
    known = {*pins}
    if known:
        doubt = None if find_fingerprint(leaf) in known else "it is not the pinned certificate"
    else:
        doubt = _doubt(host, port, ca, timeout, proxy_protocol)
    return Shown(leaf=leaf, doubt=doubt)


def _reach(host: str, port: int, timeout: float, proxy_protocol: str) -> socket.socket:
    """A connection of our own: the header says that it comes from here."""
    plain = socket.create_connection((host, port), timeout)
    if proxy_protocol != "off":
        encode = encode_v1 if proxy_protocol == "v1" else encode_v2
        plain.sendall(encode("", 0, "", 0))
    return plain


def _shake(
    context: ssl.SSLContext, host: str, port: int, timeout: float, proxy_protocol: str
) -> bytes:
    with (
        _reach(host, port, timeout, proxy_protocol) as plain,
        context.wrap_socket(plain, server_hostname=host) as secure,
    ):
        der = secure.getpeercert(binary_form=True)
    if der is None:
        raise ssl.SSLError("no certificate was shown")
    return der


def _doubt(
    host: str, port: int, ca: Path | None, timeout: float, proxy_protocol: str
) -> str | None:
    try:
        _shake(ssl.create_default_context(cafile=ca), host, port, timeout, proxy_protocol)
    except ssl.SSLCertVerificationError as error:
        return error.verify_message or str(error)
    except OSError as error:
        return str(error)
    return None


@frozen
class Answered:
    """What came of a probe's request.

    :ivar error: why the answer is no healthy one, or ``None``.
    :ivar version: X-OWA-Version or X-ServerApplication, where the server tells.
    """

    error: str | None = None
    version: str | None = None


def ask(
    host: str,
    port: int,
    tls: bool,
    wanted: Wanted,
    timeout: float = 5.0,
    proxy_protocol: str = "off",
) -> Answered:
    """Send the request of a probe."""
    shown = f"[{host}]" if ":" in host else host
    connection = http.client.HTTPConnection(shown, port, timeout=timeout)
    try:
        connection.sock = _reach(host, port, timeout, proxy_protocol)
        if tls:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
            connection.sock = context.wrap_socket(connection.sock, server_hostname=host)
        length = {"Content-Length": "0"} if wanted.method == b"POST" else {}
        connection.request(wanted.method.decode(), wanted.target.decode(), headers=length)
        answer = connection.getresponse()
        body = answer.read(4096)
    except (OSError, http.client.HTTPException) as error:
        return Answered(str(error) or type(error).__name__)
    finally:
        connection.close()
    version = answer.getheader("X-OWA-Version") or answer.getheader("X-ServerApplication")
    if answer.status != wanted.status if wanted.status is not None else answer.status >= 500:
        but = f", not {wanted.status}" if wanted.status is not None else ""
        return Answered(f"status {answer.status}{but}", version)
    if not body.startswith(wanted.body):
        return Answered(f"the body does not begin with {wanted.body.decode()!r}", version)
    return Answered(None, version)
