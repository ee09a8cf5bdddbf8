"""Which certificate, key and chain do these files hold, and what is wrong with them?

Reads PEM or PKCS#12 into one value that both ``mapiproxy check`` and a listener can use.
Every complaint names the file. What is a matter of the calendar (expired, not yet valid) is
data, not an error: the caller brings the time. Must not know sockets, contexts or settings.
"""

from __future__ import annotations

import datetime
import hashlib
import re
from collections.abc import Iterable
from pathlib import Path

from attrs import field, frozen
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_private_key,
    pkcs12,
)
from cryptography.x509.oid import NameOID

PrivateKey = (
    rsa.RSAPrivateKey
    | ec.EllipticCurvePrivateKey
    | ed25519.Ed25519PrivateKey
    | ed448.Ed448PrivateKey
)

_KEY_BLOCK = re.compile(
    rb"-----BEGIN (?P<kind>(?:[A-Z]+ )*PRIVATE KEY)-----.*?-----END (?P=kind)-----", re.DOTALL
)


class BadCertificate(Exception):
    """Files that cannot serve as certificate, key and chain; ``path`` is the one at fault."""

    def __init__(self, path: Path, text: str) -> None:
        super().__init__(f"{path}: {text}")
        self.path = path
        self.text = text


@frozen
class CertificateSource:
    """Where one certificate lies: PEM (``certificate``, with ``key`` and ``chain`` in the same
    file or in their own) or ``pkcs12``. ``names`` are the server names (SNI) to use it for;
    empty means those it was issued for.
    """

    certificate: Path | None = None
    key: Path | None = None
    chain: Path | None = None
    pkcs12: Path | None = None
    passphrase: bytes | None = field(default=None, repr=False)
    names: tuple[str, ...] = ()


@frozen
class Certificate:
    """A leaf with its key and what lies between it and a root, leaf's issuer first.

    ``covers`` are the names and addresses it was issued for, ``names`` those to offer it for.
    ``fingerprint`` is the SHA-256 of the leaf in lower-case hex. Times are aware, in UTC.
    """

    origin: Path
    leaf: x509.Certificate = field(repr=False)
    key: PrivateKey = field(repr=False)
    chain: tuple[x509.Certificate, ...] = field(repr=False)
    covers: tuple[str, ...]
    names: tuple[str, ...]
    fingerprint: str

    @property
    def not_before(self) -> datetime.datetime:
        return self.leaf.not_valid_before_utc

    @property
    def not_after(self) -> datetime.datetime:
        return self.leaf.not_valid_after_utc

    def find_flaw(self, now: datetime.datetime) -> str | None:
        """What clients would hold against this certificate at ``now`` (aware), or None."""
        if now > self.not_after:
            return f"expired {self.not_after:%Y-%m-%d}"
        if now < self.not_before:
            return f"not valid before {self.not_before:%Y-%m-%d}"
        missing = [name for name in self.names if not is_covered(name, self.covers)]
        if missing:
            return f"is for {', '.join(self.covers) or 'no name'}, not for {', '.join(missing)}"
        return None


def load_certificate(source: CertificateSource) -> Certificate:
    """Read what ``source`` points at; raises BadCertificate."""
    if source.pkcs12 is not None:
        origin = source.pkcs12
        leaf, key, rest = _read_pkcs12(origin, source.passphrase)
    elif source.certificate is not None:
        origin = source.certificate
        leaf, *rest = read_certificates(origin)
        key_path = source.key or origin
        key = _read_key(key_path, source.passphrase)
        if not _belong_together(key, leaf):
            raise BadCertificate(key_path, _explain_mismatch(key, origin, rest))
    else:
        raise ValueError("a certificate source needs certificate or pkcs12")
    if source.chain is not None:
        rest = rest + read_certificates(source.chain)
    covers = find_names(leaf)
    return Certificate(
        origin=origin,
        leaf=leaf,
        key=key,
        chain=_in_order(leaf, rest),
        covers=covers,
        names=tuple(normal_name(name) for name in source.names) or covers,
        fingerprint=find_fingerprint(leaf),
    )


def read_certificates(path: Path) -> list[x509.Certificate]:
    """All certificates of a PEM file, at least one; raises BadCertificate."""
    content = _read(path)
    if b"-----BEGIN CERTIFICATE-----" not in content:
        raise BadCertificate(path, "no certificate in this file (PEM is expected)")
    try:
        return x509.load_pem_x509_certificates(content)
    except ValueError as error:
        raise BadCertificate(path, f"certificate cannot be read: {error}") from error


