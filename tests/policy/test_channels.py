"""The register of open Outlook Anywhere channels."""

from __future__ import annotations

import pytest

from mapiproxy.policy.channels import Channels


def test_what_comes_for_an_open_channel_goes_where_it_went():
    channels = Channels()
    assert channels.home("a@b") is None

    channels.opened("a@b", "one")
    channels.opened("a@b", "two")

    assert channels.home("a@b") == "two"
    assert len(channels) == 2


def test_a_key_is_forgotten_with_its_last_channel():
    channels = Channels()
    channels.opened("a@b", "one")
    channels.opened("a@b", "one")
    channels.closed("a@b", "one")
    assert channels.home("a@b") == "one"

    channels.closed("a@b", "one")
    assert channels.home("a@b") is None
    assert len(channels) == 0
    with pytest.raises(KeyError):
        channels.closed("a@b", "one")
