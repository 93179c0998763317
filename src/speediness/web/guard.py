"""Who may ask what: the first thing every request meets."""

from __future__ import annotations

import ipaddress
import secrets
import socket
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any
from urllib.parse import parse_qs

from speediness.web.settings import Settings, is_loopback

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; media-src 'self';"
    " connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none';"
    " require-trusted-types-for 'script'; trusted-types 'none'"
)
HEADERS = {
    "content-security-policy": POLICY,
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-resource-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "permissions-policy": "camera=(), microphone=(), geolocation=()",
}
OWN_HEADER = "x-speediness"
"""On every request that changes something: a page from elsewhere may not send it."""
UPLOAD_PATH = "/api/uploads"
BODY_BYTES = 64 * 1024  # of any request but an upload


class Guard:
    """ASGI middleware that lets a request through only if this server's own page sent it.

    In order: the Host must be this server (else another name was pointed at it, DNS rebinding);
    Origin and Sec-Fetch-Site must not name another site; the token must be there if one is asked
    for; a change must bear our own header; its body must be small and of a known size.

    Args:
        app: what is guarded.
        settings: address and token.
    """

    def __init__(self, app: App, settings: Settings) -> None:
        self._app, self._settings = app, settings
        self._cookie = f"speediness_{settings.port}"  # cookies do not tell ports apart

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or answer it with a refusal."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] != "http":
            await send({"type": "websocket.close", "code": 1008})
            return
        headers = _single_headers(scope["headers"])
        guarded = _with_headers(send)
        if headers is None:
            await _answer(guarded, 400, "a header came twice")
        elif refusal := self._foreign(headers):
            await _answer(guarded, 403, refusal)
        elif not self._has_token(headers):
            if self._token_in_address(scope):
                await self._admit(guarded)
            else:
                await _answer(
                    guarded, 401, "open the address that speediness serve printed, with its token"
                )
        elif refusal := _unfit(scope, headers):
            await _answer(guarded, *refusal)
        else:
            await self._app(scope, receive, guarded)

    def _foreign(self, headers: Mapping[str, str]) -> str | None:
        """Why a request does not come from our own page, None if it does."""
        host = headers.get("host", "")
        if not self._is_our_name(host):
            return "this server does not go by that name; use the address it printed"
        if headers.get("origin", f"http://{host}") != f"http://{host}":
            return "requests from other sites are not obeyed"
        if headers.get("sec-fetch-site", "none") not in ("same-origin", "none"):
            return "requests from other sites are not obeyed"
        return None

    def _is_our_name(self, host: str) -> bool:
        name, colon, port = host.rpartition(":")
        if not colon or port.endswith("]"):  # no port: an IPv6 address ends in a bracket
            name, port = host, "80"
        if port != str(self._settings.port):
            return False
        if is_loopback(self._settings.host):
            return name in ("localhost", "127.0.0.1", "[::1]") or name.strip("[]") == self._settings.host
        # Which addresses this machine has is not for us to know, but rebinding takes a name.
        ours = socket.gethostname().lower()
        if name.lower() in (self._settings.host.lower(), ours, f"{ours}.local", "localhost"):
            return True
        try:
            ipaddress.ip_address(name.strip("[]"))
        except ValueError:
            return False
        return True

    def _has_token(self, headers: Mapping[str, str]) -> bool:
        if self._settings.token is None:
            return True
        # SimpleCookie drops them all for one it dislikes, and other servers of this machine set theirs too.
        pairs = [pair.strip().partition("=") for pair in headers.get("cookie", "").split(";")]
        return any(name == self._cookie and self._is_token(value) for name, _, value in pairs)

    def _token_in_address(self, scope: Scope) -> bool:
        query = parse_qs(scope["query_string"].decode("ascii", "replace"))
        return scope["path"] == "/" and self._is_token(query.get("token", [""])[0])

    def _is_token(self, text: str) -> bool:
        return secrets.compare_digest(text.encode(), (self._settings.token or "").encode())

    async def _admit(self, send: Send) -> None:
        """Trade the token in the address for a cookie, so that it does not stay in the history."""
        cookie = f"{self._cookie}={self._settings.token}; HttpOnly; SameSite=Strict; Path=/"
        headers = [(b"location", b"/"), (b"set-cookie", cookie.encode())]
        await send({"type": "http.response.start", "status": 303, "headers": headers})
        await send({"type": "http.response.body", "body": b""})


def _single_headers(pairs: list[tuple[bytes, bytes]]) -> dict[str, str] | None:
    """Headers by name; None if one that matters here comes twice, of which each reader takes another."""
    headers: dict[str, str] = {}
    for key, value in pairs:
        name = key.decode("latin-1").lower()
        if name in headers and name in ("host", "origin", "content-length", "cookie", OWN_HEADER):
            return None
        headers[name] = value.decode("latin-1")
    return headers


def _unfit(scope: Scope, headers: Mapping[str, str]) -> tuple[int, str] | None:
    """Status and words for a request that is ours but not in order."""
    if scope["method"] in ("GET", "HEAD"):
        return None
    if OWN_HEADER not in headers:
        return 403, f"a request that changes something needs the header {OWN_HEADER}"
    if scope["path"] == UPLOAD_PATH:
        return None
    if "transfer-encoding" in headers:
        return 411, "say how long the request is"
    length = headers.get("content-length", "0")
    if not length.isdecimal() or int(length) > BODY_BYTES:
        return 413, "the request is too large"
    return None


def _with_headers(send: Send) -> Send:
    """Add what every answer carries."""

    async def guarded(message: Message) -> None:
        if message["type"] == "http.response.start":
            present = {name.lower() for name, _ in message["headers"]}
            ours = [(name.encode(), value.encode()) for name, value in HEADERS.items()]
            if b"cache-control" not in present:
                ours.append((b"cache-control", b"no-store"))
            message["headers"] = [*message["headers"], *ours]
        await send(message)

    return guarded


async def _answer(send: Send, status: int, words: str) -> None:
    body = f"{words}\n".encode()
    headers = [
        (b"content-type", b"text/plain; charset=utf-8"),
        (b"content-length", str(len(body)).encode()),
        (b"connection", b"close"),  # its body was not read
    ]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
