"""Where do the laboratory's certificates come from?

A throw-away certificate authority: it writes its own certificate and as many server
certificates as a lab or a test asks for, good ones and deliberately bad ones. Nothing made
here is meant to be trusted outside the machine that made it, and the authority's own key is
never written. Knows nothing of TLS connections or of the proxy.
"""

from __future__ import annotations

import datetime
import os
from pathlib import Path

import trustme
from attrs import define, field, frozen
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    NoEncryption,
    load_pem_private_key,
    pkcs12,
)

LONG_AGO = datetime.datetime(2001, 1, 1)
EXPIRED = datetime.datetime(2020, 1, 1)
FAR_AHEAD = datetime.datetime(2090, 1, 1)
FARTHER_AHEAD = datetime.datetime(2095, 1, 1)

LOCAL_NAMES = ("localhost", "127.0.0.1", "::1")


@frozen
class Issued:
    """One server certificate on disk.

    ``certificate`` holds the leaf and, behind it, whatever lies between leaf and root;
    ``key`` holds the private key alone (mode 0600); ``both`` holds key, leaf and chain in
    one file (mode 0600), as many servers want it.
    """

    names: tuple[str, ...]
    certificate: Path
    key: Path
    both: Path

    def write_pkcs12(self, passphrase: bytes | None = None) -> Path:
        """Write the same as PKCS#12 (mode 0600) and return its path."""
        leaf, *chain = x509.load_pem_x509_certificates(self.certificate.read_bytes())
        key = load_pem_private_key(self.key.read_bytes(), None)
        lock = BestAvailableEncryption(passphrase) if passphrase else NoEncryption()
        assert isinstance(key, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey), "we made it"
        bag = pkcs12.serialize_key_and_certificates(self.names[0].encode(), key, leaf, chain, lock)
        return _write(self.certificate.with_suffix(".pfx"), bag, secret=True)


@define
class Authority:
    """A certificate authority that lives as long as this object.

    ``directory`` is made (mode 0700) if it is absent; ``ca_file`` in it is what a client must
    trust. With ``intermediate`` the leaves are signed by a second authority below the root,
    so that a server that forgets its chain is found out. With ``rsa`` all keys are RSA: slower, and
    handshakes are equally long each time, which signatures by elliptic curves are not.
    """

    directory: Path = field(converter=Path)
    intermediate: bool = False
    rsa: bool = False
    ca_file: Path = field(init=False)
    _root: trustme.CA = field(init=False, repr=False)
    _signer: trustme.CA = field(init=False, repr=False)

    def __attrs_post_init__(self) -> None:
        self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._root = trustme.CA(
            organization_name="mapiproxy lab",
            key_type=trustme.KeyType.RSA if self.rsa else trustme.KeyType.ECDSA,
        )
        self._signer = self._root.create_child_ca() if self.intermediate else self._root
        self.ca_file = _write(self.directory / "ca.pem", self._root.cert_pem.bytes())

    def issue(
        self,
        *names: str,
        stem: str | None = None,
        not_before: datetime.datetime | None = None,
        not_after: datetime.datetime | None = None,
        rsa_key: bool = False,
    ) -> Issued:
        """Issue a certificate for DNS names, wildcards and addresses; write it under ``stem``.

        Without names it is for this machine (``LOCAL_NAMES``). The files are called after the
        first name, so two certificates for one name need different stems.
        """
        names = names or LOCAL_NAMES
        leaf = self._signer.issue_cert(
            *names,
            not_before=not_before,
            not_after=not_after,
            key_type=trustme.KeyType.RSA if rsa_key or self.rsa else trustme.KeyType.ECDSA,
        )
        chain = b"".join(blob.bytes() for blob in leaf.cert_chain_pems)
        key = leaf.private_key_pem.bytes()
        path = self.directory / (stem or names[0].replace("*", "_").replace(":", "-"))
        return Issued(
            names=names,
            certificate=_write(Path(f"{path}.crt"), chain),
            key=_write(Path(f"{path}.key"), key, secret=True),
            both=_write(Path(f"{path}.pem"), key + chain, secret=True),
        )

    def issue_expired(self, *names: str) -> Issued:
        """A certificate whose time was over in 2020."""
        return self.issue(*names, stem="expired", not_before=LONG_AGO, not_after=EXPIRED)

    def issue_for_the_future(self, *names: str) -> Issued:
        """A certificate whose time has not begun."""
        return self.issue(*names, stem="future", not_before=FAR_AHEAD, not_after=FARTHER_AHEAD)

    def issue_wrong_name(self) -> Issued:
        """A good certificate for a name that nobody asks for."""
        return self.issue("somebody-else.lab.test", stem="wrong-name")

    def stranger(self) -> Authority:
        """Another authority, in a folder below, that nobody who trusts this one trusts."""
        return Authority(self.directory / "stranger")


def _write(path: Path, content: bytes, *, secret: bool = False) -> Path:
    # The mode is given at creation, not after: there is no moment at which others may read it.
    path.unlink(missing_ok=True)
    mode = 0o600 if secret else 0o644
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as out:
        out.write(content)
    return path
