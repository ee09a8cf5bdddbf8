"""Logging in and out, and the colours: what anybody may do."""

from __future__ import annotations

from collections.abc import Mapping

from mapiproxy.admin.frame import THEMES, Frame, inside
from mapiproxy.admin.gate import Gate, Visitor
from mapiproxy.admin.message import Answer, Asked, see
from mapiproxy.admin.views import View


class Entrance:
    """The form for a token, and what little is set without one."""

    def __init__(self, gate: Gate, frame: Frame) -> None:
        self._gate = gate
        self._frame = frame
        self.seen: Mapping[str, View] = {"/login": self._login}
        self.done: Mapping[str, View] = {
            "/login": self._log_in,
            "/logout": self._log_out,
            "/theme": self._set_theme,
        }

    def _login(self, asked: Asked, visitor: Visitor) -> Answer:
        if not self._gate.keys.tokens:
            return see("/")
        to = inside(asked.fields().get("to", "/"))
        return self._frame.page(asked, "login.html", visitor, to=to, problem=None, outside=True)

    def _log_in(self, asked: Asked, visitor: Visitor) -> Answer:
        form = asked.form()
        to = inside(form.get("to", "/"))
        found = self._gate.log_in(asked, form.get("token", ""))
        if isinstance(found, Answer):
            problem = "That is not a token." if found.status == 401 else found.body.decode().strip()
            page = self._frame.page(
                asked, "login.html", visitor, code=found.status, to=to, problem=problem, outside=True
            )
            return Answer(page.status, page.body, page.kind, found.headers)
        return see(to, self._gate.cookie(asked, found))

    def _log_out(self, asked: Asked, visitor: Visitor) -> Answer:
        self._gate.log_out(asked)
        return see("/login")

    def _set_theme(self, asked: Asked, visitor: Visitor) -> Answer:
        form = asked.form()
        theme = form.get("theme", "")
        if theme not in THEMES:
            return self._frame.failed(asked, 400, "There are no such colours.")
        age = 366 * 86400 if theme else 0
        secure = "; Secure" if asked.secure else ""
        cookie = f"theme={theme}; Path=/; Max-Age={age}; HttpOnly; SameSite=Strict{secure}"
        return see(inside(form.get("to", "/")), ("Set-Cookie", cookie))
