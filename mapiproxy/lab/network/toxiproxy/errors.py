"""What goes wrong in the API, in Toxiproxy's words and with its status."""

from __future__ import annotations

from typing import Any


class ApiError(Exception):
    """An answer that is not what was asked for."""

    def __init__(self, text: str, status: int) -> None:
        super().__init__(text)
        self.text = text
        self.status = status

    def plain(self) -> dict[str, Any]:
        """As the API shows it."""
        return {"error": self.text, "status": self.status}


def bad_body(why: str) -> ApiError:
    return ApiError(f"bad request body: {why}", 400)


def missing(field: str) -> ApiError:
    return ApiError(f"missing required field: {field}", 400)


def no_proxy() -> ApiError:
    return ApiError("proxy not found", 404)


def proxy_exists() -> ApiError:
    return ApiError("proxy already exists", 409)


def bad_stream() -> ApiError:
    return ApiError("stream was invalid, can be either upstream or downstream", 400)


def bad_type() -> ApiError:
    return ApiError("invalid toxic type", 400)


def toxic_exists() -> ApiError:
    return ApiError("toxic already exists", 409)


def no_toxic() -> ApiError:
    return ApiError("toxic not found", 404)
