"""The virtual directories that a front end of Exchange has: their names, paths and log folders.

Each is served, probed and given up by itself, because each can fail by itself: a server whose OWA is out
of order may be well for MAPI (exchange reference 4.6).
"""

from __future__ import annotations

from attrs import frozen

from mapiproxy.backends.kind import Kind


@frozen
class Shape:
    """What is known of a virtual directory before anybody has configured it.

    :ivar paths: prefixes in lower case; all below them belongs to it.
    :ivar protocol: its folder below ``Logging\\HttpProxy`` and the log's Protocol column.
    """

    name: str
    paths: tuple[str, ...]
    protocol: str


_SHAPES = (
    Shape("mapi", ("/mapi",), "Mapi"),
    Shape("rpc", ("/rpc", "/rpcwithcert"), "RpcHttp"),
    Shape("ews", ("/ews",), "Ews"),
    Shape("autodiscover", ("/autodiscover",), "Autodiscover"),
    Shape("oab", ("/oab",), "Oab"),
    Shape("owa", ("/owa",), "Owa"),
    Shape("ecp", ("/ecp",), "Ecp"),
    Shape("microsoft-server-activesync", ("/microsoft-server-activesync",), "Eas"),
    Shape("powershell", ("/powershell",), "PowerShell"),
)
SHAPES = {shape.name: shape for shape in _SHAPES}

#: What a backend of each kind is taken to have. PowerShell is for administrators, and not for the world
#: unless somebody says so; grommunio has no OWA and no ECP.
USUAL = {
    Kind.EXCHANGE: tuple(name for name in SHAPES if name != "powershell"),
    Kind.GROMMUNIO: (
        "mapi", "rpc", "ews", "autodiscover", "oab", "microsoft-server-activesync",
    ),
}  # fmt: skip

#: IISAuthenticationMethods of Set-MapiVirtualDirectory, and the HTTP scheme that each stands for.
METHODS = {"Basic": "basic", "NTLM": "ntlm", "Negotiate": "negotiate", "OAuth": "bearer"}


@frozen
class VirtualDirectory:
    """One virtual directory of a group of backends, as it is to be published.

    :ivar internal_url: where clients inside find it, ``external_url`` those outside; ``None``: not said.
    :ivar iis_authentication_methods: names of :data:`METHODS` that clients are offered and may use;
        ``None``: whatever the servers offer.
    """

    name: str
    enabled: bool = True
    internal_url: str | None = None
    external_url: str | None = None
    iis_authentication_methods: tuple[str, ...] | None = None

    @property
    def shape(self) -> Shape:
        """Its paths and its protocol."""
        return SHAPES[self.name]

    @property
    def schemes(self) -> frozenset[str] | None:
        """The HTTP schemes that the methods stand for, in lower case; ``None``: all."""
        methods = self.iis_authentication_methods
        return None if methods is None else frozenset(METHODS[method] for method in methods)


MAPI = VirtualDirectory("mapi")
