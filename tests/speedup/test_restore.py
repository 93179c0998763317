from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path

import numpy as np
import pytest

from full_video import RATE_HZ, clicks
from speediness.errors import PlanError
from speediness.results.curve import Segment, SpeedinessCurve
from speediness.sampling import playback_factors
from speediness.speedup.rendering import Rendering
from speediness.speedup.restore import RAMP_S, Stretch, find_stretches, plan_restore, restore
from speediness.video.audio_reader import AudioReader
from speediness.video.reader import VideoReader
from synthetic import read_number, steady, write_video

RATE = 25


def curve_with(
    segments: tuple[Segment, ...], duration_s: float, cuts_s: tuple[float, ...] = ()
) -> SpeedinessCurve:
    times_s = np.arange(round(duration_s * RATE)) / RATE
    factors = playback_factors()
    normal = np.full((len(factors), len(times_s)), 0.6, np.float32)
    return SpeedinessCurve(
        times_s, duration_s, factors, normal, np.ones(len(times_s), np.float32), segments, cuts_s
    )


SLOW_THEN_FAST = (
    Segment(0, 8, "slow_motion", 0.25, 0.8),
    Segment(8, 12, "natural", 1, 0.9),
    Segment(12, 13, "not_sure", 0.5, 0.4),
    Segment(13, 15, "sped_up", 2, 0.7),
)


def test_each_stretch_is_as_long_as_in_life() -> None:
    curve = curve_with(SLOW_THEN_FAST, 15)
    stretches = find_stretches(curve)
    assert stretches == (
        Stretch(0, 8, 0.25, "slow_motion"),
        Stretch(8, 12, 1, "natural"),
        Stretch(12, 13, 1, "not_sure"),
        Stretch(13, 15, 2, "sped_up"),
    )
    plan = plan_restore(curve, stretches)
    assert plan.output_duration_s == pytest.approx(8 * 0.25 + 4 + 1 + 2 * 2, abs=1e-9)
    assert plan.rate == pytest.approx(15 / 11)
    # In the middle of stretches S is 1 / factor; half-way up a ramp slowness is the mean.
    moments_s = np.array([4.0, 10.0, 14.0, 8.0, 13.0])
    slowness = np.interp(moments_s, plan.times_s, plan.slowness)
    assert slowness == pytest.approx([0.25, 1, 2, 0.625, 1.5])


def test_ramps_take_their_time_but_for_cuts_and_short_stretches() -> None:
    segments = (
        Segment(0, 4, "slow_motion", 0.5, 0.8),
        Segment(4, 8, "natural", 1, 0.9),
        Segment(8, 8.4, "slow_motion", 0.5, 0.8),
        Segment(8.4, 12, "natural", 1, 0.9),
    )
    plan = plan_restore(curve_with(segments, 12, (4.0,)), find_stretches(curve_with(segments, 12)))
    bends_s = plan.times_s[1:-1]
    assert np.diff(bends_s)[0] == pytest.approx(0.001)
    assert np.diff(bends_s)[2] == pytest.approx(0.2)  # half of the stretch of 0.4 s
    assert np.diff(bends_s)[4] == pytest.approx(0.2)
    gentle = plan_restore(curve_with(segments, 12), find_stretches(curve_with(segments, 12)))
    assert np.diff(gentle.times_s[1:-1])[0] == pytest.approx(RAMP_S)


def test_given_factors_win_and_split_stretches() -> None:
    curve = curve_with(SLOW_THEN_FAST, 15)
    given = [((6.0, 10.0), 0.5), ((9.0, 99.0), 1.0)]
    assert find_stretches(curve, given) == (
        Stretch(0, 6, 0.25, "slow_motion"),
        Stretch(6, 9, 0.5, "given"),
        Stretch(9, 15, 1, "given"),
    )


