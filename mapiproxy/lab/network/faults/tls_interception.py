"""tls_interception: a box that decrypts and shows a certificate of an authority of its own.

Beside trust, it breaks Extended Protection: the channel binding of the client is to another certificate.
"""

from __future__ import annotations

from typing import ClassVar

from attrs import frozen

from mapiproxy.lab.network.faults.certificates import ShowsCertificate


@frozen
class TlsInterception(ShowsCertificate):
    """The certificate is for the right names, but by a stranger."""

    certificate: ClassVar[str] = "stranger"
