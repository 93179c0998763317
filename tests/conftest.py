from fractions import Fraction
from itertools import count
from pathlib import Path

import numpy as np
import pytest

from speediness.datasets.video_list import VideoItem
from synthetic import Image, steady, write_video

NUMBERS = count()


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip what needs a GPU where there is none; torch is only imported for tests that need it."""
    if item.get_closest_marker("cuda") is not None:
        import torch

        if not torch.cuda.is_available():
            pytest.skip("no NVIDIA GPU on this machine")


def walker(number: int, speed_px: float, seed: int) -> Image:
    """A textured disc that swings to and fro over a textured wall."""
    rng = np.random.default_rng(seed)
    wall = rng.integers(60, 120, (12, 16, 3)).repeat(8, 0).repeat(8, 1).astype(np.uint8)
    disc = rng.integers(120, 255, (4, 4, 3)).repeat(8, 0).repeat(8, 1).astype(np.uint8)
    left = round(48 + 40 * np.sin(number * speed_px / 40))
    frame = wall.copy()
    frame[32:64, left : left + 32] = disc
    return frame


@pytest.fixture(scope="session")
def results_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("results")


@pytest.fixture(autouse=True)
def no_results_of_other_days(monkeypatch: pytest.MonkeyPatch, results_root: Path) -> None:
    """Tests neither use nor fill the results kept for whoever runs them; each has a folder of its own."""
    monkeypatch.setenv("SPEEDINESS_CACHE", str(results_root / str(next(NUMBERS))))


@pytest.fixture(autouse=True)
def tables_are_not_broken(monkeypatch: pytest.MonkeyPatch) -> None:
    """Processes that share out the tests have a width, as if there were a terminal."""
    monkeypatch.delenv("COLUMNS", raising=False)


@pytest.fixture(scope="session")
def walkers(tmp_path_factory: pytest.TempPathFactory) -> list[VideoItem]:
    """Eight videos of two seconds from eight sources, at various frame rates and speeds."""
    folder = tmp_path_factory.mktemp("walkers")
    items = []
    for n, rate in enumerate((24, 25, 30, 50, Fraction(30000, 1001), 25, 30, 60)):
        path = write_video(
            folder / f"walker-{n}.mp4",
            steady(int(2 * rate), rate),
            width_px=128,
            height_px=96,
            draw_frame=lambda i, n=n, rate=rate: walker(i, (20 + 15 * n) / float(rate), n),
        )
        items.append(VideoItem(path, f"source-{n}"))
    return items


@pytest.fixture(scope="session")
def cache_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")
