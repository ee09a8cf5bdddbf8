"""Which path is answered how: every request comes through here, and is let in or refused before it is obeyed.

GET and HEAD change nothing, whatever the path; what changes something is a POST that brings the key of the
visitor's own form. Must not know what the pages show.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from attrs import evolve

from mapiproxy.admin.gate import Gate, Visitor
from mapiproxy.admin.message import Answer, Asked, say
from mapiproxy.admin.rendering import read_files
from mapiproxy.admin.views import View, Views

#: On every answer: nothing is kept, framed, sniffed or fetched from elsewhere.
HEADERS = (
    ("Cache-Control", "no-store"),
    (
        "Content-Security-Policy",
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    ),
    ("X-Content-Type-Options", "nosniff"),
    ("X-Frame-Options", "DENY"),
    ("Referrer-Policy", "no-referrer"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
    ("Cross-Origin-Opener-Policy", "same-origin"),
    ("Permissions-Policy", "camera=(), geolocation=(), microphone=()"),
)


class Routes:
    """Answers requests.

    :param views: ``seen`` by GET; ``done`` by POST; those that are ``open`` need no log-in.
    :param bug: told of what went wrong inside.
    """

    def __init__(self, gate: Gate, views: Views, bug: Callable[[str], None]) -> None:
        self._gate = gate
        self.views = views
        self._bug = bug
        self.files = read_files()

    def answer(self, asked: Asked) -> Answer:
        """The answer, whatever was asked. Never raises."""
        try:
            found = self._answer(asked)
        except Exception:
            self._bug(f"bug in the status page, {asked.method} {asked.path[:80]!a}")
            found = say(500, "That went wrong inside mapiproxy; its log says how.")
        return evolve(found, headers=(*HEADERS, *found.headers))

    def _answer(self, asked: Asked) -> Answer:
        refused = self._gate.check_host(asked)
        if refused is None and asked.method != "POST":
            refused = self._gate.check_reader(asked)
        if refused is not None:
            return refused
        try:
            asked.fields()
        except ValueError:
            return say(400, "Too many fields.")
        name = asked.path.removeprefix("/files/")
        views = self.views
        ways: tuple[tuple[str, Mapping[str, View]], ...] = (("GET", views.seen), ("POST", views.done))
        known = [method for method, paths in ways if asked.path in paths]
        if name != asked.path and name in self.files:
            known = ["GET"]
        if not known:
            # Whoever is not let in learns nothing of which paths there are.
            return self._let_in(asked, lambda *_: views.failed(asked, 404, "There is no such page."))
        if "GET" in known:
            known.append("HEAD")
        if asked.method not in known:
            return say(405, "That cannot be done here.", ("Allow", ", ".join(sorted(known))))
        if name in self.files:
            kind, content = self.files[name]
            return Answer(200, content, kind)
        if asked.method == "POST":
            return self._do(asked, views.done[asked.path])
        return self._let_in(asked, views.seen[asked.path])

    def _let_in(self, asked: Asked, view: View) -> Answer:
        if asked.path in self.views.open:
            visitor: Visitor | Answer = self._gate.stranger(asked)
        else:
            visitor = self._gate.admit(asked)
        if isinstance(visitor, Answer):
            return visitor
        answer = view(asked, visitor)
        if visitor.new and answer.kind.startswith("text/html"):
            cookie = self._gate.cookie(asked, visitor.session)
            answer = evolve(answer, headers=(*answer.headers, cookie))
        return answer

    def _do(self, asked: Asked, view: View) -> Answer:
        refused = self._gate.check_origin(asked)
        if refused is not None:
            return refused

        def with_key(asked: Asked, visitor: Visitor) -> Answer:
            if visitor.script and asked.path.startswith("/api/"):
                return view(asked, visitor)  # which expects no form
            try:
                key = asked.form().get("key", "")
            except ValueError as error:
                return say(400, f"That is no form of this page: {error}")
            return self._gate.check_form(asked, visitor, key) or view(asked, visitor)

        return self._let_in(asked, with_key)
