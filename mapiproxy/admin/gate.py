"""May this request be answered at all? Host, origin, token, log-in and form key are looked at here.

The host protects against DNS rebinding: a page of somebody else whose name was made to point here has that
name in Host. Origin, Sec-Fetch-Site and the key in each form protect against pages that send forms here,
or fetch ours. A script that sends its token in Authorization needs no such key: no page can make a browser
do that.
"""

from __future__ import annotations

import hmac
import ipaddress
from collections.abc import Callable
from typing import Protocol
from urllib.parse import quote

from attrs import evolve, field, frozen

from mapiproxy.admin.access import Logins, Slowness, Tokens
from mapiproxy.admin.message import Answer, Asked, say, see

_LOOPBACK_NAMES = {"localhost", "127.0.0.1", "[::1]"}
#: Paths that people have not opened in a browser: there a log-in form helps nobody.
_FOR_SCRIPTS = ("/api/", "/metrics", "/fragment/")


class Note(Protocol):
    """Writes a line into the log."""

    def __call__(self, text: str) -> None: ...


@frozen
class Keys:
    """What is asked for; a reload may change it.

    :ivar names: host names that the page may be asked for by, beside its address.
    :ivar read_only: nothing can be ordered.
    """

    tokens: Tokens = field(factory=Tokens)
    names: tuple[str, ...] = ()
    read_only: bool = False


@frozen
class Visitor:
    """Who asks, as far as it matters.

    :ivar session: the id in the browser's cookie; ``new`` when it has yet to be told.
    :ivar script: it gave a token with the request itself.
    :ivar name: for the log.
    """

    session: str = field(repr=False)
    new: bool
    script: bool
    name: str


