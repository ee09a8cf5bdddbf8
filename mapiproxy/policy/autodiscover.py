"""What does an Autodiscover answer say of a mailbox and its home, and how is it published?

Plain XML ("POX") answers only, as Outlook asks for them: ``Autodiscover/Response`` with ``User`` and
``Account/Protocol``. Only ``<Protocol Type="mapiHttp">`` is ever changed; the blocks EXCH, EXPR,
EXHTTP and WEB, which name their type in a child, are left alone (reference mapi-http-protocol 10.1).

expat reads, and tells at which byte each thing stands; changes are made to those bytes, and all
others stay as they came. What is not read with certainty is returned untouched: a document type or
entities of its own, an encoding other than UTF-8 or ASCII, more than 1 MiB, too deep, not
well-formed, a content coding. Answers of SOAP and JSON Autodiscover count among these.
"""

from __future__ import annotations

import re
from urllib.parse import unquote
from xml.parsers import expat

from attrs import define, field, frozen

#: Larger answers are passed on untouched; real ones have a few kilobytes.
LARGEST = 1024 * 1024

_NAMESPACES = "http://schemas.microsoft.com/exchange/autodiscover/"
_ENCODINGS = (None, "utf-8", "us-ascii")
_DEEPEST = 32
_SPACE = " \t\r\n"

_USER = ("Autodiscover", "Response", "User")
_PROTOCOL = ("Autodiscover", "Response", "Account", "Protocol")
#: Below a Protocol.
_URLS = {
    (store, url): (store, url)
    for store in ("MailStore", "AddressBook")
    for url in ("InternalUrl", "ExternalUrl")
}

#: A start tag of a well-formed document, to its end.
_START_TAG = re.compile(rb"<(?:[^\"'>]|\"[^\"]*\"|'[^']*')*>")
#: What is replaced: all that stands before the endpoint's own segment of the path.
_PLACE = re.compile(r"https?://[^/?#\s]+(?:/[^?#\s]*?)??(?=/(?:emsmdb|nspi)(?:[/?]|\Z))", re.I)
_HOST = re.compile(r"https?://(?:[^/?#@\s]*@)?(\[[0-9a-f:.]+\]|[^/?#@:\s\[\]]+)", re.I)
_MAILBOX_ID = re.compile(r"[?&]mailboxid=([^&#]+)", re.I)
#: A published URL: nothing in it needs to be escaped in text or in CDATA.
_BASE = re.compile(r"https?://(?:[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?(?:/[\w.~%+-]+)*/?\Z")


@frozen
class Mailbox:
    """Who the answer is about.

    :ivar address: ``AutoDiscoverSMTPAddress``.
    :ivar legacy_dn: ``LegacyDN``.
    """

    address: str | None
    legacy_dn: str | None


@frozen
class Home:
    """Where the answer says that a mailbox lives.

    :ivar server: a host name in lower case, without a port. With grommunio the user's home server;
        with Exchange whatever the administrator made the internal URL, often one name for all.
    :ivar mailbox_id: ``GUID@DOMAIN``, as in the query of MAPI over HTTP and of Outlook Anywhere.
    :ivar address: ``AutoDiscoverSMTPAddress``.
    """

    server: str
    mailbox_id: str | None
    address: str | None


@define
class _Text:
    """Character data of one element: its pieces, and at which byte each begins."""

    pieces: list[tuple[str, int]] = field(factory=list)

    @property
    def value(self) -> str:
        return "".join(piece for piece, _ in self.pieces).strip(_SPACE)

    def start(self) -> int | None:
        """The byte where :attr:`value` begins, if it begins in plain text; else ``None``."""
        for piece, at in self.pieces:
            bare = piece.lstrip(_SPACE)
            if bare:
                return at + len(piece) - len(bare)
        return None


@define
class _Protocol:
    """One Protocol element; *start* and *end* are bytes of the document."""

    start: int
    empty: bool
    mapi_http: bool
    end: int = 0
    kind: _Text = field(factory=_Text)
    server: _Text = field(factory=_Text)
    urls: list[tuple[tuple[str, str], _Text]] = field(factory=list)


class _Unreadable(Exception):
    """The document is not one that this file may judge."""


