import json
from pathlib import Path

import numpy as np
import pytest

from speediness.cli.main import main
from speediness.evaluation import propagation
from speediness.evaluation.moving_shapes import MaskedSequence, moving_shapes
from speediness.propagate.mask_files import write_mask
from synthetic import steady, write_video


@pytest.fixture
def mask(video: Path) -> Path:
    """Of the spot of the first frame."""
    labels = np.zeros((64, 96), np.uint8)
    labels[22:42, 10:30] = 1
    path = video.with_name("first.png")
    write_mask(path, labels)
    return path


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_video_and_masks(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    video = write_video(tmp_path / "v.mp4", steady(6))
    labels = np.zeros((64, 96), np.uint8)
    labels[40:56, :16], labels[:20, 40:60] = 1, 3
    write_mask(tmp_path / "m.png", labels)
    order = ["propagate", str(video), "--mask", str(tmp_path / "m.png"), "-o", str(tmp_path / "o.mp4")]
    order += ["--masks", str(tmp_path / "masks")]
    assert main(order) == 0
    said = capsys.readouterr().out
    assert "2 objects in 6 frames" in said
    assert str(tmp_path / "o.mp4") in said and str(tmp_path / "masks") in said
    assert len(names(tmp_path / "masks")) == 6
    assert main(order) == 2
    assert "--force" in capsys.readouterr().err
    assert main([*order, "--force"]) == 0
    assert names(tmp_path) == {"v.mp4", "m.png", "o.mp4", "masks"}


@pytest.mark.parametrize(
    ("extra", "complaint"),
    [
        (["-o", "out.avi"], ".mp4"),
        (["-o", "walk.mp4"], "video itself"),
        (["-o", "out.mp4", "--masks", "nowhere/masks"], "does not exist"),
        (["-o", "out.mp4", "--masks", "."], "--force"),
        (["-o", "out.mp4", "--model", "none.onnx"], "does not exist"),
        (["-o", "out.mp4", "--mask", "walk.mp4"], "not an image"),
    ],
)
def test_refused_before_the_work(
    video: Path,
    mask: Path,
    extra: list[str],
    complaint: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(video.parent)
    given = extra if "--mask" in extra else [*extra, "--mask", mask.name]
    assert main(["propagate", video.name, *given]) == 2
    said = capsys.readouterr().err.strip()
    assert complaint in said
    assert len(said.splitlines()) == 1
    assert names(video.parent) == {"walk.mp4", "first.png"}


def test_ctrl_c_leaves_nothing(video: Path, mask: Path, stopped_by_user: None) -> None:
    folder = video.parent
    order = ["propagate", str(video), "--mask", str(mask), "-o", str(folder / "o.mp4")]
    assert main([*order, "--masks", str(folder / "masks")]) == 130
    assert names(folder) == {"walk.mp4", "first.png"}


def test_evaluate_reads_a_folder_and_prints_every_method(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sequence = moving_shapes()[0]
    frames = sequence.frames[:5]
    write_video(tmp_path / "a.mp4", steady(5), width_px=432, height_px=240, draw_frame=lambda n: frames[n])
    (tmp_path / "a_mask").mkdir()
    for n, labels in enumerate(sequence.masks[:5]):
        write_mask(tmp_path / "a_mask" / f"{n:05d}.png", labels)
    assert main(["evaluate", "propagate", "--data", str(tmp_path), "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    scores = report["sequences"]["a"]
    assert set(scores) == {"copy", "flow", "colour patches", "features"} == set(report["mean"])
    assert scores["copy"]["j"] < 0.75 < scores["features"]["j"] <= 1
    assert scores == {name: pytest.approx(score) for name, score in report["mean"].items()}
    (tmp_path / "a_mask" / "00004.png").unlink()
    assert main(["evaluate", "propagate", "--data", str(tmp_path)]) == 2
    assert "holds 4 masks, a 5 frames" in capsys.readouterr().err
    assert main(["evaluate", "speed"]) == 2
    assert "--data" in capsys.readouterr().err


def test_flow_and_patches_follow_a_shape(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = moving_shapes()[0]
    part = MaskedSequence("a", whole.frames[:6], whole.masks[:6])
    for way in (
        propagation.by_flow,
        lambda f, m: propagation.by_affinity(f, m, propagation.colour_patches()),
    ):
        found = way(part.frames, part.masks[0])
        assert len(found) == 6
        j, f = propagation.mask_accuracy(found, part.masks)
        assert j > 0.75 and f > 0.5
