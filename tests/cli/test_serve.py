from __future__ import annotations

import errno
import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path
from urllib.request import Request, urlopen

import pytest

from speediness.cli.main import main
from speediness.cli.serve import listening

SERVE = [sys.executable, "-m", "speediness.cli.main", "serve"]


def test_an_answer_does_not_wait_for_its_headers_to_arrive() -> None:
    with listening("127.0.0.1", 0) as listener, socket.create_connection(listener.getsockname()):
        line, _ = listener.accept()
        with line:
            assert line.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


def test_a_server_says_where_it_is_and_stops_on_ctrl_c(tmp_path: Path) -> None:
    (tmp_path / "film.mp4").write_bytes(b"x")
    with subprocess.Popen(
        [*SERVE, str(tmp_path), "--port", "0"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as server:
        assert server.stdout is not None and server.stderr is not None
        try:
            said = server.stdout.readline()
            address = said.removeprefix("speediness is at ").strip()
            assert address.startswith("http://127.0.0.1:") and "token" not in address
            with urlopen(f"{address}api/films", timeout=30) as answer:
                assert [video["name"] for video in json.load(answer)] == ["film.mp4"]
            assert (tmp_path / ".speediness" / "speediness.db").exists()
        finally:
            server.send_signal(signal.SIGINT)
        assert server.wait(30) == 130
        assert server.stderr.read() == "speediness: stopped; nothing half written was left\n"


def test_other_machines_need_a_token(tmp_path: Path) -> None:
    with subprocess.Popen(
        [*SERVE, str(tmp_path), "--port", "0", "--host", "0.0.0.0"], stdout=subprocess.PIPE, text=True
    ) as server:
        assert server.stdout is not None
        try:
            address = server.stdout.readline().split()[-1]
            port, token = address.rpartition(":")[2].split("/?token=")
            assert len(token) >= 32
            with pytest.raises(OSError, match="401"):
                urlopen(f"http://127.0.0.1:{port}/api/films", timeout=30)
            cookie = {"Cookie": f"speediness_{port}={token}"}
            with urlopen(
                Request(f"http://127.0.0.1:{port}/api/films", headers=cookie), timeout=30
            ) as answer:
                assert json.load(answer) == []
        finally:
            server.terminate()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["no-such-folder"], "is not a folder"),
        ([".", "--max-upload", "0"], "must be above 0"),
        ([".", "--max-minutes", "-3"], "must be above 0"),
        ([".", "--port", "70000"], "choose another --port"),
        ([".", "--host", "203.0.113.7"], "choose another --port or --host"),
        ([".", "--state", "film.txt/state"], "cannot make the folder"),
    ],
)
def test_what_cannot_be_served_is_one_line(
    arguments: list[str],
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "film.txt").touch()
    assert main(["serve", *arguments]) == 2
    err = capsys.readouterr().err
    assert len(err.splitlines()) == 1 and message in err


def test_a_taken_port_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        assert main(["serve", str(tmp_path), "--port", str(taken.getsockname()[1])]) == 2
    err = capsys.readouterr().err
    assert len(err.splitlines()) == 1 and os.strerror(errno.EADDRINUSE) in err
