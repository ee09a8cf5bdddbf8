"""Outlook as a process: what one user's program does all day, what happens to its machine; and a crowd of it.

client.py makes single calls on demand; here nobody asks: a profile says how the user works, events in the
machine's life are methods, and a book keeps what the user saw. Runs on any reactor that has ``seconds``,
``callLater`` and ``connectTCP``; chance is given.
"""

from __future__ import annotations

from mapiproxy.lab.outlook.book import Book, Recovery
from mapiproxy.lab.outlook.crowd import Crowd
from mapiproxy.lab.outlook.process import Outlook
from mapiproxy.lab.outlook.profile import CACHED, ONLINE, PROFILES, Profile
from mapiproxy.lab.outlook.receipts import Receipts

__all__ = ["CACHED", "ONLINE", "PROFILES", "Book", "Crowd", "Outlook", "Profile", "Receipts", "Recovery"]
