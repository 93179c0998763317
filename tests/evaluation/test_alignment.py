import json
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import kendalltau

from speediness.align.features import DescribedVideo
from speediness.cli.main import main
from speediness.errors import DataError
from speediness.evaluation import alignment
from speediness.evaluation.alignment import kendall_tau, random_pace, read_marks, warp_classically
from synthetic import Image, drifting_frame, steady, write_video


def test_tau_is_kendalls() -> None:
    for seed in range(5):
        values = np.random.default_rng(seed).integers(0, 9, 20)
        assert kendall_tau(values) == pytest.approx(kendalltau(np.arange(20), values)[0])
    assert kendall_tau(np.zeros(4)) == 0


def test_classical_warping_repeats_frames() -> None:
    values = np.array([[0.0], [1], [5], [2]], np.float32)
    a = DescribedVideo(np.arange(4.0), 4.0, values)
    b = DescribedVideo(np.arange(6.0), 6.0, values[[0, 1, 1, 1, 2, 3]])
    np.testing.assert_allclose(warp_classically(a, b).b_s, [0, 2, 4, 5])
    np.testing.assert_allclose(warp_classically(b, a).b_s, [0, 1, 1, 1, 2, 3])


def test_a_pace_goes_on() -> None:
    moments = random_pace(50, np.random.default_rng(0))
    assert moments[0] == 0 and moments[-1] == pytest.approx(1)
    assert 1.3 < np.diff(moments).max() / np.diff(moments).min() < 30


def crossing(number: int, seed: int) -> Image:
    """A bright square that crosses a wall."""
    frame = drifting_frame(0.0, 192, 160, seed)
    frame[90 - 2 * number : 130 - 2 * number, 30 + 4 * number : 70 + 4 * number] = (250, 200, 30)
    return frame


def test_planted_videos_are_found_by_features(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(alignment, "PLANTED_FRAMES", 24)
    monkeypatch.setattr(alignment, "random_pace", lambda count, rng: np.linspace(0, 1, count) ** 2)
    for seed in (0, 1):
        write_video(
            tmp_path / f"{seed}.mp4",
            steady(24),
            width_px=192,
            height_px=160,
            draw_frame=lambda n, seed=seed: crossing(n, seed),
        )
    assert main(["evaluate", "align", "--data", str(tmp_path), "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert set(report["planted"]) == {"0.mp4", "1.mp4"}
    assert set(report["mean"]) == {"linear time", "thumbnails", "ImageNet"}
    ours, linear = report["mean"]["ImageNet"], report["mean"]["linear time"]
    assert ours["median_error"] < linear["median_error"] / 2
    assert ours["tau"] == pytest.approx(np.mean([v["ImageNet"]["tau"] for v in report["planted"].values()]))


def test_marks(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The second video starts the same drift ten frames late, and stands still before."""
    for name, late in (("a", 0), ("b", 10)):
        write_video(
            tmp_path / f"{name}.mp4",
            steady(30),
            draw_frame=lambda n, late=late: drifting_frame(4.0 * max(n - late, 0), 96, 64),
        )
    marks = tmp_path / "marks.csv"
    marks.write_text("file,action,first_s,second_s\na.mp4,drift,0.2,0.6\nb.mp4,drift,0.6,1.0\n")
    assert main(["evaluate", "align", "--data", str(marks)]) == 0
    said = capsys.readouterr().out
    assert "marked" in said and "ImageNet" in said
    assert main(["evaluate", "align", "--data", str(marks), "--json"]) == 0
    scores = json.loads(capsys.readouterr().out)["marked"]["drift"]
    assert scores["ImageNet"]["key_moments"] < 2 < scores["linear time"]["key_moments"]
    assert scores["linear time"]["key_moments"] == pytest.approx(10)
    for text, complaint in (
        ("file,action,s\na.mp4,x,0.1\n", "one video of x alone"),
        ("file,s\na.mp4,0.1\n", "needs the columns"),
        ("file,action,s\nc.mp4,x,0.1\n", "does not exist"),
        ("file,action,s\n", "marks no video"),
    ):
        marks.write_text(text)
        with pytest.raises(DataError, match=complaint):
            read_marks(marks)
