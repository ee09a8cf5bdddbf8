"""X-ResponseCode, which the two kinds number differently (reference 3), and the sentences they
send.

Exchange follows MS-OXCMAPIHTTP 2.2.3.3.3; grommunio sends the ordinals of its own list. The
sentences are ours but for the one of grommunio's code 2, which is in the recordings.
"""

from __future__ import annotations

from enum import IntEnum


class ExchangeCode(IntEnum):
    SUCCESS = 0
    UNKNOWN_FAILURE = 1
    INVALID_VERB = 2
    INVALID_PATH = 3
    INVALID_HEADER = 4
    INVALID_REQUEST_TYPE = 5
    INVALID_CONTEXT_COOKIE = 6
    MISSING_HEADER = 7
    ANONYMOUS_NOT_ALLOWED = 8
    TOO_LARGE = 9
    CONTEXT_NOT_FOUND = 10
    NO_PRIVILEGE = 11
    INVALID_REQUEST_BODY = 12
    MISSING_COOKIE = 13
    INVALID_SEQUENCE = 15
    ENDPOINT_DISABLED = 16
    INVALID_RESPONSE = 17
    ENDPOINT_SHUTTING_DOWN = 18


class GrommunioCode(IntEnum):
    SUCCESS = 0
    INVALID_VERB = 1
    INVALID_CONTEXT_COOKIE = 2
    MISSING_HEADER = 3
    NO_PRIVILEGE = 4
    INVALID_REQUEST_BODY = 5
    MISSING_COOKIE = 6
    INVALID_SEQUENCE = 7
    INVALID_REQUEST_TYPE = 8
    NO_MEMORY = 9


Code = ExchangeCode | GrommunioCode

_SENTENCES = {
    "INVALID_VERB": "The request has an invalid verb.",
    "INVALID_CONTEXT_COOKIE": "The request has an invalid session context cookie.",
    "MISSING_HEADER": "The request lacks a required header.",
    "NO_PRIVILEGE": "The user may not use this session context.",
    "INVALID_REQUEST_BODY": "The request body cannot be read.",
    "MISSING_COOKIE": "The request lacks a required cookie.",
    "INVALID_SEQUENCE": "The request has an invalid sequence cookie.",
    "INVALID_REQUEST_TYPE": "The request type is not known here.",
    "CONTEXT_NOT_FOUND": "There is no such session context.",
}


def sentence(code: Code) -> str:
    """One line for people, as it stands in the HTML of a refusal."""
    return _SENTENCES.get(code.name, f"The request failed ({code.name.lower()}).")


def gone_codes(kind: str) -> frozenset[int]:
    """The codes after which a client of this kind of server should make a new context."""
    return _GONE[kind]


_GONE = {
    "exchange": frozenset(
        (
            ExchangeCode.CONTEXT_NOT_FOUND,
            ExchangeCode.INVALID_CONTEXT_COOKIE,
            ExchangeCode.MISSING_COOKIE,
            ExchangeCode.INVALID_SEQUENCE,
        )
    ),
    "grommunio": frozenset(
        (
            GrommunioCode.INVALID_CONTEXT_COOKIE,
            GrommunioCode.MISSING_COOKIE,
            GrommunioCode.INVALID_SEQUENCE,
            # Never grommunio's own word: a proxy says it for a session that is lost (reference 6.3).
            ExchangeCode.CONTEXT_NOT_FOUND,
        )
    ),
}


class Refused(Exception):
    """A call that the server's own rules turn away."""

    def __init__(self, code: Code) -> None:
        super().__init__(sentence(code))
        self.code = code
