"""mapiproxy: a reverse proxy that understands MAPI over HTTP."""

from __future__ import annotations

__version__ = "0.1.0.dev0"
