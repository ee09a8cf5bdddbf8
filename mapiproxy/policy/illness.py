"""Does a live answer mean that its backend is ill?

Only what no client can cause counts: most codes within a 200 are plain answers, and taking a backend out
for them would hurt everybody on it (reference N14, M18).
"""

from __future__ import annotations

from mapiproxy.backends.kind import Kind
from mapiproxy.mapi.vocabulary import Meaning, meaning_of

_STATUSES = frozenset((500, 502, 503, 504))
_MEANINGS = frozenset(
    (
        Meaning.UNKNOWN_FAILURE,
        Meaning.NO_MEMORY,
        Meaning.ENDPOINT_SHUTTING_DOWN,
        Meaning.INVALID_RESPONSE,
    )
)


def illness_of(status: int, code: int | None, kind: Kind) -> str | None:
    """What is wrong with the backend that gave this answer, in a few words; ``None``: nothing.

    :param code: X-ResponseCode, as far as it is known.
    """
    if status == 200:
        if not code:
            return None
        meaning = meaning_of(code, kind)
        return f"X-ResponseCode {code}, {meaning.value}" if meaning in _MEANINGS else None
    return f"status {status}" if status in _STATUSES else None
