"""Does a live answer mean that its backend is ill?

Only what no client can cause counts: most codes within a 200 are plain answers, and taking a backend out
for them would hurt everybody on it (reference N14, M18).
"""

from __future__ import annotations

from attrs import frozen

from mapiproxy.backends.kind import Kind
from mapiproxy.mapi.vocabulary import Meaning, meaning_of


@frozen
class Blame:
    """What a backend did wrong to a live request.

    :ivar lasting: it answers probes well and people badly, so that probes cannot clear it soon. A lost
        connection is not of that kind: when a probe gets through, it is over.
    """

    text: str
    lasting: bool = False


_STATUSES = frozenset((500, 502, 503, 504))
_MEANINGS = frozenset(
    (
        Meaning.UNKNOWN_FAILURE,
        Meaning.NO_MEMORY,
        Meaning.ENDPOINT_SHUTTING_DOWN,
        Meaning.INVALID_RESPONSE,
    )
)


def illness_of(status: int, code: int | None, kind: Kind) -> Blame | None:
    """What is wrong with the backend that gave this answer; ``None``: nothing.

    :param code: X-ResponseCode, as far as it is known.
    """
    if status == 200:
        if not code:
            return None
        meaning = meaning_of(code, kind)
        if meaning not in _MEANINGS:
            return None
        return Blame(f"X-ResponseCode {code}, {meaning.value}", lasting=True)
    return Blame(f"status {status}", lasting=True) if status in _STATUSES else None
