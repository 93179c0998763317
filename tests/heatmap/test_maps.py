from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import get_args

import numpy as np
import pytest

from scripted_runtime import grey_motion_runtime
from speediness.analysis import shot
from speediness.clip import ClipSpec
from speediness.errors import OutputError
from speediness.heatmap.maps import FAINTEST, HeatMaps, find_maps
from speediness.heatmap.squares import MapKind
from speediness.runtime.network import Network
from speediness.runtime.protocol import Floats, Indices, Outputs, Pixels, Runtime
from synthetic import Image, steady, uneven, write_video

CLIP = ClipSpec(n_frames=16, frame_rate=Fraction(8), size_px=56)


def network_of(runtime: Runtime) -> Network:
    """A network that runs nothing but this."""
    network = Network.__new__(Network)
    network.runtime, network.clip = runtime, CLIP
    return network


def changes_runtime() -> Runtime:
    """Motion is how much grey levels change; the rest is that of the runtime of grey levels."""
    plain = grey_motion_runtime(CLIP, margin=4)
    assert plain.measure is not None
    measure = plain.measure

    def changes(before: Pixels, after: Pixels) -> Floats:
        change = np.abs(after.astype(np.int16) - before)
        # What a codec changes is no motion.
        change = np.where(change < 16, 0, change).astype(np.uint8)
        return measure(change, change)

    return replace(plain, measure=changes)


NETWORK = network_of(changes_runtime())


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
    """Left half: a texture that slides, its upper part faster; right half: still texture."""
    wall = np.random.default_rng(3).integers(60, 200, (16, 32)).repeat(8, 0).repeat(8, 1).astype(np.uint8)
    wall[:64, :128] = np.roll(wall[:64, :128], 3 * number, 1)
    wall[64:, :128] = np.roll(wall[64:, :128], number, 1)
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


def write_crossing(path: Path, n_frames: int = 75, rate: int = 25, cut: int = 9999) -> Path:
    """A video of 2:1; other_scene from frame ``cut`` on."""

    def frame(number: int) -> Image:
        return crossing(number) if number < cut else other_scene(number)

    return write_video(path, steady(n_frames, rate), width_px=256, height_px=128, draw_frame=frame)


def test_the_moving_half_drives_the_prediction(tmp_path: Path) -> None:
    found = find_maps(write_crossing(tmp_path / "a.mp4"), network=NETWORK)
    assert found.maps.shape == found.moving.shape == (len(found.times_s), 14, 28)
    assert found.times_s == pytest.approx((np.arange(23) + 0.5) / 8)
    assert found.duration_s == pytest.approx(3)
    assert found.region == (0, 0, 1, 1)
    assert found.warnings == ()
    drawn = np.mean([found.drawn(time_s) for time_s in found.times_s], 0)
    assert drawn[:, :13].mean() > 5 * drawn[:, 16:].mean()
    assert found.moving[:, :, :13].mean(dtype=np.float64) > 0.9
    assert found.moving[:, :, 16:].max() < 0.1


def test_the_signed_map_is_higher_where_things_move_faster(tmp_path: Path) -> None:
    found = find_maps(write_crossing(tmp_path / "a.mp4"), "speed", network=NETWORK)
    mean = found.maps.astype(np.float32).mean(0)
    upper, lower, right = mean[:5, :12].mean(), mean[9:, :12].mean(), mean[:, 20:].mean()
    assert upper > 1.2 * lower
    assert lower > 2 * right


def test_shots_keep_to_themselves(tmp_path: Path) -> None:
    found = find_maps(write_crossing(tmp_path / "a.mp4", 120, cut=60), network=NETWORK)
    assert found.shot_starts_s == (0, 2.4)
    assert found.shot_starts == (0, 18)  # the last frame of a shot is 2.36 s after its first
    assert found.times_s[17:19] == pytest.approx([17.5 / 8, 2.4 + 0.5 / 8])
    before, after = found.drawn(2.39), found.drawn(2.41)
    assert before[:, :12].mean() > 5 * before[:, 16:].mean()
    assert after[:, 16:].mean() > 5 * after[:, :12].mean()


@pytest.mark.parametrize("kind", get_args(MapKind))
def test_nothing_is_drawn_in_a_shot_shorter_than_a_window(tmp_path: Path, kind: MapKind) -> None:
    found = find_maps(write_crossing(tmp_path / "a.mp4", 105, cut=80), kind, network=NETWORK)
    assert found.shot_starts_s == (0, 3.2)
    assert found.times_s[found.shot_starts[1] :].tolist() == [3.2]
    assert np.abs(found.drawn(3.1)).max() > 0.5
    assert (found.drawn(3.2) == 0).all() and (found.drawn(9) == 0).all()
    (warning,) = found.warnings
    assert "1 of 2 shots" in warning and "1.25 s" in warning


@pytest.mark.parametrize("kind", get_args(MapKind))
def test_a_long_shot_in_pieces_is_as_in_one(
    tmp_path: Path, kind: MapKind, monkeypatch: pytest.MonkeyPatch
) -> None:
    video = write_crossing(tmp_path / "a.mp4", 141, 10)  # 14 s
    lengths, classify = [], NETWORK.runtime.classify
    assert classify is not None

    def counting(motion: Floats, scene: Floats | None = None, scene_of: Indices | None = None) -> Outputs:
        lengths.append(motion.shape[1])
        return classify(motion, scene, scene_of)

    network = network_of(replace(NETWORK.runtime, classify=counting))
    whole = find_maps(video, kind, network=network)
    assert set(lengths) == {112}
    lengths.clear()
    monkeypatch.setattr(shot, "CHUNK_S", 3.0)
    pieces = find_maps(video, kind, network=network)
    assert len(lengths) >= 8 and max(lengths) < 60
    assert pieces.times_s == pytest.approx(whole.times_s)
    for ours, theirs in ((pieces.maps, whole.maps), (pieces.moving, whole.moving)):
        assert np.abs(ours.astype(np.float32) - theirs).max() < 0.02


def test_uneven_times_odd_sizes_and_a_single_frame(tmp_path: Path) -> None:
    times_s = uneven(60)

    def frame(number: int) -> Image:
        return np.ascontiguousarray(crossing(number)[:84, :150])

    video = write_video(tmp_path / "uneven.mp4", times_s, width_px=150, height_px=84, draw_frame=frame)
    found = find_maps(video, "speed", network=NETWORK)
    assert len(found.times_s) == int(times_s[-2] * 8)
    assert (np.diff(found.times_s) > 0).all()
    assert found.maps.shape[1:] == (14, 24)
    assert found.region == pytest.approx((4 / 200, 0, 196 / 200, 1))
    still = find_maps(
        write_video(tmp_path / "one.mp4", [Fraction(0), Fraction(1, 25)]), "speed", network=NETWORK
    )
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
