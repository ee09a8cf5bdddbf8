"""What can be expected of a run? The names in ``[expect]``, what they count, and who knows it.

Only names and meanings; numbers are collected in facts.py and compared in judging.py.
"""

from __future__ import annotations

from typing import Literal

from attrs import frozen

#: ``count``; ``seconds``; ``counts``: a table of counts by name.
Unit = Literal["count", "seconds", "counts"]


@frozen
class Subject:
    """One thing that can be expected.

    :ivar who: whose books tell it: ``clients``, ``servers`` or ``proxy``. With ``--target`` there are only
        clients, and expectations of others are left out.
    """

    unit: Unit
    who: str
    meaning: str


SUBJECTS: dict[str, Subject] = {
    # What the people at their Outlook have of it.
    "connects": Subject("count", "clients", "contexts that were made, those of the address book included"),
    "reconnects": Subject("count", "clients", "of these, those made in the place of an old one"),
    "contexts_lost": Subject("count", "clients", "how often a server said that a context is gone"),
    "executes": Subject("count", "clients", "Executes that were answered well"),
    "executes_unknown": Subject("count", "clients", "Executes of which nobody can tell whether they ran"),
    "executes_not_sent": Subject("count", "clients", "Executes sent again because they had not left"),
    "executes_refused": Subject("count", "clients", "Executes answered by a status or a code"),
    "wrong_answers": Subject("count", "clients", "answers that belong to another request or another person"),
    "bad_answers": Subject("count", "clients", "answers that are no MAPI over HTTP, or broken inside"),
    "duplicates": Subject("count", "clients", "refusals as out of sequence, though nothing was sent twice"),
    "waits": Subject("count", "clients", "NotificationWaits sent"),
    "waits_lost": Subject("count", "clients", "NotificationWaits that were cut or given up"),
    "waits_rejected": Subject("count", "clients", "NotificationWaits that another one was in the way of"),
    "notifications": Subject("count", "clients", "NotificationWaits that an event ended"),
    "pings": Subject("count", "clients", "PINGs that were answered well"),
    "codes": Subject("counts", "clients", "X-ResponseCodes that are not 0"),
    "statuses": Subject("counts", "clients", "HTTP statuses that are not 200"),
    "dials": Subject("count", "clients", "connections made"),
    "dials_refused": Subject("count", "clients", "connections that could not be made"),
    "outages": Subject("count", "clients", "times in which a client could not work"),
    "outage_max": Subject("seconds", "clients", "the longest time in which a client could not work"),
    "offline": Subject("count", "clients", "clients that cannot work at the end"),
    "recovery_max": Subject("seconds", "clients", "from a machine's event to the next good Execute"),
    "unrecovered": Subject("count", "clients", "events after which a client has not worked yet"),
    "execute_max": Subject("seconds", "clients", "the slowest Execute that was answered well"),
    "pending_gap_max": Subject("seconds", "clients", "the longest silence of a call that was under way"),
    "mail_late_max": Subject("seconds", "clients", "the longest time from a new mail to its being shown"),
    "backend_switches": Subject("count", "clients", "times that another server answered a context"),
    "crashes": Subject("count", "clients", "what broke in the simulated Outlook itself"),
    # What the servers have in their journals.
    "executed_twice": Subject("count", "servers", "Executes that were executed more than once"),
    "mails_missed": Subject("count", "servers", "new mails that nobody was told of"),
    "phantoms": Subject("count", "servers", "Executes answered and not executed, or executed and never sent"),
    "contexts_made": Subject("count", "servers", "contexts that servers made"),
    "moved_backends": Subject("count", "servers", "contexts whose requests came to more than one server"),
    "wrong_person": Subject("count", "servers", "contexts in which two people's requests came"),
    "shared_connections": Subject("count", "servers", "server connections with two people's requests"),
    "at_servers": Subject("counts", "servers", "requests by server"),
    "server_codes": Subject("counts", "servers", "X-ResponseCodes that servers gave, but 0"),
    # What the proxy says itself.
    "log": Subject("counts", "proxy", "lines of the HttpProxy log, by column or key, and value"),
    "proxy_errors": Subject("count", "proxy", "errors in the proxy's own log"),
    "resent": Subject("count", "proxy", "requests sent again, unseen by their client"),
    "answered_503": Subject("count", "proxy", "requests answered with 503 because nobody could take them"),
    "broken": Subject("count", "proxy", "connections broken because nobody knows whether a request ran"),
    "told_lost": Subject("count", "proxy", "requests answered with code 10, their server being lost"),
    "hangs": Subject("count", "proxy", "answers that stopped without a PENDING"),
    "unmatched_cookies": Subject("count", "proxy", "session cookies that the proxy did not know"),
    "auth_loops": Subject("count", "proxy", "rows of 401"),
    "turned_away": Subject("count", "proxy", "connections refused because there were too many"),
    "went_down": Subject("counts", "proxy", "times that a server was seen to go DOWN"),
    # What is left when all is over.
    "left_open": Subject("count", "proxy", "listeners, connections and timers left behind"),
}

#: Expected of every run, whatever its file says; a file may expect otherwise.
ALWAYS: dict[str, int] = {
    "executed_twice": 0,
    "wrong_answers": 0,
    "wrong_person": 0,
    "phantoms": 0,
    "crashes": 0,
    "proxy_errors": 0,
    "left_open": 0,
}
