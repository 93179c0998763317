from contextlib import nullcontext
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from speediness.results.curve import Segment, SpeedinessCurve
from speediness.sampling import playback_factors
from synthetic import steady, tone, write_video

SECONDS, RATE = 2.4, 25


def wandering_spot(number: int) -> NDArray[np.uint8]:
    """A video of one shot: a soft bright spot that crosses a soft background."""
    rows, columns = np.mgrid[:64, :96]
    spot = np.exp(-((columns - 20 - number) ** 2 + (rows - 32) ** 2) / 200)
    luma = 80 + 40 * np.sin(columns / 15) + 100 * spot
    return np.repeat(luma.astype(np.uint8)[:, :, None], 3, 2)


@pytest.fixture(scope="session")
def stored_video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("films") / "walk.mp4"
    return write_video(
        path, steady(round(SECONDS * RATE), RATE), draw_frame=wandering_spot, sound_CN=tone(SECONDS)
    )


@pytest.fixture
def video(stored_video: Path, tmp_path: Path) -> Path:
    """A short video with sound, alone in a folder."""
    folder = tmp_path / "films"
    folder.mkdir()
    path = folder / "walk.mp4"
    path.write_bytes(stored_video.read_bytes())
    return path


@pytest.fixture
def curve_file(tmp_path: Path) -> Path:
    """A curve of that video, made by hand: the first half can be played faster."""
    times_s = np.arange(round(SECONDS * RATE)) / RATE
    factors = playback_factors()
    reach = np.where(times_s < SECONDS / 2, 4.0, 1.3)
    normal = np.stack([np.where(factor <= reach, 0.9, 0.1) for factor in factors]).astype(np.float32)
    curve = SpeedinessCurve(
        times_s,
        SECONDS,
        factors,
        normal,
        np.ones(len(times_s), np.float32),
        (Segment(0, 1.2, "slow_motion", 0.5, 0.8), Segment(1.2, 2.4, "natural", 1, 0.9)),
    )
    path = tmp_path / "by-hand.json"
    curve.save(path)
    return path


@pytest.fixture
def stopped_by_user(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C is pressed at the first sign of progress."""

    def report(done_s: float, total_s: float) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("speediness.progress.progress_bar", lambda *_, **__: nullcontext(report))
