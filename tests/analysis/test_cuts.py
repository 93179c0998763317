import numpy as np
import pytest

from speediness.analysis.border import Border, BorderFinder
from speediness.analysis.cuts import CutDetector


def scene(seed: int, height: int = 64, width: int = 112) -> np.ndarray:
    """A smooth random frame."""
    rng = np.random.default_rng(seed)
    coarse = rng.uniform(20, 235, (9, 15))
    rows, columns = np.linspace(0, 8, height), np.linspace(0, 14, width)
    tall = np.stack([np.interp(rows, np.arange(9), column) for column in coarse.T], 1)
    return np.stack([np.interp(columns, np.arange(15), row) for row in tall])


def cuts_of(frames: list[np.ndarray]) -> list[int]:
    detector = CutDetector()
    return [n for n, frame in enumerate(frames) if detector.is_cut(np.clip(frame, 0, 255).astype(np.uint8))]


def test_cuts_between_scenes_are_found_at_their_first_frame() -> None:
    rng = np.random.default_rng(0)
    frames = [scene(s) + rng.normal(0, 3, (64, 112)) for s in (1, 2, 3) for _ in range(20)]
    assert cuts_of(frames) == [20, 40]


def test_fast_panning_is_no_cut() -> None:
    wide = scene(0, width=600)
    assert cuts_of([wide[:, 6 * n : 6 * n + 112] for n in range(80)]) == []


def test_a_flash_and_a_fade_are_no_cuts() -> None:
    still = scene(1)
    flash = [still] * 10 + [still * 0.3 + 160] + [still] * 10
    assert cuts_of(flash) == []
    assert cuts_of([still * level for level in np.linspace(1, 0.05, 25)]) == []


def test_a_scene_that_follows_black_is_a_new_shot() -> None:
    assert cuts_of([np.zeros((64, 112))] * 10 + [scene(1)] * 10) == [10]


def test_two_cuts_in_quick_succession_are_both_found() -> None:
    frames = [scene(1)] * 15 + [scene(2)] * 4 + [scene(3)] * 15
    assert cuts_of(frames) == [15, 19]


def test_a_video_that_changes_altogether_in_every_frame_has_no_shots() -> None:
    assert len(cuts_of([scene(n) for n in range(60)])) <= 1


def test_a_fine_pattern_that_slides_has_no_cuts() -> None:
    pattern = np.random.default_rng(0).integers(0, 256, (64, 400)).astype(float)
    assert cuts_of([pattern[:, 3 * n : 3 * n + 112] for n in range(60)]) == []


@pytest.mark.parametrize("shape", [(1, 1), (7, 300), (64, 64)])
def test_frames_of_any_size_are_taken(shape: tuple[int, int]) -> None:
    assert cuts_of([np.full(shape, level) for level in (10, 10, 10)]) == []


@pytest.mark.parametrize(
    ("above", "beside", "level"), [(12, 0, 0), (22, 0, 255), (0, 40, 16), (8, 30, 128)]
)
def test_bars_hide_no_cut(above: int, beside: int, level: int) -> None:
    rng = np.random.default_rng(0)
    shots = [scene(s)[:, n : n + 100] for s in range(12) for n in range(10)]
    inside = [shot + rng.normal(0, 3, shot.shape) for shot in shots]
    framed = [
        np.pad(image, ((above, above), (beside, beside)), constant_values=level) + rng.normal(0, 1, ())
        for image in inside
    ]
    assert cuts_of(inside) == list(range(10, 120, 10))
    assert cuts_of(framed) == cuts_of(inside)


def test_the_border_is_what_was_plain_in_every_frame() -> None:
    rng = np.random.default_rng(0)
    finder = BorderFinder()
    images = np.zeros((5, 60, 80), np.uint8)
    images[:, 7:50, 3:] = rng.integers(60, 255, (5, 43, 77))
    border, image = [finder.add(image) for image in images][-1], images[-1]
    assert border == Border(7, 10, 3, 0)
    assert border.inside(image).shape == (43, 77) and border.inside(image).min() >= 60
    image[2, 40] = 255  # something shows in the bar
    assert finder.add(image) == Border(2, 10, 3, 0)


def test_a_border_is_forgotten_when_the_bars_change() -> None:
    wide, tall = np.zeros((60, 80), np.uint8), np.zeros((60, 80), np.uint8)
    wide[20:40], tall[:, 30:50] = 100 + np.arange(80), 100 + np.arange(60)[:, None]
    finder = BorderFinder()
    borders = [finder.add(image) for image in [wide] * 50 + [tall] * 250]
    assert borders[49] == Border(20, 20, 0, 0) and borders[-1] == Border(0, 0, 30, 30)


def test_a_plain_frame_has_no_border() -> None:
    assert BorderFinder().add(np.full((60, 80), 3, np.uint8)) == Border()
