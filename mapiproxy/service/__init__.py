"""How is it put together? From settings to a running proxy, and what operators ask of it then."""

from __future__ import annotations

from mapiproxy.net.steady import make_steady
from mapiproxy.service.service import ProxyService, make_service

__all__ = ["ProxyService", "make_service", "make_steady"]
