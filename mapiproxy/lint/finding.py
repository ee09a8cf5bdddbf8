"""One thing that hurts MAPI over HTTP in somebody else's configuration, and the rules by which it is found.

Must not know how a configuration is read.
"""

from __future__ import annotations

from enum import StrEnum

from attrs import frozen


class Severity(StrEnum):
    """How bad it is. Values are the words that people see."""

    ERROR = "error"  # Outlook fails, or somebody sees another's mail
    WARNING = "warning"  # it works until a certain day
    NOTE = "note"  # worth knowing


@frozen
class Rule:
    """A rule. *why* is the reason, in a sentence that needs no context."""

    severity: Severity
    why: str


_ERROR, _WARNING, _NOTE = Severity.ERROR, Severity.WARNING, Severity.NOTE

#: Every rule there is, by its name.
RULES: dict[str, Rule] = {
    "timeout-short": Rule(
        _ERROR,
        "a NotificationWait is silent between two PENDINGs, which come every 15 to 30 s; a limit below two of"
        " them cuts it again and again",
    ),
    "timeout-tight": Rule(
        _WARNING,
        "one late PENDING (they come every 15 to 30 s) is enough to cut a NotificationWait; allow three",
    ),
    "timeout-none": Rule(
        _WARNING, "a connection whose peer is gone is kept for ever, and with it a context of the mailbox"
    ),
    "timeout-long": Rule(
        _NOTE,
        "a server that hangs is not noticed for so long; PENDINGs come every 30 s, so minutes are enough",
    ),
    "answer-buffered": Rule(
        _ERROR,
        "PROCESSING and PENDING must reach Outlook when they are sent; held back, the server looks dead and"
        " Outlook gives up",
    ),
    "request-buffered": Rule(
        _WARNING, "a large message is taken in whole, to disk or memory, before the server sees any of it"
    ),
    "chunks-delayed": Rule(_NOTE, "TCP may hold a small chunk back for some 200 ms each"),
    "body-limit": Rule(_ERROR, "larger messages stay in the Outbox with a 413"),
    "head-limit": Rule(
        _WARNING, "the Kerberos token of a user in many groups is larger than that, which gives a 400"
    ),
    "http2-offered": Rule(
        _ERROR, "NTLM and Negotiate authenticate a connection, which HTTP/2 shares: Windows refuses it"
    ),
    "http2-default": Rule(
        _WARNING, "newer versions of HAProxy offer HTTP/2 unless they are told otherwise; Windows refuses it"
    ),
    "connection-shared": Rule(
        _ERROR,
        "NTLM and Negotiate authenticate a connection: on a shared one a user is served as another",
    ),
    "connection-reuse": Rule(
        _WARNING,
        "connections to servers are shared among clients; after NTLM or Negotiate it has to be noticed in"
        " time that this one may not be",
    ),
    "connection-closed": Rule(
        _ERROR, "NTLM needs three requests on one connection; closed after each, it asks for ever"
    ),
    "http10": Rule(_ERROR, "HTTP/1.0 to the server has neither chunks nor kept connections"),
    "replay": Rule(
        _ERROR, "a request that may have run is sent again: Execute runs twice, or its context is lost"
    ),
    "address-affinity": Rule(
        _WARNING,
        "a laptop that changes its network lands on another server (grommunio: its session is gone), and"
        " everybody behind one NAT on the same",
    ),
    "cookie-rewritten": Rule(_ERROR, "the session is in the cookies; renamed or rewritten it is unknown"),
    "path-rewritten": Rule(
        _ERROR, "the path and ?MailboxId= must arrive byte for byte: grommunio knows nothing else"
    ),
    "path-case": Rule(_WARNING, "Outlook and Exchange do not care about the case of paths; this rule does"),
    "path-query": Rule(_ERROR, "a path never contains a question mark, so this never matches"),
    "header-removed": Rule(_ERROR, "Outlook and the server need this header as it was sent"),
    "header-case": Rule(
        _NOTE, "header names are sent in lower case, which some versions of Outlook have not understood"
    ),
    "challenge-replaced": Rule(
        _WARNING, "what the server offers is overwritten; clients that need another scheme cannot log on"
    ),
    "compressed": Rule(_ERROR, "what is compressed on the way is held back for it"),
    "cached": Rule(_ERROR, "an answer that somebody else gets is somebody else's mail"),
    "probe-missing": Rule(
        _WARNING, "nobody notices that it is out of order; ask for /mapi/healthcheck.htm (grommunio: a 401)"
    ),
    "probe-shallow": Rule(
        _WARNING, "an open port says nothing about MAPI; ask for /mapi/healthcheck.htm (grommunio: a 401)"
    ),
    "server-unverified": Rule(_WARNING, "anybody on the way can pretend to be the server"),
    "ssl-offload": Rule(
        _WARNING, "Extended Protection, on by default since Exchange 2019 CU14, rejects plain http"
    ),
    "address-limit": Rule(
        _WARNING, "an Outlook has several connections for each mailbox, and behind one address sits a company"
    ),
    "abort-ignored": Rule(
        _WARNING, "a wait whose client is gone goes on at the server, which then rejects the next one"
    ),
    "opaque": Rule(_NOTE, "connections pass unread: sessions, codes and errors cannot be seen here"),
    "acl-unknown": Rule(_ERROR, "no such ACL is defined above this line: HAProxy refuses to load it"),
    "duplicate": Rule(_ERROR, "nginx refuses to load a directive that is given twice"),
    "mapi-unrouted": Rule(_ERROR, "nothing here would pass a request for /mapi/emsmdb/ on"),
}


@frozen
class Finding:
    """One thing found.

    :ivar rule: a name in :data:`RULES`.
    :ivar text: what stands there, or does not.
    :ivar instead: what to write; empty if there is no one answer.
    """

    rule: str
    file: str
    line: int
    text: str
    instead: str = ""

    @property
    def severity(self) -> Severity:
        """Its rule's."""
        return RULES[self.rule].severity

    @property
    def why(self) -> str:
        """Its rule's reason."""
        return RULES[self.rule].why


class CannotRead(Exception):
    """The configuration cannot be understood; says where and why."""
