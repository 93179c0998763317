"""Who is let in, without a server: the guard in front of an application that says yes to everything."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest
from anyio import run
from starlette.types import Receive, Scope, Send

from speediness.web.guard import Guard
from speediness.web.settings import Settings, is_loopback


async def yes(scope: Scope, receive: Receive, send: Send) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"yes"})


def ask(settings: Settings, path: str = "/", method: str = "GET", **headers: str) -> httpx.Response:
    async def one() -> httpx.Response:
        transport = httpx.ASGITransport(Guard(yes, settings))  # type: ignore[arg-type]
        async with httpx.AsyncClient(transport=transport, base_url="http://placeholder") as client:
            named = {name.replace("_", "-"): value for name, value in headers.items()}
            return await client.request(method, path, headers=named)

    return run(one)


def at(host: str, port: int = 8000, token: str | None = None) -> Settings:
    return Settings(Path("/films"), Path("/state"), host, port, token)


@pytest.mark.parametrize(
    ("listening_on", "asked_for", "allowed"),
    [
        ("127.0.0.1", "127.0.0.1:8000", True),
        ("127.0.0.1", "localhost:8000", True),
        ("127.0.0.1", "[::1]:8000", True),
        ("127.0.0.2", "127.0.0.2:8000", True),
        ("127.0.0.1", "127.0.0.2:8000", False),
        ("127.0.0.1", "192.168.0.9:8000", False),
        ("127.0.0.1", "localhost", False),
        ("127.0.0.1", "localhost.evil.example:8000", False),
        ("127.0.0.1", "", False),
        ("0.0.0.0", "192.168.0.9:8000", True),
        ("0.0.0.0", "[fe80::1]:8000", True),
        ("0.0.0.0", "evil.example:8000", False),
        ("films.example", "films.example:8000", True),
    ],
)
def test_the_name_asked_for_must_be_ours(listening_on: str, asked_for: str, allowed: bool) -> None:
    assert (ask(at(listening_on), host=asked_for).status_code == 200) == allowed


def test_the_usual_port_need_not_be_named() -> None:
    assert ask(at("127.0.0.1", 80), host="localhost").status_code == 200


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.9.1", "::1", "localhost"])
def test_loopback_needs_no_token(host: str) -> None:
    assert is_loopback(host)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.0.1", "example.org", "127.0.0.1.example.org"])
def test_anything_else_is_no_loopback(host: str) -> None:
    assert not is_loopback(host)


def test_the_token_is_traded_for_a_cookie_that_opens_the_door() -> None:
    settings = at("0.0.0.0", token="right-token")
    host = "192.168.0.9:8000"
    assert ask(settings, host=host).status_code == 401
    assert ask(settings, "/?token=wrong-token", host=host).status_code == 401
    assert ask(settings, "/?token=", host=host).status_code == 401
    assert ask(settings, "/api/films?token=right-token", host=host).status_code == 401
    admitted = ask(settings, "/?token=right-token", host=host)
    assert admitted.status_code == 303 and admitted.headers["location"] == "/"
    cookie = admitted.headers["set-cookie"]
    assert "httponly" in cookie.lower() and "samesite=strict" in cookie.lower()
    assert ask(settings, host=host, cookie=cookie.partition(";")[0]).status_code == 200
    assert ask(settings, host=host, cookie="speediness_8000=wrong").status_code == 401
    assert ask(settings, host=host, cookie="speediness_8000=").status_code == 401
    assert ask(settings, host=host, cookie="=;;\\\x7f").status_code == 401


@pytest.mark.parametrize("other", ['prefs={"a":1}', "a b=c", "theme=dark", "", "speediness_8000=stale"])
def test_cookies_of_other_servers_of_the_machine_do_not_lock_us_out(other: str) -> None:
    settings = at("0.0.0.0", token="right-token")
    ours = "speediness_8000=right-token"
    for cookie in (f"{other}; {ours}", f"{ours};{other}"):
        assert ask(settings, host="192.168.0.9:8000", cookie=cookie).status_code == 200
    foreign = f"{other}; speediness_8001=right-token"
    assert ask(settings, host="192.168.0.9:8000", cookie=foreign).status_code == 401


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"x_speediness": "1"}, 200),
        ({"x_speediness": "1", "origin": "http://127.0.0.1:8000"}, 200),
        ({"x_speediness": "1", "origin": "https://127.0.0.1:8000"}, 403),
        ({"x_speediness": "1", "sec_fetch_site": "cross-site"}, 403),
        ({"origin": "http://127.0.0.1:8000"}, 403),
        ({}, 403),
        ({"x_speediness": "1", "content_length": "65536"}, 200),
        ({"x_speediness": "1", "content_length": "65537"}, 413),
        ({"x_speediness": "1", "transfer_encoding": "chunked"}, 411),
    ],
)
def test_a_change_must_come_from_our_page(headers: dict[str, str], status: int) -> None:
    answer = ask(at("127.0.0.1"), "/api/x", "POST", host="127.0.0.1:8000", **headers)
    assert answer.status_code == status
