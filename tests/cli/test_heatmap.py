from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from command_line import names, refused
from scripted_runtime import grey_motion_runtime
from speediness.cli.main import main
from speediness.clip import ClipSpec
from speediness.heatmap import maps as heat_maps
from speediness.runtime.network import Network
from speediness.video.reader import VideoReader
from synthetic import steady, write_video


@pytest.fixture(autouse=True)
def scripted_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """A network that looks at a second; what is tested here does not depend on weights."""
    network = Network.__new__(Network)
    network.clip = ClipSpec(n_frames=8, frame_rate=Fraction(8), size_px=56)
    network.runtime = grey_motion_runtime(network.clip)
    monkeypatch.setattr(heat_maps, "load_network", lambda name: network)


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
    said = capsys.readouterr().out
    assert str(out) in said
    assert "note" not in said
    assert "--force" in refused(order, capsys)


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
    assert complaint in refused(["heatmap", video.name, *extra], capsys)
    assert names(video.parent) == {"walk.mp4"}


def test_a_note_tells_why_nothing_is_drawn(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    short = write_video(tmp_path / "short.mp4", steady(10))
    assert main(["heatmap", str(short), "-o", str(tmp_path / "heat.mp4")]) == 0
    assert "note: " in (said := capsys.readouterr().out)
    assert "shorter than the 0.625 s" in said


def test_ctrl_c_leaves_nothing(video: Path, stopped_by_user: None) -> None:
    assert main(["heatmap", str(video), "-o", str(video.with_name("heat.mp4"))]) == 130
    assert names(video.parent) == {"walk.mp4"}
