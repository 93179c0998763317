from pathlib import Path

import numpy as np
import pytest
import torch

from speediness.datasets.clip_cache import CachedFilm, ClipCache
from speediness.datasets.video_list import VideoItem
from speediness.models.speednet import NORMAL
from speediness.tasks.speed_class import SpeedClassTask
from speediness.training.augment import apply_look, draw_looks
from speediness.training.loader import Loader
from speediness.training.recipe import smoke

CLIP = smoke().config.clip


@pytest.fixture
def films(walkers: list[VideoItem], cache_folder: Path) -> list[CachedFilm]:
    return ClipCache(cache_folder, 2 * CLIP.size_px, 1).films(walkers, print)


def test_a_batch_depends_on_seed_and_step_alone(films: list[CachedFilm]) -> None:
    loader = Loader(films, SpeedClassTask(), CLIP, 2, seed=3)
    loader.batch(0)
    fresh = Loader(films, SpeedClassTask(), CLIP, 2, seed=3)
    torch.testing.assert_close(loader.batch(5).clips_BTHWC, fresh.batch(5).clips_BTHWC)
    assert not torch.equal(fresh.batch(5).clips_BTHWC, fresh.batch(6).clips_BTHWC)
    other = Loader(films, SpeedClassTask(), CLIP, 2, seed=4)
    assert not torch.equal(fresh.batch(5).clips_BTHWC, other.batch(5).clips_BTHWC)


def test_a_batch_has_the_shape_the_network_wants(films: list[CachedFilm]) -> None:
    batch = Loader(films, SpeedClassTask(), CLIP, 3, seed=0).batch(0)
    assert batch.clips_BTHWC.shape == (12, 16, 32, 32, 1)
    assert batch.clips_BTHWC.dtype == torch.uint8
    assert batch.intervals_BS.shape == (12, 15)


def test_neither_class_is_sampled_less_regularly_than_the_other(films: list[CachedFilm]) -> None:
    """What the network is told of the frames' spacing must not give the label away."""
    loader = Loader(films, SpeedClassTask(), CLIP, 4, seed=0)
    mean: dict[bool, list[float]] = {True: [], False: []}
    for step in range(12):
        for n, spacing in enumerate(loader.batch(step).intervals_BS):
            mean[n % 2 == NORMAL].append(float(spacing.mean()))
    assert np.mean(mean[True]) == pytest.approx(np.mean(mean[False]), abs=0.08)


def test_sources_count_by_the_root_of_their_length(films: list[CachedFilm]) -> None:
    shared = [
        CachedFilm(
            VideoItem(f.item.path, "same" if n < 4 else f.item.source), f.times_s, f.frames_FHWC, f.activity
        )
        for n, f in enumerate(films)
    ]
    share = Loader(shared, SpeedClassTask(), CLIP, 1, 0).probability
    assert share.sum() == pytest.approx(1)
    assert share[:4].sum() / share[4] == pytest.approx(2, rel=0.03)  # four times as long, twice as often


def test_looks_cut_squares_inside_the_picture_the_second_within_the_first() -> None:
    for seed in range(300):
        rng = np.random.default_rng(seed)
        plain, magnified = draw_looks(64, 113, rng.random((64, 113)), rng)
        assert plain.top >= 0 and plain.left >= 0
        assert plain.top + plain.side_px <= 64 and plain.left + plain.side_px <= 113
        assert 1.5 < plain.side_px / magnified.side_px < 2.4
        assert plain.top <= magnified.top
        assert magnified.top + magnified.side_px <= plain.top + plain.side_px
        assert magnified.left + magnified.side_px <= plain.left + plain.side_px


def test_every_frame_of_a_clip_gets_the_same_look() -> None:
    rng = np.random.default_rng(0)
    frame = rng.integers(0, 256, (1, 64, 96, 1), np.uint8)
    look = draw_looks(64, 96, np.ones((64, 96)), rng)[0]
    still = np.repeat(frame, 16, 0)
    clip = apply_look(still, type(look)(**{**vars(look), "noise": 0.0}), 32, rng)
    assert clip.shape == (16, 32, 32, 1) and clip.dtype == torch.uint8
    assert (clip == clip[:1]).all()
