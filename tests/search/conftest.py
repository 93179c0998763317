from pathlib import Path

import numpy as np
import pytest

from synthetic import Picture, steady, write_film

pytest.importorskip("lancedb")

RATE = 12
N_FILMS = 4


def swinging(number: int, speed: float, seed: int) -> Picture:
    """A textured square that swings over a textured wall."""
    rng = np.random.default_rng(seed)
    picture = rng.integers(60, 120, (6, 8, 3)).repeat(8, 0).repeat(8, 1).astype(np.uint8)
    left = round(24 + 20 * np.sin(number * speed))
    picture[16:32, left : left + 16] = rng.integers(120, 255, (4, 4, 3)).repeat(4, 0).repeat(4, 1)
    return picture


def make(path: Path, seed: int, seconds: float = 2.5) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    return write_film(
        path,
        steady(int(seconds * RATE), RATE),
        width_px=64,
        height_px=48,
        picture=lambda i: swinging(i, 0.1 * (seed + 1), seed),
    )


@pytest.fixture(scope="session")
def stored_films(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("stored")
    return [make(folder / f"film-{seed}.mp4", seed) for seed in range(N_FILMS)]


@pytest.fixture
def films(stored_films: list[Path], tmp_path: Path) -> Path:
    """A folder of four films, one of them in a folder of its own, and one file that is none."""
    folder = tmp_path / "films"
    (folder / "below").mkdir(parents=True)
    for film in stored_films[:-1]:
        (folder / film.name).write_bytes(film.read_bytes())
    (folder / "below" / "it's 100%_ours.mp4").write_bytes(stored_films[-1].read_bytes())
    (folder / "notes.txt").write_text("no film")
    return folder