class Gate:
    """Lets requests in, or says why not."""

    def __init__(
        self, keys: Keys, clock: Callable[[], float], chance: Callable[[int], bytes], note: Note
    ) -> None:
        self.keys = keys
        self._logins = Logins(clock, chance)
        self._slowness = Slowness(clock)
        self._secret = chance(32)
        self._note = note
        self._clock = clock
        self._quiet_until = 0.0

    @staticmethod
    def cookie(asked: Asked, session: str) -> tuple[str, str]:
        """The header that tells a browser its session."""
        name = _cookie_name(asked)
        return "Set-Cookie", f"{name}={session}; Path=/; Secure; HttpOnly; SameSite=Strict"

    def form_key(self, visitor: Visitor) -> str:
        """What each form of this visitor has to bring back."""
        return hmac.new(self._secret, visitor.session.encode(), "sha256").hexdigest()

    def check_host(self, asked: Asked) -> Answer | None:
        """A refusal where the request is for another host."""
        host = asked.get("host").strip().lower()
        name, _ = _split_port(host)
        here = asked.here.partition("%")[0].lower()
        mine = {f"[{here}]" if ":" in here else here, *(each.lower() for each in self.keys.names)}
        if _is_loopback(here):
            mine |= _LOOPBACK_NAMES
        if name in mine:
            return None
        self._refused(f"refused a request of {asked.peer} for the host {host[:80]!a}")
        return say(421, "This is not that host. Other names of this page are listed in [admin] names.")

    def admit(self, asked: Asked) -> Visitor | Answer:
        """Who it is; or what to answer instead of what was asked for."""
        session = asked.cookie(_cookie_name(asked))
        scheme, _, token = asked.get("authorization").partition(" ")
        who = f"{asked.peer} ({asked.subject})" if asked.subject else asked.peer
        if not self.keys.tokens:
            return evolve(self.stranger(asked), name=who)
        if scheme.lower() == "bearer":
            found = self._try(asked, token.strip(), who)
            return found if isinstance(found, Answer) else Visitor("", False, True, who)
        if session and self._logins.holds(session, self.keys.tokens):
            return Visitor(session, False, False, who)
        if asked.path.startswith(_FOR_SCRIPTS):
            return _unauthorized()
        if asked.method in ("GET", "HEAD"):
            wanted = asked.path + (f"?{asked.query}" if asked.query else "")
            return see(f"/login?to={quote(wanted, safe='')}" if wanted != "/" else "/login")
        return _unauthorized()

    def stranger(self, asked: Asked) -> Visitor:
        """Somebody who need not be let in."""
        session = asked.cookie(_cookie_name(asked))
        known = len(session) == 64 and session.isalnum()
        return Visitor(session if known else self._logins.new_id(), not known, False, asked.peer)

    def log_in(self, asked: Asked, token: str) -> str | Answer:
        """The id of a session, for a token that is right; otherwise the refusal (401 or 429)."""
        found = self._try(asked, token.strip(), asked.peer)
        if isinstance(found, Answer):
            return found
        self.log_out(asked)
        self._note(f"logged in from {asked.peer}")
        return self._logins.begin(found)

    def log_out(self, asked: Asked) -> None:
        session = asked.cookie(_cookie_name(asked))
        if session:
            self._logins.end(session)

    def _try(self, asked: Asked, token: str, who: str) -> bytes | Answer:
        wait = self._slowness.wait(asked.peer)
        if wait > 0:
            seconds = str(int(wait) + 1)
            return say(429, f"Too many wrong tokens; wait {seconds} s.", ("Retry-After", seconds))
        found = self.keys.tokens.find(token)
        if found is None:
            count = self._slowness.failed(asked.peer)
            self._note(f"wrong token from {who}, {count} in a row")
            return _unauthorized()
        self._slowness.succeeded(asked.peer)
        return found

    def check_reader(self, asked: Asked) -> Answer | None:
        """A refusal where a page of somebody else fetches this in its visitor's name; a link may be followed.

        It could not read the answer, but make us work for it, as often as it likes.
        """
        site = asked.get("sec-fetch-site").lower()
        if not site or site in ("same-origin", "none"):
            return None
        way = asked.get("sec-fetch-mode").lower(), asked.get("sec-fetch-dest").lower()
        if way == ("navigate", "document"):
            return None
        return self._forged(asked, f"Sec-Fetch-Site is {site[:40]!a}")

    def check_origin(self, asked: Asked) -> Answer | None:
        """A refusal where a page of somebody else sent this."""
        site = asked.get("sec-fetch-site").lower()
        if site and site not in ("same-origin", "none"):
            return self._forged(asked, f"Sec-Fetch-Site is {site[:40]!a}")
        origin = asked.get("origin")
        # Forms of pages with our Referrer-Policy come with "null" (Fetch, 3.2): the other has to say.
        if origin and not (origin == "null" and site == "same-origin"):
            scheme = "https" if asked.secure else "http"
            if origin.lower() != f"{scheme}://{asked.get('host').strip().lower()}":
                return self._forged(asked, f"Origin is {origin[:80]!a}")
        return None

    def check_form(self, asked: Asked, visitor: Visitor, key: str) -> Answer | None:
        """A refusal where this form was not made for this visitor."""
        if visitor.script or hmac.compare_digest(self.form_key(visitor).encode(), key.encode()):
            return None
        return self._forged(asked, "the form's key is not this session's")

    def _forged(self, asked: Asked, why: str) -> Answer:
        self._refused(f"refused {asked.method[:20]!a} {asked.path[:80]!a} of {asked.peer}: {why}")
        return say(403, f"Refused: {why}. Load the page again, and send its own form.")

    def _refused(self, text: str) -> None:
        """Note a refusal that anybody can cause, one in a second at most."""
        now = self._clock()
        if now >= self._quiet_until:
            self._quiet_until = now + 1
            self._note(text)


def _unauthorized() -> Answer:
    return say(401, "A token is needed.", ("WWW-Authenticate", 'Bearer realm="mapiproxy"'))


def _cookie_name(asked: Asked) -> str:
    """With TLS one that a browser takes from this very host alone (RFC 6265bis 4.1.3.2)."""
    return "__Host-mapiproxy" if asked.secure else "mapiproxy"


def _split_port(host: str) -> tuple[str, str]:
    """``name:port``; a port that is none stays part of the name, which then is nobody's."""
    name, colon, port = host.rpartition(":")
    if colon and not port.strip("0123456789") and not (":" in name and not name.endswith("]")):
        return name, port
    return host, ""


def _is_loopback(address: str) -> bool:
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False
