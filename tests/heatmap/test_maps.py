from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import get_args

import numpy as np
import pytest

from speed_runtime import mean_speed_runtime
from speediness.analysis.network import Network, load_network
from speediness.analysis.schedule import Sequence
from speediness.analysis.shot import ShotScorer
from speediness.engines.runtime import Runtime
from speediness.errors import OutputError
from speediness.heatmap import maps
from speediness.heatmap.maps import FAINTEST, HeatMaps, find_maps
from speediness.heatmap.squares import MapKind
from synthetic import Image, steady, uneven, write_video


def by_hand(kind: MapKind = "speed") -> HeatMaps:
    """Two shots of two times each."""
    maps = np.array([0, 1, 4, -4], np.float16)[:, None, None] * np.ones((4, 2, 3), np.float16)
    moving = np.ones((4, 2, 3), np.float16)
    moving[:, 0] = 0
    return HeatMaps(
        kind,
        np.array([0, 0.125, 0.2, 0.325]),
        maps,
        moving,
        (0, 0, 1, 1),
        (0, 2),
        (0.0, 0.2),
        0.4,
    )


def crossing(number: int) -> Image:
    """Left half: a textured disc that swings; right half: still texture."""
    rng = np.random.default_rng(3)
    wall = rng.integers(60, 120, (16, 32)).repeat(8, 0).repeat(8, 1).astype(np.uint8)
    disc = rng.integers(120, 255, (6, 6)).repeat(6, 0).repeat(6, 1).astype(np.uint8)
    left = round(44 + 40 * np.sin(number / 5))
    wall[40:76, left : left + 36] = disc
    return np.repeat(wall[:, :, None], 3, 2)


def other_scene(number: int) -> Image:
    return np.ascontiguousarray(255 - crossing(number)[::-1, ::-1])


def test_in_between_is_linear_and_never_across_a_cut() -> None:
    found = by_hand()
    low, high = found.bounds
    assert low == 0
    for time_s, value in [(0, 0), (0.0625, 0.5), (0.125, 1), (0.199, 1), (0.2, 4), (0.2625, 0), (9, -4)]:
        drawn = found.drawn(time_s)
        assert drawn[1] == pytest.approx(np.tanh(value / high), abs=1e-3)
        assert (drawn[0] == 0).all()


def test_nothing_to_see_is_drawn_dark() -> None:
    faint = by_hand("drive")
    faint.maps[:] = np.float16(FAINTEST / 10)
    assert faint.drawn(0.1).max() <= 0.11


def test_the_moving_half_drives_the_prediction(tmp_path: Path) -> None:
    video = write_video(tmp_path / "a.mp4", steady(75), width_px=256, height_px=128, draw_frame=crossing)
    found = find_maps(video)
    assert found.maps.shape == (len(found.times_s), 16, 32)
    assert found.duration_s == pytest.approx(3)
    drawn = np.mean([found.drawn(time_s) for time_s in found.times_s], 0)
    assert drawn[:, :16].mean() > 5 * drawn[:, 20:].mean()


def test_shots_keep_to_themselves(tmp_path: Path) -> None:
    def frame(number: int) -> Image:
        return crossing(number) if number < 40 else other_scene(number)

    video = write_video(tmp_path / "a.mp4", steady(80), width_px=256, height_px=128, draw_frame=frame)
    found = find_maps(video)
    assert found.shot_starts_s == (0, 1.6)
    first = found.times_s[: found.shot_starts[1]]
    assert first.max() < 1.6 <= found.times_s[found.shot_starts[1]]
    before, after = found.drawn(1.59), found.drawn(1.61)
    assert before[:, :16].mean() > before[:, 20:].mean()
    assert after[:, 20:].mean() > after[:, :12].mean()


@pytest.fixture
def crossing_video(tmp_path: Path) -> Path:
    """14 s, after which the first third is long forgotten."""
    return write_video(
        tmp_path / "a.mp4", steady(141, 10), width_px=256, height_px=128, draw_frame=crossing
    )


@pytest.mark.parametrize("kind", get_args(MapKind))
def test_a_long_shot_in_pieces_is_as_in_one(
    crossing_video: Path, kind: MapKind, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = find_maps(crossing_video, kind)
    lengths, score_sequences = [], ShotScorer._score_sequences

    def analysed(self: ShotScorer, batch: list[tuple[int, Sequence]]) -> None:
        lengths.append(len(batch[0][1].frames_L))
        score_sequences(self, batch)

    monkeypatch.setattr(ShotScorer, "_score_sequences", analysed)
    monkeypatch.setattr(maps, "CHUNK_S", 3.0)
    pieces = find_maps(crossing_video, kind)
    assert len(lengths) >= 3
    assert max(lengths) < 100 < len(whole.times_s)
    assert pieces.times_s == pytest.approx(whole.times_s)
    for ours, theirs in ((pieces.maps, whole.maps), (pieces.moving, whole.moving)):
        assert np.abs(ours.astype(np.float32) - theirs).max() < 0.01


def with_runtime(runtime: Runtime) -> Network:
    network = load_network()
    network.runtime = runtime
    return network


def test_all_windows_at_once_or_each_alone(crossing_video: Path) -> None:
    """Of a network whose answer depends on a window alone the maps are the same; of ours they are alike."""
    alone, at_once = (
        find_maps(crossing_video, network=with_runtime(mean_speed_runtime(16, context)))
        for context in (None, 0)
    )
    assert at_once.times_s == pytest.approx(alone.times_s)
    # A window at an end plays back and forth, and the last one ends with the video.
    ours, theirs = (found.maps[10:-18].astype(np.float32) for found in (at_once, alone))
    # And its last frame, which has no motion of its own, borrows that of the one before.
    assert np.abs(ours - theirs).mean() < 0.002 * ours.mean()
    runtime = load_network().runtime
    alone, at_once = (
        find_maps(crossing_video, "speed", network=with_runtime(replace(runtime, context=context)))
        for context in (None, runtime.context)
    )
    ours, theirs = (1 / (1 + np.exp(-found.maps.astype(np.float32).mean(0))) for found in (at_once, alone))
    assert np.abs(ours - theirs).mean() < 0.05


def test_uneven_times_and_a_single_frame(tmp_path: Path) -> None:
    video = write_video(tmp_path / "uneven.mp4", uneven(40), width_px=128, height_px=66)
    found = find_maps(video, "speed")
    assert (np.diff(found.times_s) > 0).all()
    still = find_maps(write_video(tmp_path / "one.mp4", [Fraction(0), Fraction(1, 25)]), "speed")
    assert len(still.times_s) == 1
    assert (still.drawn(0.0) == 0).all()


def test_saved_maps_can_be_read_without_this_program(tmp_path: Path) -> None:
    found, path = by_hand(), tmp_path / "maps.npz"
    found.save(path)
    with np.load(path) as held:
        assert held["schema"] == "speediness.heatmap/1"
        assert str(held["kind"]) == "speed"
        assert (held["maps"] == found.maps).all()
        assert (held["moving"] == found.moving).all()
        assert (held["times_s"] == found.times_s).all()
        assert held["cuts_s"].tolist() == [0.2]
    with pytest.raises(OutputError, match="cannot write"):
        found.save(tmp_path / "missing" / "maps.npz")
    assert [p.name for p in tmp_path.iterdir()] == ["maps.npz"]
