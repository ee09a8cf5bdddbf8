"""Whose MAPI/HTTP is enabled: the mailbox wins over the organisation (exchange reference 5)."""

from __future__ import annotations

import pytest

from mapiproxy.policy.mapihttp import MapiHttp


@pytest.mark.parametrize(
    ("organisation", "mailbox", "effective"),
    [(True, None, True), (True, True, True), (True, False, False),
     (False, None, False), (False, True, True), (False, False, False)],
)  # fmt: skip
def test_the_mailbox_wins_over_the_organisation(organisation, mailbox, effective):
    rules = MapiHttp(
        organisation, blocked=("a@b",) if mailbox is False else (), allowed=("a@b",) if mailbox else ()
    )
    assert rules.allows("A@B") is effective
    assert rules.allows(None, "CORP\\other", "a@B") is effective


def test_nothing_has_to_be_looked_at_where_nobody_is_denied():
    assert MapiHttp().always
    assert not MapiHttp(False, allowed=("a@b",)).always
    assert not MapiHttp(True, ("a@b",)).always
    assert MapiHttp().allows()
    assert not MapiHttp(False).allows()
