"""The ledger has no place for a secret."""

from __future__ import annotations

import attrs

from mapiproxy.record.ending import Ending
from mapiproxy.record.ledger import Ledger


def test_no_field_is_made_for_a_secret():
    names = {field.name for field in attrs.fields(Ledger)}

    assert not [name for name in names if any(word in name for word in ("cookie", "authorization", "password", "token"))]


def test_a_fresh_ledger_tells_of_no_trouble():
    ledger = Ledger(request_id="i", wall=1.0, head_at=0.0)

    assert ledger.ending is Ending.DONE
    assert (ledger.status, ledger.backend_status, ledger.error) == (None, None, None)
