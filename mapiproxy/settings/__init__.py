"""What does the operator want? One TOML file, read into frozen values or refused with reasons.

Knows the shapes of what can be configured. Must not know how anything is carried out: no sockets,
no contexts, nothing of ``net`` or ``service``.
"""

from __future__ import annotations

from mapiproxy.settings.files import read_keys, read_passphrase
from mapiproxy.settings.problems import Problem, SettingsError, Severity
from mapiproxy.settings.reading import Reading, load_settings, read_settings
from mapiproxy.settings.values import (
    Admin,
    Affinity,
    BackendGroup,
    Bind,
    CertificateFiles,
    Control,
    Guard,
    Lab,
    Limits,
    Listener,
    ListenerTls,
    Log,
    Proxy,
    Server,
    Settings,
    Timeouts,
    Verify,
)
from mapiproxy.settings.words import describe, outline

__all__ = [
    "Admin",
    "Affinity",
    "BackendGroup",
    "Bind",
    "CertificateFiles",
    "Control",
    "Guard",
    "Lab",
    "Limits",
    "Listener",
    "ListenerTls",
    "Log",
    "Problem",
    "Proxy",
    "Reading",
    "Server",
    "Settings",
    "SettingsError",
    "Severity",
    "Timeouts",
    "Verify",
    "describe",
    "load_settings",
    "outline",
    "read_keys",
    "read_passphrase",
    "read_settings",
]
