"""MAPIPROXY_DEEP=1 lets hypothesis look longer, as HYPOTHESIS_PROFILE=deep does."""

from __future__ import annotations

import os

from hypothesis import settings

if os.environ.get("MAPIPROXY_DEEP", "") not in ("", "0"):
    settings.load_profile("deep")
