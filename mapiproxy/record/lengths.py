"""How long something took, as people read it: the one way of writing it for terminals and pages."""

from __future__ import annotations


def show_length(seconds: float) -> str:
    """``0.4s``, ``42s``, ``4m12s``, ``7h05m``, ``3d04h``; below zero is ``0s``."""
    if seconds < 0:
        return "0s"
    if seconds < 10:
        return f"{seconds:.1f}s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole}s"
    if whole < 3600:
        return f"{whole // 60}m{whole % 60:02}s"
    if whole < 86400:
        return f"{whole // 3600}h{whole % 3600 // 60:02}m"
    return f"{whole // 86400}d{whole % 86400 // 3600:02}h"
