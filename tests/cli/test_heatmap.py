from pathlib import Path

import numpy as np
import pytest

from speediness.cli.main import main
from speediness.video.reader import VideoReader


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_video_strip_and_maps(video: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out, strip, maps = (video.with_name(name) for name in ("heat.mp4", "heat.png", "heat.npz"))
    order = ["heatmap", str(video), "-o", str(out), "--strip", str(strip), "--save-maps", str(maps)]
    assert main([*order, "--signed"]) == 0
    assert names(video.parent) == {"walk.mp4", "heat.mp4", "heat.png", "heat.npz"}
    source, made = VideoReader(video).info, VideoReader(out).info
    assert (made.width_px, made.height_px) == (source.width_px, source.height_px)
    assert made.frame_rate == source.frame_rate
    assert made.has_audio
    with np.load(maps) as held:
        assert held["maps"].shape[0] == len(held["times_s"])
        assert str(held["kind"]) == "speed"
    assert str(out) in capsys.readouterr().out
    assert main(order) == 2
    assert "--force" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("extra", "complaint"),
    [
        (["-o", "out.avi"], ".mp4"),
        (["-o", "walk.mp4"], "video itself"),
        (["-o", "out.mp4", "--strip", "out.jpg"], ".png"),
        (["-o", "out.mp4", "--save-maps", "nowhere/out.npz"], "does not exist"),
    ],
)
def test_refused_before_the_work(
    video: Path,
    extra: list[str],
    complaint: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(video.parent)
    assert main(["heatmap", video.name, *extra]) == 2
    said = capsys.readouterr().err.strip()
    assert complaint in said
    assert len(said.splitlines()) == 1
    assert names(video.parent) == {"walk.mp4"}


def test_ctrl_c_leaves_nothing(video: Path, stopped_by_user: None) -> None:
    assert main(["heatmap", str(video), "-o", str(video.with_name("heat.mp4"))]) == 130
    assert names(video.parent) == {"walk.mp4"}
