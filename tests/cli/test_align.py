import json
import re
import shlex
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from speediness.cli.main import main
from speediness.video.reader import VideoReader
from synthetic import Image, drifting_frame, read_number, steady, tone, write_video

PAGE = (Path(__file__).parents[2] / "docs/align.md").read_text()
EXAMPLES = re.findall(r"^speediness (align .*)$", PAGE, re.MULTILINE)
FRAMES = 30


def disc(place: float, seed: int) -> Image:
    """A disc that swings up over a texture; place 0..1."""
    frame = drifting_frame(0.0, 128, 96, seed)
    y, x = np.mgrid[:96, :128]
    angle = 2.5 * place
    inside = np.hypot(x - 64 + 40 * np.cos(angle), y - 70 + 45 * np.sin(angle)) < 14
    frame[inside] = (230, 120, 40)
    return frame


def action(place_of: Callable[[int], float], path: Path, seed: int, sound: bool = False) -> Path:
    return write_video(
        path,
        steady(FRAMES),
        width_px=128,
        height_px=96,
        draw_frame=lambda n: disc(place_of(n), seed),
        sound_CN=tone(FRAMES / 25) if sound else None,
    )


@pytest.fixture
def pair(tmp_path: Path) -> Path:
    action(lambda n: n / (FRAMES - 1), tmp_path / "a.mp4", 1, sound=True)
    action(lambda n: (n / (FRAMES - 1)) ** 1.5, tmp_path / "b.mp4", 1)
    return tmp_path


@pytest.mark.parametrize("example", EXAMPLES)
def test_the_examples_work_and_find_the_moments(
    example: str, pair: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """As printed; b does what a does later at first, and faster then."""
    monkeypatch.chdir(pair)
    assert main([*shlex.split(example), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["schema"] == "speediness.alignment/1"
    a_s, b_s = (np.array(found["map"][key]) for key in ("a_s", "b_s"))
    true_s = (a_s / a_s[-1]) ** (1 / 1.5) * a_s[-1]
    assert np.median(np.abs(b_s - true_s)) * 25 < 1
    for moment in found["moments"]:
        assert moment["b_s"] == pytest.approx(np.interp(moment["a_s"], a_s, b_s), abs=1e-5)
    if "film" in found["outputs"]:
        reader = VideoReader(Path(found["outputs"]["film"]))
        assert (reader.info.width_px, reader.info.height_px) == (256, 96) and reader.info.has_audio
        frames = [frame.pixels_HWC.astype(float) for frame in reader.frames()]
        assert len(frames) == FRAMES
        # Both halves show the disc at the same place: they differ less than neighbours of a do.
        apart = np.mean([np.abs(frame[:, :128] - frame[:, 128:]).mean() for frame in frames])
        off = np.mean(
            [np.abs(frames[n][:, :128] - frames[n + 2][:, :128]).mean() for n in range(FRAMES - 2)]
        )
        assert apart < off


def test_frames_shown_are_those_of_the_map(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Frame numbers on screen, against the map in the JSON; B is turned and of another size and rate."""
    write_video(tmp_path / "a.mp4", steady(20), width_px=192, height_px=128)
    write_video(tmp_path / "b.mp4", steady(33, 50))
    monkeypatch.chdir(tmp_path)
    assert main(["align", "a.mp4", "b.mp4", "-o", "o.mkv", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)["map"]
    moments_s = np.arange(0.5, 20) / 25
    wanted = np.floor(np.interp(moments_s, found["a_s"], found["b_s"]) * 50 + 1e-4)
    frames = [frame.pixels_HWC for frame in VideoReader(tmp_path / "o.mkv").frames()]
    assert frames[0].shape == (128, 384, 3)
    assert [read_number(frame[:, :192]) for frame in frames] == list(range(20))
    assert [read_number(frame[:, 192:]) for frame in frames] == wanted.tolist()


@pytest.mark.parametrize(
    ("extra", "complaint"),
    [
        ([], "nothing to make"),
        (["-o", "out.avi"], ".mp4"),
        (["-o", "a.mp4"], "video itself"),
        (["-o", "b.mp4"], "video itself"),
        (["-o", "o.mp4", "--model", "none.onnx"], "does not exist"),
        (["--moments", "0.1,soon"], "'soon' is no moment"),
        (["--moments", "0.1,7", "-o", "o.mp4"], "lasts 1.20 s"),
        (["none.mp4", "-o", "o.mp4"], "none.mp4"),
    ],
)
def test_refused_in_one_line(
    extra: list[str],
    complaint: str,
    pair: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(pair)
    videos = ["a.mp4"] if extra[:1] == ["none.mp4"] else ["a.mp4", "b.mp4"]
    assert main(["align", *videos, *extra]) == 2
    said = [line for line in capsys.readouterr().err.splitlines() if line.startswith("speediness")]
    assert len(said) == 1 and complaint in said[0]
    assert {path.name for path in pair.iterdir()} == {"a.mp4", "b.mp4"}
