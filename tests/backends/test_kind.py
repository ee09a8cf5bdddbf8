"""Kinds are words of the configuration."""

from __future__ import annotations

from mapiproxy.backends.kind import Kind


def test_a_kind_is_its_word():
    assert [str(kind) for kind in Kind] == ["exchange", "grommunio"]
    assert Kind("grommunio") is Kind.GROMMUNIO
