from pathlib import Path

import numpy as np
import pytest

from synthetic import Image, steady, write_video

pytest.importorskip("lancedb")

RATE = 12
N_VIDEOS = 4


def swinging(number: int, speed: float, seed: int) -> Image:
    """A textured square that swings over a textured wall."""
    rng = np.random.default_rng(seed)
    image = rng.integers(60, 120, (6, 8, 3)).repeat(8, 0).repeat(8, 1).astype(np.uint8)
    left = round(24 + 20 * np.sin(number * speed))
    image[16:32, left : left + 16] = rng.integers(120, 255, (4, 4, 3)).repeat(4, 0).repeat(4, 1)
    return image


def make(path: Path, seed: int, seconds: float = 2.5) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    return write_video(
        path,
        steady(int(seconds * RATE), RATE),
        width_px=64,
        height_px=48,
        draw_frame=lambda i: swinging(i, 0.1 * (seed + 1), seed),
    )


@pytest.fixture(scope="session")
def stored_videos(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("stored")
    return [make(folder / f"film-{seed}.mp4", seed) for seed in range(N_VIDEOS)]


@pytest.fixture
def videos(stored_videos: list[Path], tmp_path: Path) -> Path:
    """A folder of four videos, one of them in a folder of its own, and one file that is none."""
    folder = tmp_path / "films"
    (folder / "below").mkdir(parents=True)
    for video in stored_videos[:-1]:
        (folder / video.name).write_bytes(video.read_bytes())
    (folder / "below" / "it's 100%_ours.mp4").write_bytes(stored_videos[-1].read_bytes())
    (folder / "notes.txt").write_text("no video")
    return folder