def find_names(leaf: x509.Certificate) -> tuple[str, ...]:
    """DNS names and addresses a certificate was issued for, lower-case.

    The common name counts only where there is no subjectAltName (RFC 6125 6.4.4); no current
    client looks at it, but a lab's old certificate should still be found by its name.
    """
    try:
        kinds = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        common = leaf.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
        return tuple(normal_name(str(name.value)) for name in common)
    dns = [normal_name(name) for name in kinds.get_values_for_type(x509.DNSName)]
    return (*dns, *(str(ip) for ip in kinds.get_values_for_type(x509.IPAddress)))


def find_fingerprint(leaf: x509.Certificate) -> str:
    """SHA-256 over the DER form, lower-case hex: what ``openssl x509 -fingerprint`` prints."""
    return hashlib.sha256(leaf.public_bytes(Encoding.DER)).hexdigest()


def parse_fingerprint(text: str) -> str:
    """Colons, spaces and case as people write them → lower-case hex; raises ValueError."""
    plain = re.sub(r"[\s:]", "", text).lower().removeprefix("sha256=").removeprefix("sha256")
    if not re.fullmatch(r"[0-9a-f]{64}", plain):
        raise ValueError(f"not a SHA-256 fingerprint (64 hex digits): {text!r}")
    return plain


def show_fingerprint(plain: str) -> str:
    """Lower-case hex → AB:CD:…, as other tools print it."""
    return ":".join(plain[at : at + 2] for at in range(0, len(plain), 2)).upper()


def normal_name(name: str) -> str:
    """Lower-case, without a trailing dot, in the ASCII form that SNI carries (RFC 6066 3)."""
    name = name.rstrip(".")
    return (name if name.isascii() else name.encode("idna").decode("ascii")).lower()


def is_covered(name: str, patterns: Iterable[str]) -> bool:
    """Whether a normal name is among patterns; ``*.`` stands for exactly one label."""
    parent = name.partition(".")[2]
    return any(name == each or (parent and each == f"*.{parent}") for each in patterns)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise BadCertificate(path, f"cannot be read: {error.strerror}") from error


def _read_key(path: Path, passphrase: bytes | None) -> PrivateKey:
    # Cut out by hand, because the key may stand behind certificates or EC PARAMETERS.
    found = _KEY_BLOCK.search(_read(path))
    if found is None:
        raise BadCertificate(path, "no private key in this file")
    block = found.group()
    locked = b"BEGIN ENCRYPTED" in block or b"Proc-Type: 4,ENCRYPTED" in block
    if locked and passphrase is None:
        raise BadCertificate(path, "private key is encrypted and no passphrase was given")
    try:
        key = load_pem_private_key(block, passphrase if locked else None)
    except Exception as error:  # cryptography: ValueError, TypeError, UnsupportedAlgorithm, …
        why = "wrong passphrase, or damaged" if locked else str(error)
        raise BadCertificate(path, f"private key cannot be read: {why}") from error
    return _usable(path, key)


def _read_pkcs12(
    path: Path, passphrase: bytes | None
) -> tuple[x509.Certificate, PrivateKey, list[x509.Certificate]]:
    content = _read(path)
    try:
        bag = pkcs12.load_pkcs12(content, passphrase)
    except ValueError as error:
        why = "is the passphrase right?" if passphrase else "does it need a passphrase?"
        raise BadCertificate(path, f"cannot be read as PKCS#12; {why}") from error
    if bag.cert is None:
        raise BadCertificate(path, "no certificate that goes with a key in this file")
    if bag.key is None:
        raise BadCertificate(path, "no private key in this file")
    rest = [each.certificate for each in bag.additional_certs]
    return bag.cert.certificate, _usable(path, bag.key), rest


def _usable(path: Path, key: object) -> PrivateKey:
    if not isinstance(key, PrivateKey):
        raise BadCertificate(path, f"a {type(key).__name__} cannot be used for TLS")
    return key


def _belong_together(key: PrivateKey, certificate: x509.Certificate) -> bool:
    form = (Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return key.public_key().public_bytes(*form) == certificate.public_key().public_bytes(*form)


def _explain_mismatch(key: PrivateKey, origin: Path, rest: list[x509.Certificate]) -> str:
    for place, other in enumerate(rest, 2):
        if _belong_together(key, other):
            return f"private key belongs to certificate {place} of {origin}; put that one first"
    return f"private key does not match the certificate in {origin}"


def _in_order(
    leaf: x509.Certificate, rest: Iterable[x509.Certificate]
) -> tuple[x509.Certificate, ...]:
    # Leaf's issuer first, then its issuer: TLS 1.2 wants it so (RFC 5246 7.4.2) and PKCS#12
    # files keep no order. Copies of the leaf ("full chain" files) are dropped; what does not
    # fit stays at the end, because it may be a cross-signed link that somebody needs.
    left = [each for each in dict.fromkeys(rest) if each != leaf]
    ordered, last = [], leaf
    while issuer := next((each for each in left if each.subject == last.issuer), None):
        left.remove(issuer)
        ordered.append(issuer)
        last = issuer
    return (*ordered, *left)
