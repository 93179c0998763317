"""Every command of the documentation is known and runs; the site builds and loads nothing from elsewhere.

A block that cannot run in a test stands under a comment with the reason, ``<!-- not run: REASON -->``. Its
commands are still held against the command line.
"""

import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from speediness.cli.main import app
from synthetic import drifting_frame, steady, tone, write_video

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
BLOCK = re.compile(r"(?:<!-- not run: (.+?) -->\n)?^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)
PROGRAMS = ("speediness", "python", "pip", "make", "ray", "torchrun", "cat", "tar", "scripts/")
HELD_ELSEWHERE = {
    "many.md": "many",
    "pacing.md": "pacing",
    "restore.md": "restore",
    "timelines.md": "timelines",
    "tracks.md": "tracks",
}
"""Pages whose examples a test of their own runs and looks at closely: tests/cli/test_NAME_page.py."""
VIDEOS = "video a b lecture match rehearsal premiere step other clip videos/a videos/b videos/c videos/d"


@dataclass(frozen=True)
class Block:
    """Commands, or a program in Python."""

    language: str
    text: str
    not_run: str | None

    def commands(self) -> Iterator[list[str]]:
        """The words of each command, comments and pipes taken apart."""
        for line in self.text.replace("\\\n", " ").splitlines():
            words = shlex.split(line, comments=True)
            while words:
                end = next((i for i, word in enumerate(words) if word in ("|", "&&", ">")), len(words))
                if words[:end]:
                    yield words[:end]
                words = words[end + 1 :]


def blocks(page: Path) -> list[Block]:
    """All that is Python, or begins with a program."""
    found = [Block(language, text, why or None) for why, language, text in BLOCK.findall(page.read_text())]
    return [
        block
        for block in found
        if block.language == "python"
        or (block.language in ("", "sh") and block.text.lstrip("# \n").startswith(PROGRAMS))
        or block.language == "sh"
    ]


def name(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_every_command_is_one_that_there_is(page: Path) -> None:
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    for block in blocks(page):
        for words in () if block.language == "python" else block.commands():
            if words[0] == "speediness" and words[1:] != ["--help"]:
                app.parse_args(["./-" if word == "-" else word for word in words[1:]])
            elif words[0] == "python" and words[1].endswith(".py"):
                assert (ROOT / words[1]).exists(), words
            elif "/" in words[0] and not words[0].startswith(".venv/"):
                assert (ROOT / words[0]).exists(), words
            elif words[:2] == ["pip", "install"]:
                for extra in re.findall(r"\[(.*)\]", " ".join(words)):
                    assert set(extra.split(",")) <= extras.keys(), words


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the videos that the pages name: one of six seconds under many names."""
    folder = tmp_path_factory.mktemp("work")
    (folder / "videos").mkdir()
    clip = write_video(
        folder / "clip.mp4",
        steady(150),
        width_px=148,
        height_px=112,
        draw_frame=lambda i: drifting_frame(12 * np.sin(i / 4)),
        sound_CN=tone(6),
    )
    for video in VIDEOS.split():
        if video != "clip":
            shutil.copy(clip, folder / f"{video}.mp4")
    mask = np.zeros((112, 148), np.uint8)
    mask[40:80, 40:90] = 255
    Image.fromarray(mask).save(folder / "first.png")
    return folder


RUN = [
    page
    for page in PAGES
    if page.name not in HELD_ELSEWHERE and any(block.not_run is None for block in blocks(page))
]


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("page", RUN, ids=name)
def test_the_commands_of_a_page_run(page: Path, work: Path, tmp_path: Path) -> None:
    """From the top to the bottom of the page, in a copy of the folder."""
    shutil.copytree(work, tmp_path, dirs_exist_ok=True)
    environment = os.environ | {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT / "src"),
        "SPEEDINESS_CACHE": str(work / "cache"),
    }
    for block in blocks(page):
        if block.not_run:
            continue
        if block.language == "python":
            command = [sys.executable, "-c", block.text]
        elif block.text.startswith("speediness serve"):
            serve_and_stop(block.text, tmp_path, environment)
            continue
        else:
            command = ["bash", "-euo", "pipefail", "-c", block.text]
        run = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)
        assert run.returncode == 0, f"{block.text}\n{run.stdout}\n{run.stderr}"


def serve_and_stop(text: str, folder: Path, environment: dict[str, str]) -> None:
    words = [*shlex.split(text.replace("~", str(folder)), comments=True), "--port", "0"]
    with subprocess.Popen(words, cwd=folder, env=environment, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        said = server.stdout.readline()
        server.send_signal(signal.SIGTERM)  # a job in the background ignores SIGINT
        server.communicate()
    assert said.startswith("speediness is at http://127.0.0.1:")
    assert server.returncode in (0, 130)


def test_pages_held_elsewhere_are() -> None:
    for page, test in HELD_ELSEWHERE.items():
        assert page in (ROOT / "tests" / "cli" / f"test_{test}_page.py").read_text()


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_the_site_builds_and_loads_nothing_from_elsewhere(tmp_path: Path) -> None:
    """Strict: a link, an anchor, or a name of code that is not there fails the build."""
    pytest.importorskip("mkdocs", reason='pip install "speediness[docs]"')
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(tmp_path)]
    environment = os.environ | {"PYTHONPATH": str(ROOT / "src"), "NO_MKDOCS_2_WARNING": "1"}
    run = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    built = list(tmp_path.rglob("*.html"))
    assert {"index.html", "cli.html", "model-card.html"} <= {page.name for page in built}
    loaded = re.compile(r"""<(?:script|link|img|iframe)\b[^>]*?(?:src|href)=["']?(https?:)?//[^"'>]*""")
    for page in built:
        assert not (found := loaded.search(page.read_text())), f"{page}: {found and found[0]}"
