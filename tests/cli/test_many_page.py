import json
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from command_line import DOCS, examples, refused
from speediness.cli.main import main
from speediness.video.reader import VideoReader
from synthetic import steady, write_video

(PIPED,) = re.findall(r"^(cat .*)$", (DOCS / "many.md").read_text(), re.MULTILINE)
MADE = (
    {"a.mp4", "c.mp4", "more/b.mkv"},
    {"a.mp4"},
    {"a.mp4", "b.mkv"},
)


@pytest.fixture
def videos(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Three that can be read, and the folder they lie in."""
    folder = tmp_path / "videos"
    (folder / "more").mkdir(parents=True)
    for name in ("a.mp4", "c.avi", "more/b.mkv"):
        write_video(folder / name, steady(30))
    monkeypatch.chdir(tmp_path)
    return folder


def made(folder: Path) -> set[str]:
    found = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    return {name for name in found if not name.endswith((".json", ".png"))}


@pytest.mark.parametrize(("example", "names"), list(zip(examples("many.md"), MADE, strict=True)))
def test_the_examples_work(
    example: str, names: set[str], videos: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = shlex.split(example)
    assert main(words) == 0
    out, err = capsys.readouterr()
    assert made(Path("fast")) == names
    assert all(len(list(VideoReader(Path("fast", name)).decoded())) == 15 for name in names)
    assert out.count("becomes") == len(names)
    if "none" in words:
        assert err == ""
    elif "json" in words:
        lines = [json.loads(line) for line in err.splitlines()]
        last = [line for line in lines if line["done_s"] == line["total_s"]]
        assert {(line["doing"], line["name"]) for line in last} >= {("rendering", n) for n in names}
    before = {name: Path("fast", name).stat().st_mtime_ns for name in names}
    assert main(words) == 0
    assert before == {name: Path("fast", name).stat().st_mtime_ns for name in names}
    assert capsys.readouterr().out.count("skipped") == len(names)


def test_a_pipe_in_and_out(videos: Path) -> None:
    command = PIPED.replace("speediness", f"{sys.executable} -m speediness.cli.main")
    run = subprocess.run(command, shell=True, capture_output=True, check=True)
    assert run.stdout == b""
    assert len(list(VideoReader(Path("fast.mkv")).decoded())) == 15
    assert {path.name for path in Path().iterdir()} == {"videos", "fast.mkv"}


def test_outputs_within_the_folder_are_no_input_and_failures_stop_nobody(
    videos: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (videos / "bad.mp4").write_bytes(b"no video")
    command = ["speedup", "videos", "--rate", "2", "-o", "videos/fast", "--json"]
    assert main(command) == 2
    document = json.loads(capsys.readouterr().out)
    assert made(videos / "fast") == MADE[0] and len(document["films"]) == 3
    assert [Path(error["video"]).name for error in document["errors"]] == ["bad.mp4"]
    assert main(command) == 2
    document = json.loads(capsys.readouterr().out)
    assert len(document["skipped"]) == 3 and document["films"] == []
    assert made(videos / "fast") == MADE[0]


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["videos"], "-o DIR"),
        (["videos", "-o", "-"], "-o DIR"),
        (["videos/a.mp4", "videos/more/b.mkv", "-o", "fast.mp4"], "without .mp4"),
        (["videos", "-o", "fast", "--from", "a.json"], "no --from"),
        (["videos", "videos/a.avi", "-o", "fast"], "would both become"),
        (["nothing*.mp4", "-o", "fast"], "no video in"),
        (["videos/a.mp4", "-o", "-", "--json"], "leave one out"),
    ],
)
def test_what_makes_no_sense_is_refused(
    words: list[str], complaint: str, videos: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_video(videos / "a.avi", steady(5))
    assert complaint in refused(["speedup", *words, "--rate", "2"], capsys)
    assert not Path("fast").exists() and not Path("fast.mp4").exists()
