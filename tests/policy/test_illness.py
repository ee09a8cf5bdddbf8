"""Which live answers speak against a backend, and which never do (N14, M18)."""

from __future__ import annotations

import pytest

from mapiproxy.backends.kind import Kind
from mapiproxy.policy.illness import Blame, illness_of


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_a_server_error_is_an_illness(status):
    assert illness_of(status, None, Kind.EXCHANGE) == Blame(f"status {status}", lasting=True)


@pytest.mark.parametrize("status", [200, 302, 400, 401, 403, 404, 408, 413, 501])
def test_other_statuses_are_not(status):
    assert illness_of(status, None, Kind.EXCHANGE) is None


@pytest.mark.parametrize(("kind", "ill"), [(Kind.EXCHANGE, {1, 17, 18}), (Kind.GROMMUNIO, {9})])
def test_of_the_codes_within_a_200_only_few_are_the_backends_own_fault(kind, ill):
    """N14: failover on 16, 11, 8 or 12 is forbidden; they are answers."""
    assert {code for code in range(30) if illness_of(200, code, kind)} == ill


def test_it_is_said_in_words():
    assert illness_of(200, 9, Kind.GROMMUNIO).text == "X-ResponseCode 9, No Memory"
