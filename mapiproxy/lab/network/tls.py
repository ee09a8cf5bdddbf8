"""TLS at a device: end it and begin it anew, with which certificate, and trusting whom; or pass it through.

Must not know what is said inside.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from attrs import define, field
from twisted.internet.ssl import CertificateOptions

from mapiproxy.lab.authority import Authority, Issued
from mapiproxy.lab.tls import client_options, server_context

#: The names that faults know certificates by.
OWN, STRANGER, EXPIRED = "own", "stranger", "expired"


class PassThrough:
    """TLS passes unread: faults of TCP only."""


PASS_THROUGH = PassThrough()


@define
class Termination:
    """A device that decrypts, looks, and encrypts again.

    :ivar certificate: with *key*, what clients are shown; its chain is behind it in the same file.
    :ivar authority: issues what a fault shows instead; without it, such faults cannot be used.
    :ivar names: for which names it issues them.
    :ivar re_encrypt: whether the servers speak TLS, too.
    :ivar server_name: sent as SNI and looked for in the servers' certificates.
    :ivar ca_file: whom to trust for the servers; ``None``: the system's authorities.
    :ivar verify: false: the servers' certificates are not looked at.
    :ivar offers: protocols for ALPN, most wanted first; ``None``: HTTP/1.1 alone.
    """

    certificate: Path
    key: Path
    authority: Authority | None = None
    names: tuple[str, ...] = ()
    re_encrypt: bool = True
    server_name: str = "localhost"
    ca_file: Path | None = None
    verify: bool = True
    offers: list[bytes] | None = None
    _contexts: dict[str, Any] = field(factory=dict, init=False, repr=False)

    @classmethod
    def by(cls, authority: Authority, *names: str, **more: Any) -> Termination:
        """With a certificate that *authority* issues for *names* (none: this machine's)."""
        issued = authority.issue(*names, stem="device")
        more.setdefault("ca_file", authority.ca_file)
        return cls(issued.certificate, issued.key, authority, issued.names, **more)

    def context(self, which: str = OWN) -> Any:
        """The server context with this certificate."""
        if which not in self._contexts:
            certificate, key = self._files(which)
            self._contexts[which] = server_context(certificate, key, self.offers)
        return self._contexts[which]

    def can_show(self, which: str) -> bool:
        """Whether there is such a certificate."""
        return which == OWN or self.authority is not None

    def _files(self, which: str) -> tuple[Path, Path]:
        if which == OWN:
            return self.certificate, self.key
        assert self.authority is not None, "can_show() was asked"
        issued: Issued
        if which == EXPIRED:
            issued = self.authority.issue_expired(*self.names)
        else:
            issued = self.authority.stranger().issue(*self.names)
        return issued.certificate, issued.key

    def client(self) -> Any:
        """What is checked at the servers; ``None`` where they speak plain HTTP."""
        if not self.re_encrypt:
            return None
        if self.verify:
            return client_options(self.server_name, self.ca_file)
        return CertificateOptions(verify=False, acceptableProtocols=[b"http/1.1"])
