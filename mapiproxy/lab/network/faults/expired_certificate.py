"""expired_certificate: somebody forgot to renew it."""

from __future__ import annotations

from typing import ClassVar

from attrs import frozen

from mapiproxy.lab.network.faults.certificates import ShowsCertificate


@frozen
class ExpiredCertificate(ShowsCertificate):
    """The certificate is for the right names, by the right authority, and its time is over."""

    certificate: ClassVar[str] = "expired"
