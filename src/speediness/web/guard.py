"""Who may ask what: the first thing every request meets."""

import ipaddress
import secrets
import socket
from urllib.parse import parse_qs

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from speediness.web.settings import Settings, is_loopback

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
ONCE = ("host", "origin", "content-length", "cookie", OWN_HEADER)
"""Headers of which each reader would take another if they came twice."""
BODY_BYTES = 64 * 1024  # of any request but an upload


class Guard:
    """ASGI middleware that lets a request through only if this server's own page sent it.

    In order: the Host must be this server (else another name was pointed at it, DNS rebinding); Origin and
    Sec-Fetch-Site must not name another site; the token must be there if one is asked for; a change must
    bear our own header; its body must be small and of a known size.
    """

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
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
        refusal = self._refusal(scope, Headers(scope=scope))
        await (refusal or self._app)(scope, receive, _with_headers(send))

    def _refusal(self, scope: Scope, headers: Headers) -> Response | None:
        """What is said instead of passing the request on; None: nothing, it may pass."""
        if any(len(headers.getlist(name)) > 1 for name in ONCE):
            return _refuse(400, "a header came twice")
        if reason := self._foreign(headers):
            return _refuse(403, reason)
        if not self._has_token(headers):
            if self._token_in_address(scope):
                return self._admit()
            return _refuse(401, "open the address that speediness serve printed, with its token")
        return _unfit(scope, headers)

    def _foreign(self, headers: Headers) -> str | None:
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

    def _has_token(self, headers: Headers) -> bool:
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

    def _admit(self) -> Response:
        """Trade the token in the address for a cookie, so that it does not stay in the history."""
        answer = RedirectResponse("/", 303)
        answer.set_cookie(self._cookie, self._settings.token or "", httponly=True, samesite="strict")
        return answer


def _unfit(scope: Scope, headers: Headers) -> Response | None:
    """The answer to a request that is ours but not in order."""
    if scope["method"] in ("GET", "HEAD"):
        return None
    if OWN_HEADER not in headers:
        return _refuse(403, f"a request that changes something needs the header {OWN_HEADER}")
    if scope["path"] == UPLOAD_PATH:
        return None
    if "transfer-encoding" in headers:
        return _refuse(411, "say how long the request is")
    length = headers.get("content-length", "0")
    if not length.isdecimal() or int(length) > BODY_BYTES:
        return _refuse(413, "the request is too large")
    return None


def _with_headers(send: Send) -> Send:
    """Add what every answer carries."""

    async def guarded(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            headers.update(HEADERS)
            headers.setdefault("cache-control", "no-store")
        await send(message)

    return guarded


def _refuse(status: int, words: str) -> Response:
    return PlainTextResponse(f"{words}\n", status, {"connection": "close"})  # its body was not read
