from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

import av
import numpy as np
import pytest

from speediness.video.frame_choice import TIE_S, Timed, blend, choose, standard_rate
from speediness.video.yuv420 import from_planes, planes
from synthetic import steady, uneven


def frames(times_s: list[Fraction]) -> list[Timed]:
    """Flat frames whose grey level is random but known."""
    levels = np.random.default_rng(1).integers(0, 255, len(times_s))
    return [(time_s, flat(int(level))) for time_s, level in zip(times_s, levels, strict=True)]


def flat(level: int) -> av.VideoFrame:
    return from_planes([np.full(size, level, np.uint8) for size in ((4, 4), (2, 2), (2, 2))])


def level(frame: av.VideoFrame) -> int:
    return int(planes(frame)[0][0, 0])


@pytest.mark.parametrize("times_s", [steady(50), steady(50, Fraction(30000, 1001)), uneven(50)])
@pytest.mark.parametrize("rate", [0.4, 1, 2.7, 30])
def test_the_frame_on_screen_is_chosen(times_s: list[Fraction], rate: float) -> None:
    video = frames(times_s[:-1])
    moments_s = np.arange(0, float(times_s[-1]) + 0.1, rate / 30) + np.random.default_rng(0).random() * 0.01
    moments_s = np.concatenate([moments_s, [float(t) for t in times_s]])
    moments_s.sort()
    chosen = list(choose(video, moments_s))
    assert len(chosen) == len(moments_s)
    for moment_s, picked in zip(moments_s, chosen, strict=True):
        on_screen = [frame for frame in video if frame[0] - TIE_S <= Fraction(float(moment_s))]
        assert picked is on_screen[-1]


def test_a_moment_before_the_video_shows_its_first_frame() -> None:
    video = frames(steady(3)[:-1])
    assert [f[0] for f in choose(video, np.array([-1.0, 9.0]))] == [0, Fraction(2, 25)]


def test_frames_are_read_no_further_than_needed() -> None:
    read = []

    def source() -> Iterator[Timed]:
        for frame in frames(steady(50)[:-1]):
            read.append(frame)
            yield frame

    next(choose(source(), np.array([0.1, 1.9])))
    assert len(read) == 4


@pytest.mark.parametrize("times_s", [steady(40), uneven(40)])
@pytest.mark.parametrize("shutter_s", [0.004, 0.05, 0.33])
def test_blending_weighs_by_time_on_screen(times_s: list[Fraction], shutter_s: float) -> None:
    video = frames(times_s[:-1])
    bounds_s = np.arange(0, float(times_s[-1]) - shutter_s, shutter_s)
    mixed = [level(p) for p in blend(video, bounds_s, lambda frame: frame)]
    instants = 200
    for i, seen in enumerate(mixed):
        moments_s = bounds_s[i] + (np.arange(instants) + 0.5) / instants * (bounds_s[i + 1] - bounds_s[i])
        expected = np.mean([level(frame) for _, frame in choose(video, moments_s)])
        assert abs(seen - expected) < 1.5
    assert len(mixed) == len(bounds_s) - 1


def test_a_shutter_on_one_frame_passes_it_untouched() -> None:
    video = frames(steady(2)[:-1])
    first, second = video[0][1], video[1][1]
    assert list(blend(video, np.array([0, 0.01, 0.04, 0.05, 2, 2]), lambda f: f)) == [
        first,
        first,
        second,
        second,
        second,
    ]


@pytest.mark.parametrize(
    ("average", "written"),
    [
        (Fraction(25), Fraction(25)),
        (Fraction(24000, 1001), Fraction(24000, 1001)),
        (Fraction(30), Fraction(30)),
        (Fraction(2997, 100), Fraction(30000, 1001)),
        (Fraction(2990, 100), Fraction(30000, 1001)),
        (Fraction(599, 10), Fraction(60000, 1001)),
        (Fraction(50), Fraction(50)),
        (Fraction(10), Fraction(30)),
        (Fraction(12), Fraction(24)),
        (Fraction(25, 2), Fraction(25)),
        (Fraction(15), Fraction(30)),
        (Fraction(1, 2), Fraction(24)),
        (Fraction(271, 10), Fraction(30000, 1001)),
        (Fraction(240), Fraction(60)),
        (Fraction(120000, 1001), Fraction(60)),
        (Fraction(1000), Fraction(60)),
    ],
)
def test_rates_are_snapped(average: Fraction, written: Fraction) -> None:
    assert standard_rate(average) == written
