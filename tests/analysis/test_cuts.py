import numpy as np
import pytest

from speediness.analysis.cuts import CutDetector


def scene(seed: int, height: int = 64, width: int = 112) -> np.ndarray:
    """A smooth random picture."""
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


def test_a_film_that_changes_altogether_in_every_frame_has_no_shots() -> None:
    assert len(cuts_of([scene(n) for n in range(60)])) <= 1


def test_a_fine_pattern_that_slides_has_no_cuts() -> None:
    pattern = np.random.default_rng(0).integers(0, 256, (64, 400)).astype(float)
    assert cuts_of([pattern[:, 3 * n : 3 * n + 112] for n in range(60)]) == []


@pytest.mark.parametrize("shape", [(1, 1), (7, 300), (64, 64)])
def test_pictures_of_any_size_are_taken(shape: tuple[int, int]) -> None:
    assert cuts_of([np.full(shape, level) for level in (10, 10, 10)]) == []
