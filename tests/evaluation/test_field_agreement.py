"""Motion at twice the speed, cut from the field between all frames, is that of every second frame.

As far as every second frame shows it: of what moves fast they show less.
"""

import runpy
from pathlib import Path

import numpy as np

ROOT = Path(__file__).parents[2]
SCRIPT = runpy.run_path(str(ROOT / "benchmarks" / "field_agreement.py"))
both_fields, by_speed, shots, BIN_S = (
    SCRIPT[name] for name in ("both_fields", "by_speed", "shots", "BIN_S")
)
RATE = 30


def place(times_s: np.ndarray) -> np.ndarray:
    """(2, F) how far the texture has moved, in pixels: to and fro, and down ever faster."""
    return np.stack([8 * np.sin(2 * np.pi * times_s / 3), 3 * times_s**2 / 2])


def waves(times_s: np.ndarray) -> np.ndarray:
    """Frames (F, 56, 80, 1) of a texture without edges, exact between pixels too."""
    rng = np.random.default_rng(0)
    rows, columns = np.mgrid[:56, :80]
    luma = np.zeros((len(times_s), 56, 80))
    for _ in range(24):
        across, down = rng.normal(0, 0.35, 2)
        phase = rng.uniform(0, 2 * np.pi)
        x, y = place(times_s)[:, :, None, None]
        luma += np.sin(across * (columns - x) + down * (rows - y) + phase)
    return (np.clip(128 + 12 * luma, 0, 255) + 0.5).astype(np.uint8)[..., None]


def test_both_fields_see_a_known_motion() -> None:
    times_s = np.arange(3 * RATE + 1) / RATE
    every, second = both_fields(times_s, waves(times_s))
    edges_s = np.arange(len(every) + 1) * BIN_S
    true_L2 = np.diff(place(edges_s), axis=1).T
    assert np.hypot(*true_L2.T).max() > 3  # pixels a bin
    inner = np.s_[:, :2, 2:-2, 2:-2]
    for bins in (every, second):
        error = np.abs(bins[inner].mean((2, 3)) - true_L2)
        assert error.max() < 0.1 + 0.05 * np.abs(true_L2).max()
    difference = np.hypot(*(every - second)[inner].transpose(1, 0, 2, 3))
    assert difference.mean() < 0.07 * np.hypot(*true_L2.T).mean()


def test_both_fields_agree_on_a_real_video_up_to_what_every_second_frame_shows() -> None:
    pairs = [both_fields(*shot) for shot in shots(ROOT / "examples" / "bikes.mp4")]
    rows = by_speed(*map(list, zip(*pairs, strict=True)))
    assert len(rows) == 7
    for row in rows:
        share = row["second"] / row["every"]
        if row["high"] <= 2:  # pixels a bin
            assert 0.85 < share < 1.05 and row["difference"] < 0.1 + 0.25 * row["every"]
        else:
            assert 0.55 < share < 1.05


def test_cells_are_grouped_by_how_far_they_move() -> None:
    def bins(x: list[float]) -> np.ndarray:
        motion = np.zeros((len(x), 4, 1, 1), np.float32)
        motion[:, 0, 0, 0] = x
        return motion

    rows = by_speed([bins([0.1, 3.0]), bins([-3.2])], [bins([0.1, 2.0]), bins([-3.0])])
    assert [(row["low"], row["high"], row["cells"]) for row in rows] == [(0.0, 0.25, 1), (2.0, 4.0, 2)]
    assert np.isclose(rows[1]["every"], 3.1) and np.isclose(rows[1]["second"], 2.5)
    assert rows[0]["difference"] == 0 and np.isclose(rows[1]["difference"], 0.6)
