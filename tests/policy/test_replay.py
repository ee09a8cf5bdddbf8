"""The replay table, cell by cell, against the reference's section 6.3 and its laws M12 and N1."""

from __future__ import annotations

import pytest

from mapiproxy.backends.kind import Kind
from mapiproxy.mapi.vocabulary import REQUEST_TYPES
from mapiproxy.policy.replay import Received, Sent, Verdict, may_send_again

ANY, SAME, BREAK = Verdict.ANYWHERE, Verdict.SAME_BACKEND, Verdict.BREAK
#: unsent, partial, sent, begun, relayed; in the reference's names.
PHASES = (
    (Sent.NOTHING, Received.NOTHING),
    (Sent.PART, Received.NOTHING),
    (Sent.ALL, Received.NOTHING),
    (Sent.ALL, Received.SOME),
    (Sent.ALL, Received.PASSED_ON),
)
TABLE = {
    Kind.EXCHANGE: {
        ("Connect", "Bind"): (ANY, ANY, BREAK, BREAK, BREAK),
        ("PING",): (ANY, ANY, ANY, ANY, BREAK),
        ("Disconnect", "Unbind", "NotificationWait"): (ANY, ANY, BREAK, BREAK, BREAK),
        (None, "NoSuchType"): (ANY, ANY, BREAK, BREAK, BREAK),
    },
    Kind.GROMMUNIO: {
        ("Connect", "Bind"): (ANY, ANY, BREAK, BREAK, BREAK),
        ("PING",): (SAME, SAME, SAME, SAME, BREAK),
        ("Disconnect", "Unbind", "NotificationWait"): (SAME, SAME, BREAK, BREAK, BREAK),
        (None,): (ANY, ANY, BREAK, BREAK, BREAK),
        ("NoSuchType",): (SAME, SAME, BREAK, BREAK, BREAK),
    },
}
NAMED = {name for rows in TABLE.values() for names in rows for name in names}
for kind, rows in TABLE.items():
    # Execute and every call to the address book.
    rows[tuple(sorted(set(REQUEST_TYPES.values()) - NAMED))] = (
        (ANY, ANY) if kind is Kind.EXCHANGE else (SAME, SAME)
    ) + (BREAK, BREAK, BREAK)
CELLS = [
    (kind, name, phase, verdict)
    for kind, rows in TABLE.items()
    for names, row in rows.items()
    for name in names
    for phase, verdict in zip(PHASES, row, strict=True)
]


@pytest.mark.parametrize(("kind", "request_type", "phase", "verdict"), CELLS)
def test_the_table(kind, request_type, phase, verdict):
    assert may_send_again(request_type, *phase, kind) is verdict


@pytest.mark.parametrize("kind", Kind)
@pytest.mark.parametrize("request_type", sorted(set(REQUEST_TYPES.values()) - {"PING"}))
def test_what_a_backend_has_in_full_is_never_sent_again(kind, request_type):
    """M12, N1."""
    for received in Received:
        assert may_send_again(request_type, Sent.ALL, received, kind) is BREAK


@pytest.mark.parametrize("kind", Kind)
@pytest.mark.parametrize("request_type", [None, *REQUEST_TYPES.values()])
def test_nothing_is_sent_again_once_its_answer_is_on_its_way(kind, request_type):
    for sent in Sent:
        assert may_send_again(request_type, sent, Received.PASSED_ON, kind) is BREAK


@pytest.mark.parametrize("request_type", sorted(set(REQUEST_TYPES.values()) - {"Connect", "Bind"}))
def test_a_call_of_a_grommunio_session_is_never_sent_to_another_backend(request_type):
    """N9."""
    cells = [(sent, received) for sent in Sent for received in Received]

    assert ANY not in {may_send_again(request_type, *cell, Kind.GROMMUNIO) for cell in cells}