class _Reading:
    """One document, read. Attributes are filled by expat's calls."""

    def __init__(self, body: bytes) -> None:
        self.protocols: list[_Protocol] = []
        self.address = _Text()
        self.legacy_dn = _Text()
        self._body = body
        self._path: list[str] = []
        self._open: _Protocol | None = None
        self._texts: list[_Text | None] = []
        self._parser = parser = expat.ParserCreate("utf-8", " ")
        parser.buffer_text = False
        parser.XmlDeclHandler = self._declaration
        parser.StartDoctypeDeclHandler = self._doctype
        parser.StartElementHandler = self._begin
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._text
        parser.Parse(body, True)

    def _declaration(self, version: str, encoding: str | None, standalone: int) -> None:
        if (encoding and encoding.lower()) not in _ENCODINGS:
            raise _Unreadable

    def _doctype(self, *_: object) -> None:
        raise _Unreadable

    def _begin(self, spelt: str, attributes: dict[str, str]) -> None:
        namespace, _, name = spelt.rpartition(" ")
        # What is somebody else's has a name that none of ours has.
        self._path.append(name if namespace.startswith(_NAMESPACES) else spelt + " ")
        if len(self._path) > _DEEPEST:
            raise _Unreadable
        path = tuple(self._path)
        text: _Text | None = None
        protocol = self._open
        if path == _PROTOCOL:
            start = self._parser.CurrentByteIndex
            tag = _START_TAG.match(self._body, start)
            if tag is None:
                raise _Unreadable
            mapi_http = attributes.get("Type", "").strip(_SPACE).lower() == "mapihttp"
            self._open = _Protocol(start, tag[0].endswith(b"/>"), mapi_http, tag.end())
            self.protocols.append(self._open)
        elif protocol is not None:
            inside = path[len(_PROTOCOL) :]
            if inside == ("Type",):
                text = protocol.kind
            elif inside == ("Server",):
                text = protocol.server
            elif len(inside) == 2 and inside in _URLS:
                text = _Text()
                protocol.urls.append((_URLS[inside], text))
        elif path == (*_USER, "AutoDiscoverSMTPAddress"):
            text = self.address
        elif path == (*_USER, "LegacyDN"):
            text = self.legacy_dn
        self._texts.append(text)

    def _end(self, spelt: str) -> None:
        if tuple(self._path) == _PROTOCOL and self._open is not None:
            if not self._open.empty:
                self._open.end = self._body.index(b">", self._parser.CurrentByteIndex) + 1
            self._open = None
        self._path.pop()
        self._texts.pop()

    def _text(self, piece: str) -> None:
        text = self._texts[-1]
        if text is not None:
            text.pieces.append((piece, self._parser.CurrentByteIndex))


def _read(body: bytes) -> _Reading | None:
    # A NUL stands in every UTF-16 or UTF-32 document and in no UTF-8 one.
    if len(body) > LARGEST or b"\0" in body:
        return None
    try:
        return _Reading(body)
    except (_Unreadable, expat.ExpatError):
        return None


def mailbox_of(body: bytes) -> Mailbox | None:
    """Who the answer is about; ``None`` when it does not say, or cannot be read."""
    read = _read(body)
    if read is None or not (read.address.value or read.legacy_dn.value):
        return None
    return Mailbox(read.address.value or None, read.legacy_dn.value or None)


def home_of(body: bytes) -> Home | None:
    """Where the mailbox lives; ``None`` when the answer names no server or cannot be read.

    The mapiHttp element counts first (mail store before address book, internal before external),
    then the ``Server`` of EXCH: a host before Exchange 2013, ``GUID@DOMAIN`` since.
    """
    read = _read(body)
    if read is None:
        return None
    server = mailbox_id = None
    for protocol in read.protocols:
        if protocol.mapi_http:
            found = {place: text.value for place, text in protocol.urls}
            for url in [found[place] for place in _URLS if place in found]:
                host, query = _HOST.match(url), _MAILBOX_ID.search(url)
                server = server or (host[1].lower() if host else None)
                mailbox_id = mailbox_id or (unquote(query[1]) if query else None)
    for protocol in read.protocols:
        named = protocol.server.value
        if named and protocol.kind.value.upper() == "EXCH":
            if "@" in named:
                mailbox_id = mailbox_id or named
            else:
                server = server or named.lower()
    if server is None:
        return None
    return Home(server, mailbox_id, read.address.value or None)


def rewrite(body: bytes, internal: str | None, external: str | None) -> bytes:
    """The answer with mapiHttp URLs that lead to the published names.

    ``https://ex1.corp.test/mapi/emsmdb/?MailboxId=...`` becomes
    ``https://mail.example.com/mapi/emsmdb/?MailboxId=...`` for ``https://mail.example.com/mapi``. A
    URL is left as it is when it does not go on with ``/emsmdb`` or ``/nspi``, or when references or
    markup stand within the part to be replaced.

    :param internal: base of the InternalUrl elements; ``None`` leaves them.
    :param external: the same for ExternalUrl.
    :raise ValueError: a base is no plain ``http(s)://host[:port][/path]``.
    """
    bases = {"InternalUrl": internal, "ExternalUrl": external}
    for base in bases.values():
        if base is not None and not (base.isascii() and _BASE.match(base)):
            raise ValueError(f"{base!r} is not a URL under which MAPI over HTTP can be published")
    read = _read(body)
    if read is None:
        return body
    changes: list[tuple[int, int, bytes]] = []
    for protocol in read.protocols:
        for (_, name), text in protocol.urls if protocol.mapi_http else ():
            base, place, start = bases[name], _PLACE.match(text.value), text.start()
            if base is None or place is None or start is None:
                continue
            old = place[0].encode()
            if body.startswith(old, start):
                changes.append((start, start + len(old), base.rstrip("/").encode()))
    return _changed(body, changes)


def without_mapi_http(body: bytes) -> bytes:
    """The answer without its mapiHttp elements, as for a mailbox that may not use MAPI over HTTP.

    The answer of an Exchange that was told X-MapiHttpCapability may then offer nothing at all
    (2019 leaves EXCH and EXPR out): drop that header from the request as well.
    """
    read = _read(body)
    if read is None:
        return body
    return _changed(body, [(each.start, each.end, b"") for each in read.protocols if each.mapi_http])


def _changed(body: bytes, changes: list[tuple[int, int, bytes]]) -> bytes:
    pieces, done = [], 0
    for start, end, new in changes:
        pieces += [body[done:start], new]
        done = end
    return b"".join([*pieces, body[done:]]) if changes else body
