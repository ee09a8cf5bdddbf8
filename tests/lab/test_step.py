"""A row: what counts as success, and which error names what was wrong."""

from __future__ import annotations

from typing import Any

import pytest

from mapiproxy.lab.errors import ApplicationError, CallRefused, HttpRefused, LabError, Unauthorized
from mapiproxy.lab.step import Step
from mapiproxy.wire.heads import parse_response_head


def step(**given: Any) -> Step:
    given = {"status": 200, "code": 0, "request_type": "Execute", **given}
    return Step(1, 0.0, "alice", "emsmdb", request_id="{A}:1", **given)


def test_success_is_success_in_every_layer() -> None:
    assert step().check().ok
    assert step(error=0).ok
    assert step(request_type="Unbind", error=1).ok
    assert step(local=True, status=None).ok


@pytest.mark.parametrize(
    ("given", "error"),
    [
        ({"trouble": "AnswerLost: x"}, LabError),
        ({"status": 401}, Unauthorized),
        ({"status": 503}, HttpRefused),
        ({"code": None}, HttpRefused),
        ({"code": 10}, CallRefused),
        ({"late_code": 1}, CallRefused),
        ({"error": 0x7EE}, ApplicationError),
    ],
)
def test_each_layer_has_its_error(given: dict[str, Any], error: type[LabError]) -> None:
    bad = step(**given)
    assert not bad.ok
    with pytest.raises(error) as caught:
        bad.check()
    assert caught.value.step is bad
    assert "Execute of alice" in str(caught.value)


def test_a_head_gives_status_code_and_the_servers_name() -> None:
    raw = b"HTTP/1.1 200 OK\r\nX-ResponseCode: 7\r\nX-FEServer: FE\r\nX-BEServer: BE\r\n\r\n"
    row = step()
    row.take_head(parse_response_head(raw))
    assert (row.status, row.code, row.backend) == (200, 7, "BE")
