"""Where did the time of a request go: to the client and its path, to reaching the backend, to the backend,
or to the proxy?

Columns measure moments at the proxy, so some of them can mean either side. The rules, each tested:

* passing the request on waits for the client's bytes, unless ClientReqStreamLatency tells those apart;
* until the answer begins it is the backend's;
* while a small answer streams, it is the backend's: it fits the buffers of the sockets, and a client that
  reads slowly cannot hold it back. Of a large one the backend's is what X-ElapsedTime says, or nothing if
  it is silent, and the rest is the client's;
* what is left of the total is the proxy's.
"""

from __future__ import annotations

from attrs import frozen

from mapiproxy.evidence.layout import LOOKED_AT
from mapiproxy.evidence.row import Row, number

#: Bytes of an answer that are sure to fit the buffers on the way.
FITS = 64 * 1024
#: Whose time it was, in the order in which a request goes through them.
PLACES = ("client", "connect", "backend", "proxy")

_CLIENT_IN, _INIT, _STREAM, _PROCESSING, _RESPONSE_INIT, _RESPONSE, _CLIENT_OUT = (
    LOOKED_AT.index(name)
    for name in (
        "ClientReqStreamLatency",
        "BackendReqInitLatency",
        "BackendReqStreamLatency",
        "BackendProcessingLatency",
        "BackendRespInitLatency",
        "BackendRespStreamLatency",
        "ClientRespStreamLatency",
    )
)


@frozen
class Shares:
    """Milliseconds of one request, or sums of many.

    :ivar client: the client and the path to it; ``connect`` reaching the backend, TLS included.
    """

    client: int = 0
    connect: int = 0
    backend: int = 0
    proxy: int = 0

    def __add__(self, other: Shares) -> Shares:
        return Shares(
            self.client + other.client,
            self.connect + other.connect,
            self.backend + other.backend,
            self.proxy + other.proxy,
        )

    @property
    def parts(self) -> tuple[int, int, int, int]:
        """In the order of :data:`PLACES`."""
        return self.client, self.connect, self.backend, self.proxy


def shares_of(row: Row) -> Shares:
    """The shares of one row; together they are its total, if its columns do not exceed that."""
    values = row.values
    client_in, init, stream, processing, response_init, response, client_out = (
        number(values[place]) or 0
        for place in (_CLIENT_IN, _INIT, _STREAM, _PROCESSING, _RESPONSE_INIT, _RESPONSE, _CLIENT_OUT)
    )
    if values[_CLIENT_IN]:
        # Exchange reads and writes at the same time: the stream to the backend contains the wait.
        client, backend = client_in, max(0, stream - client_in)
    else:
        client, backend = stream, 0
    backend += processing + response_init
    if values[_CLIENT_OUT]:
        client += client_out
        response = max(0, response - client_out)
    if response and row.response_bytes > FITS:
        elapsed = number(row.info(b"ServerElapsed") or b"") or 0
        theirs = min(response, max(0, elapsed - processing))
        client += response - theirs
        backend += theirs
    else:
        backend += response
    return Shares(client, init, backend, max(0, row.total - client - init - backend))
