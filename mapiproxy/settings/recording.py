"""Can the log be kept as the table says: whose it is, where it is, how much of it?"""

from __future__ import annotations

import re

from mapiproxy.settings import files
from mapiproxy.settings.problems import Problems
from mapiproxy.settings.values import Log

_VERSION = re.compile(r"\d\d\.\d\d\.\d{4}\.\d{3}")
#: What a file is for; a shorter retention would remove the one before it is full.
_HOUR = 3600.0


def check_log(log: Log, problems: Problems) -> None:
    """Report what cannot be meant."""
    if not _VERSION.fullmatch(log.version):
        problems.error(("log", "version"), 'must look like "15.02.2562.045"')
    if not re.fullmatch(r"[^\s,]+", log.server_name):
        problems.error(("log", "server_name"), "must not be empty or have blanks or commas")
    if log.retention < _HOUR:
        problems.error(("log", "retention"), "must be at least 1h, for a file is for an hour")
    if log.folder_size < 2 * log.roll_size:
        problems.error(
            ("log", "folder_size"), "must be at least twice roll_size: the file being written stays"
        )
    if not log.enabled:
        for key in ("mapi_client_access", "mapi_address_book"):
            if getattr(log, key):
                problems.warning(("log", key), "has no effect with enabled = false")
        return
    files.check_folder(("log", "directory"), log.directory, problems)
