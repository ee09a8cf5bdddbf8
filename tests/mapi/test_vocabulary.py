"""Numbers of X-ResponseCode mean different things on different kinds (reference section 3)."""

from __future__ import annotations

import pytest

from mapiproxy.backends.kind import Kind
from mapiproxy.mapi.vocabulary import REQUEST_TYPES, Meaning, ends_session, meaning_of

EXCHANGE = {
    0: Meaning.SUCCESS, 1: Meaning.UNKNOWN_FAILURE, 2: Meaning.INVALID_VERB, 3: Meaning.INVALID_PATH,
    4: Meaning.INVALID_HEADER, 5: Meaning.INVALID_REQUEST_TYPE, 6: Meaning.INVALID_CONTEXT_COOKIE,
    7: Meaning.MISSING_HEADER, 8: Meaning.ANONYMOUS_NOT_ALLOWED, 9: Meaning.TOO_LARGE,
    10: Meaning.CONTEXT_NOT_FOUND, 11: Meaning.NO_PRIVILEGE, 12: Meaning.INVALID_REQUEST_BODY,
    13: Meaning.MISSING_COOKIE, 14: Meaning.RESERVED, 15: Meaning.INVALID_SEQUENCE,
    16: Meaning.ENDPOINT_DISABLED, 17: Meaning.INVALID_RESPONSE, 18: Meaning.ENDPOINT_SHUTTING_DOWN,
}  # fmt: skip
GROMMUNIO = {
    0: Meaning.SUCCESS, 1: Meaning.INVALID_VERB, 2: Meaning.INVALID_CONTEXT_COOKIE, 3: Meaning.MISSING_HEADER,
    4: Meaning.NO_PRIVILEGE, 5: Meaning.INVALID_REQUEST_BODY, 6: Meaning.MISSING_COOKIE,
    7: Meaning.INVALID_SEQUENCE, 8: Meaning.INVALID_REQUEST_TYPE, 9: Meaning.NO_MEMORY,
}  # fmt: skip


@pytest.mark.parametrize(("kind", "meanings"), [(Kind.EXCHANGE, EXCHANGE), (Kind.GROMMUNIO, GROMMUNIO)])
def test_a_number_means_what_its_kind_means_by_it(kind, meanings):
    for code in range(-1, 40):
        assert meaning_of(code, kind) is meanings.get(code, Meaning.UNDEFINED)


def test_codes_that_end_a_session():
    """On grommunio a wrong sequence leaves the session alive."""
    assert [code for code in range(40) if ends_session(code, Kind.EXCHANGE)] == [6, 10, 15]
    assert [code for code in range(40) if ends_session(code, Kind.GROMMUNIO)] == [2]


def test_request_types_are_known_in_any_spelling_by_the_specifications_own():
    assert REQUEST_TYPES["notificationwait"] == "NotificationWait"
    assert REQUEST_TYPES["ping"] == "PING"
    assert len(REQUEST_TYPES) == 24
