"""Every verb in a home of its own: nobody is told, and nothing is left outside the cache and the output."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from urllib.request import Request, urlopen

import numpy as np
import pytest

from synthetic import steady, tone, write_video

CALLS = "connect,sendto,sendmsg,sendmmsg,open,openat,creat,mkdir,mkdirat,rename,renameat,renameat2"
ELSEWHERE = re.compile(r"sa_family=AF_INET6?\b.*")
NAMES = re.compile(r'"((?:[^"\\]|\\.)*)"')
# Devices, and the operating system's own list of fonts, which it renews when it is asked for.
THE_SYSTEMS = re.compile(r"/(dev|proc)/|.*/fontconfig/")
ENGINES = [engine for engine, package in {"onnx": "onnxruntime", "openvino": "openvino"}.items()
           if find_spec(package)]  # fmt: skip

TIMEOUT_S = 250

needs_lancedb = pytest.mark.skipif(not find_spec("lancedb"), reason="lancedb is not installed")


@dataclass(frozen=True)
class Home:
    """A user with nothing but a video in ``work``."""

    root: Path

    @property
    def work(self) -> Path:
        return self.root / "work"

    @property
    def trace(self) -> Path:
        return self.root / "trace"

    def start(self, arguments: list[str]) -> subprocess.Popen[str]:
        """Start the program in ``work``; under strace where that is installed."""
        environment = {
            name: value
            for name, value in os.environ.items()
            if name
            not in {
                "SPEEDINESS_CACHE",
                "XDG_CACHE_HOME",
                "MPLCONFIGDIR",
                "TORCHINDUCTOR_CACHE_DIR",  # set where an earlier test ran the program in this process
                "ORT_DISABLE_TELEMETRY",
                "CI",
            }
        }
        environment |= {
            "HOME": str(self.root / "home"),
            "TMPDIR": str(self.root / "temporary"),
            "PYTHONDONTWRITEBYTECODE": "1",
        }
        tracing = [
            "strace",
            "-f",
            "-qq",
            "--seccomp-bpf",
            "-e",
            f"trace={CALLS}",
            "-A",
            "-o",
            str(self.trace),
        ]
        return subprocess.Popen(
            [*(tracing if shutil.which("strace") else []), *arguments],
            cwd=self.work,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def run(self, *arguments: str, code: int = 0) -> None:
        """Run one command that must end so."""
        program = self.start([sys.executable, "-m", "speediness.cli.main", *arguments])
        said = program.communicate(timeout=TIMEOUT_S)
        assert program.returncode == code, said

    def contacts(self) -> list[str]:
        """Other machines, name servers included, that were called."""
        found = (ELSEWHERE.search(line) for line in self._calls())
        return [match.group() for match in found if match]

    def foreign_files(self) -> list[str]:
        """What was made outside the cache and the output, or left where temporary files are."""
        ours = (self.root / "home/.cache/speediness", self.work, self.root / "temporary")
        made = {Path(self.work, name) for line in self._calls() for name in _made(line)}
        for folder in ("home", "temporary"):
            made |= {path for path in (self.root / folder).rglob("*") if not path.is_dir()}
        left = {path for path in made if path.is_relative_to(ours[-1]) and path.exists()}
        foreign = {path for path in made if not any(map(path.is_relative_to, ours))}
        return sorted(
            str(path)
            for path in foreign | left
            if not THE_SYSTEMS.match(str(path)) and path != self.root / "home/.cache"
        )

    def _calls(self) -> list[str]:
        return self.trace.read_text(errors="replace").splitlines() if self.trace.exists() else []


def _made(line: str) -> list[str]:
    """Names that a successful call made."""
    call = line.partition(" ")[2].strip()
    if " = -1 " in call or call.startswith("<..."):
        return []
    names = [name.encode().decode("unicode_escape") for name in NAMES.findall(call)]
    if call.startswith("rename"):
        return names[1:]
    return names[:1] if call.startswith(("creat", "mkdir")) or "O_CREAT" in call else []


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    """After the test: nobody was told and nothing lies about."""
    home = Home(tmp_path)
    for folder in ("home", "temporary", "work"):
        (tmp_path / folder).mkdir()
    textured = np.random.default_rng(0).integers(0, 255, (64, 96, 3)).astype(np.uint8)
    write_video(
        home.work / "walk.mp4",
        steady(50, 25),
        draw_frame=lambda n: np.roll(textured, n, 1),
        sound_CN=tone(2),
    )
    yield home
    assert home.contacts() == []
    assert home.foreign_files() == []


@pytest.mark.parametrize("engine", ENGINES)
def test_analyse(home: Home, engine: str) -> None:
    home.run("analyse", "walk.mp4", "--engine", engine)


def test_a_folder(home: Home) -> None:
    home.run("analyse", ".", "--batch", "-o", "report")
    home.run("cache")
    home.run("cache", "clear")


def test_speedup_and_heatmap(home: Home) -> None:
    home.run("speedup", "walk.mp4", "--rate", "2", "-o", "fast.mp4")
    home.run("heatmap", "walk.mp4", "-o", "heat.mp4", "--strip", "heat.png")


def test_search(home: Home) -> None:
    home.run("search", "walk.mp4", "--query", "0.2-0.8", "-o", "found")


@needs_lancedb
@pytest.mark.slow
def test_a_library(home: Home) -> None:
    home.run("index", ".", "--db", "library")
    home.run("search", "walk.mp4", "--db", "library", "-o", "found")
    home.run("export", "--db", "library", "-o", "library.csv", "--format", "csv")


def test_evaluate(home: Home) -> None:
    write_video(home.work / "long.mp4", steady(110, 25))  # a window at 2x lasts four seconds
    home.run("evaluate", "speed", "--data", ".", "--plot", "reliability.png")


def test_audit_and_reproduce(home: Home) -> None:
    home.run("reproduce", "fig4", "walk.mp4", "-o", "fig4.png")
    home.run(
        "audit", "speednet-small", "--data", ".", code=2
    )  # all changes are made and scored; no window at 2x fits


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_train_probe_and_finetune(home: Home) -> None:
    (home.work / "walk.mp4").unlink()
    rows = ["file,split,source,label"]
    for n in range(8):
        texture = np.random.default_rng(n).integers(0, 255, (96, 128, 3)).astype(np.uint8)
        write_video(
            home.work / f"{n}.mp4",
            steady(75, 25),
            width_px=128,
            height_px=96,
            draw_frame=lambda i, n=n, texture=texture: np.roll(texture, i * (1 + n % 2), 1),
        )
        rows.append(f"{n}.mp4,{'test' if n in (3, 6) else 'train'},source-{n},{('swim', 'walk')[n % 2]}")
    (home.work / "videos.csv").write_text("\n".join(rows))
    little = [f"--set={setting}" for setting in ("steps=1", "validation_share=0.4", "compiled=false")]
    home.run("train", "smoke", "--data", ".", "--out", "run", *little)
    home.run("probe", "run/network.safetensors", "--data", "videos.csv", "--cache", "clips")
    small = ["--set=size_px=32", "--set=windows=1", "--set=width=0.125", "--set=init="]
    home.run("finetune", "finetune_small", "--data", "videos.csv", "--out", "fine", *little, *small)


def test_the_page_and_its_workers(home: Home) -> None:
    server = home.start([sys.executable, "-m", "speediness.cli.main", "serve", "--port", "0"])
    assert server.stdout is not None
    try:
        address = server.stdout.readline().split()[-1]

        def ask(path: str, body: object = None) -> str:
            content = None if body is None else json.dumps(body).encode()
            headers = {"X-Speediness": "1", "Content-Type": "application/json"}
            with urlopen(Request(address + path, content, headers), timeout=60) as answer:
                return answer.read().decode()

        ask("")
        video = json.loads(ask("api/films"))[0]["id"]
        for kind in ("look", "analyse"):
            job = json.loads(ask(f"api/films/{video}/jobs", {"kind": kind}))
            while job["active"]:
                time.sleep(0.5)
                job = json.loads(ask(f"api/jobs/{job['id']}"))
            assert job["state"] == "done", job
    finally:
        os.killpg(server.pid, signal.SIGINT)
        server.communicate(timeout=60)


def test_the_guard_sees_what_it_is_there_for(tmp_path: Path) -> None:
    home = Home(tmp_path)
    for folder in ("home", "temporary", "work"):
        (tmp_path / folder).mkdir()
    program = "import pathlib, socket; pathlib.Path.home().joinpath('mine').touch()\n"
    program += "socket.socket(socket.AF_INET, socket.SOCK_DGRAM).connect(('127.0.0.1', 9))"
    home.start([sys.executable, "-c", program]).communicate(timeout=60)
    assert home.foreign_files() == [str(tmp_path / "home/mine")]
    assert len(home.contacts()) == (1 if shutil.which("strace") else 0)