@pytest.mark.parametrize(
    ("span", "factor", "words"),
    [((16.0, 17.0), 1, "no stretch of this video"), ((1.0, 2.0), 99, "1/16 to 16")],
)
def test_impossible_factors_are_refused(span: tuple[float, float], factor: float, words: str) -> None:
    with pytest.raises(PlanError, match=words):
        find_stretches(curve_with(SLOW_THEN_FAST, 15), [(span, factor)])


@pytest.fixture
def slowed(tmp_path: Path) -> Path:
    """Six seconds: 4 s at a quarter, then 2 s at their own speed, a click at every second."""
    return write_video(tmp_path / "slowed.mp4", steady(6 * RATE), sound_CN=clicks(6, [1, 2, 3, 4, 5]))


CURVE = curve_with((Segment(0, 4, "slow_motion", 0.25, 0.8), Segment(4, 6, "natural", 1, 0.9)), 6, (4.0,))


def test_frames_and_sound_follow(slowed: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.mp4"
    seen: list[Path] = []

    def analyse(video: Path) -> SpeedinessCurve:
        seen.append(video)
        return CURVE if video == slowed else curve_with((Segment(0, 3, "natural", 1, 0.9),), 3)

    summary = restore(slowed, out, Rendering(), analyse, lambda _: nullcontext(lambda done, whole: None))
    assert seen == [slowed, out]
    assert summary["output_duration_s"] == pytest.approx(3)
    assert (summary["share_before"]["natural"], summary["share_after"]["natural"]) == (0.3333, 1)
    assert {path.name for path in tmp_path.iterdir()} == {
        "slowed.mp4",
        "out.mp4",
        *(f"out.{ending}" for ending in ("curve.json", "plan.json", "restored.json", "restored.png")),
    }
    reader = VideoReader(out)
    shown = [read_number(frame.pixels_HWC) for frame in reader.frames()]
    assert len(shown) == 75
    # By hand: for one second every fourth frame, around the middle of what it covers, then every frame.
    for j, number in enumerate(shown):
        middle_s = (j + 0.5) / RATE
        source_s = 4 * middle_s if middle_s < 1 else 4 + middle_s - 1
        assert abs(number - int(source_s * RATE)) <= 1
    sound_N = np.abs(np.concatenate(list(AudioReader(reader).blocks()), 1)).max(0)
    for source_s, wanted_s in ((1, 0.25), (2, 0.5), (3, 0.75), (4, 1), (5, 2)):
        first = round((wanted_s - 0.1) * RATE_HZ)
        around = sound_N[first : first + round(0.2 * RATE_HZ)]
        assert around.max() > 0.05, source_s
        assert (first + around.argmax()) / RATE_HZ == pytest.approx(wanted_s, abs=0.02)


@pytest.mark.parametrize("blend", [False, True])
def test_frames_are_held_or_blended_where_video_is_slowed(tmp_path: Path, blend: bool) -> None:
    video = write_video(
        tmp_path / "fast.mp4",
        steady(50),
        draw_frame=lambda i: np.full((64, 96, 3), 200 if i % 2 else 60, np.uint8),
    )
    curve = curve_with((Segment(0, 2, "sped_up", 1.5, 0.9),), 2)
    restore(
        video,
        tmp_path / "out.mp4",
        Rendering(blend=blend),
        lambda _: curve,
        lambda _: nullcontext(lambda done, whole: None),
    )
    levels = [float(frame.pixels_HWC.mean()) for frame in VideoReader(tmp_path / "out.mp4").frames()]
    assert len(levels) == 75
    mixed = sum(90 < level < 170 for level in levels)
    assert mixed == (25 if blend else 0)  # of every three frames one covers two of the source


def test_nothing_to_restore_is_said_and_nothing_is_written(slowed: Path, tmp_path: Path) -> None:
    curve = curve_with((Segment(0, 6, "natural", 1, 0.9),), 6)
    with pytest.raises(PlanError, match="--factor A-B=F"):
        restore(
            slowed,
            tmp_path / "out.mp4",
            Rendering(),
            lambda _: curve,
            lambda _: nullcontext(lambda done, whole: None),
        )
    assert not (tmp_path / "out.mp4").exists()
