import warnings
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from speediness.curves import Segment, SpeedinessCurve
from speediness.errors import OutputError
from speediness.plots import BAND_COLOURS, COLUMNS, PLAN_COLOUR, plot_curve, sum_up
from speediness.speed_plan import SpeedPlan

FACTORS = (1.0, 1.25, 1.5625)


def wavy(
    n_frames: int, segments: Sequence[Segment] = (), cuts_s: Sequence[float] = (), name: str = "a.mp4"
):
    times_s = np.arange(n_frames) / 25
    wave = 0.5 + 0.5 * np.sin(times_s)
    normal = np.stack([wave, wave * 0.8, wave * 0.6]).astype(np.float32)
    return SpeedinessCurve(
        times_s,
        n_frames / 25,
        FACTORS,
        normal,
        np.ones(n_frames, np.float32),
        tuple(segments),
        tuple(cuts_s),
        ("a note",),
        {"video": name},
    )


def colours(png: Path) -> set[tuple[int, int, int]]:
    pixels = np.asarray(Image.open(png).convert("RGB")).reshape(-1, 3)
    values, counts = np.unique(pixels, axis=0, return_counts=True)
    return {
        (int(r), int(g), int(b)) for (r, g, b), count in zip(values, counts, strict=True) if count > 100
    }


def rgb(colour: str) -> tuple[int, int, int]:
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)


def test_each_label_has_its_colour_and_the_plan_appears_only_when_given(tmp_path: Path) -> None:
    curve = wavy(250, [Segment(0, 6, "natural", 1, 0.9), Segment(6, 10, "slow_motion", 0.5, 0.7)], [6.0])
    plan = SpeedPlan(np.array([0.0, 10.0]), np.array([0.6, 0.4]), 2.0, 0.5)
    plot_curve(curve, tmp_path / "curve.png")
    plot_curve(curve, tmp_path / "plan.png", plan)
    seen = colours(tmp_path / "curve.png")
    assert {rgb(BAND_COLOURS["natural"]), rgb(BAND_COLOURS["slow_motion"])} <= seen
    assert rgb(BAND_COLOURS["sped_up"]) not in seen
    assert rgb(PLAN_COLOUR) not in seen
    assert rgb(PLAN_COLOUR) in colours(tmp_path / "plan.png")


@pytest.mark.parametrize("n_frames", [1, 2, 300_000])
def test_any_length_can_be_drawn(tmp_path: Path, n_frames: int) -> None:
    end_s = n_frames / 25
    plan = SpeedPlan(np.array([0.0, end_s]), np.array([0.5, 0.5]), 2.0)
    plot_curve(wavy(n_frames, [Segment(0, end_s, "sped_up", 2, 0.9)]), tmp_path / "a.png", plan)
    assert rgb(BAND_COLOURS["sped_up"]) in colours(tmp_path / "a.png")
    assert [path.name for path in tmp_path.iterdir()] == ["a.png"]


def test_a_long_curve_keeps_every_peak() -> None:
    values = np.random.default_rng(0).random(12_345)
    values[7_777] = 5.0
    times_s, low, mean, high = sum_up(np.arange(12_345.0), values)
    ends = [*times_s.astype(int)[1:], 12_345]
    stretches = [values[int(a) : b] for a, b in zip(times_s, ends, strict=True)]
    assert len(stretches) == COLUMNS
    assert low.tolist() == [stretch.min() for stretch in stretches]
    assert high.tolist() == [stretch.max() for stretch in stretches]
    assert np.allclose(mean, [stretch.mean() for stretch in stretches])


@pytest.mark.parametrize("name", ["$x_2$ 100 %.mp4", "日本語 [b].mkv", "caf\udce9.mp4", "n" * 250 + ".mp4"])
def test_any_file_name_is_a_title(tmp_path: Path, name: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        plot_curve(wavy(50, name=name), tmp_path / "a.png")


def test_a_picture_that_cannot_be_written_is_the_users_to_mend(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="choose another folder"):
        plot_curve(wavy(50), tmp_path / "missing" / "a.png")
    (tmp_path / "a.png").mkdir()
    with pytest.raises(OutputError):
        plot_curve(wavy(50), tmp_path / "a.png")
    assert [path.name for path in tmp_path.iterdir()] == ["a.png"]
