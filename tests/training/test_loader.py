from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from speediness.datasets.augment import apply_looks, draw_look
from speediness.datasets.clip_cache import CachedFilm, ClipCache
from speediness.datasets.video_list import VideoItem
from speediness.errors import SpeedinessError
from speediness.models.speednet import NORMAL
from speediness.tasks.speed_class import SpeedClassTask
from speediness.training.loader import Loader
from speediness.training.pixels import ResidentPixels
from speediness.training.recipe import smoke

CLIP = smoke().config.clip


@pytest.fixture
def films(walkers: list[VideoItem], cache_folder: Path) -> Sequence[CachedFilm]:
    return ClipCache(cache_folder, 2 * CLIP.size_px, 1).films(walkers, print)


def test_a_batch_depends_on_seed_and_step_alone(films: Sequence[CachedFilm]) -> None:
    loader = Loader(films, SpeedClassTask(), CLIP, 2, seed=3)
    loader.batch(0)
    fresh = Loader(films, SpeedClassTask(), CLIP, 2, seed=3)
    torch.testing.assert_close(loader.batch(5).clips_BTHWC, fresh.batch(5).clips_BTHWC)
    assert not torch.equal(fresh.batch(5).clips_BTHWC, fresh.batch(6).clips_BTHWC)
    other = Loader(films, SpeedClassTask(), CLIP, 2, seed=4)
    assert not torch.equal(fresh.batch(5).clips_BTHWC, other.batch(5).clips_BTHWC)


def test_a_batch_has_the_shape_the_network_wants(films: Sequence[CachedFilm]) -> None:
    batch = Loader(films, SpeedClassTask(), CLIP, 3, seed=0).batch(0)
    assert batch.clips_BTHWC.shape == (6, 16, 32, 32, 1)
    assert batch.clips_BTHWC.dtype == torch.uint8
    assert batch.intervals_BS.shape == (6, 15)


def test_neither_class_is_sampled_less_regularly_than_the_other(films: Sequence[CachedFilm]) -> None:
    """What the network is told of the frames' spacing must not give the label away."""
    loader = Loader(films, SpeedClassTask(), CLIP, 4, seed=0)
    mean: dict[bool, list[float]] = {True: [], False: []}
    for step in range(12):
        for n, spacing in enumerate(loader.batch(step).intervals_BS):
            mean[n % 2 == NORMAL].append(float(spacing.mean()))
    assert np.mean(mean[True]) == pytest.approx(np.mean(mean[False]), abs=0.08)


def test_sources_count_by_the_root_of_their_length(films: Sequence[CachedFilm]) -> None:
    shared = [
        replace(film, item=VideoItem(film.item.path, "same" if n < 4 else film.item.source))
        for n, film in enumerate(films)
    ]
    share = Loader(shared, SpeedClassTask(), CLIP, 1, 0).probability
    assert share.sum() == pytest.approx(1)
    assert share[:4].sum() / share[4] == pytest.approx(2, rel=0.03)  # four times as long, twice as often


@pytest.mark.parametrize("channels", [1, 3])
def test_films_held_in_memory_give_the_same_clips_as_films_on_disk(
    channels: int, walkers: list[VideoItem], cache_folder: Path
) -> None:
    clip = replace(CLIP, channels=channels)
    films = ClipCache(cache_folder, 2 * clip.size_px, channels).films(walkers, print, recompressed=1)
    resident = ResidentPixels(films, torch.device("cpu"))
    mapped = Loader(films, SpeedClassTask(), clip, 4, seed=5).batch(7)
    held = Loader(films, SpeedClassTask(), clip, 4, seed=5, pixels=resident).batch(7)
    assert mapped.origins == held.origins
    torch.testing.assert_close(held.intervals_BS, mapped.intervals_BS)
    difference = held.clips_BTHWC.int() - mapped.clips_BTHWC.int()
    assert difference.abs().max() <= 1


@pytest.mark.parametrize("same_batch", [True, False])
def test_the_parts_of_several_processes_are_the_batch_of_one(
    films: Sequence[CachedFilm], same_batch: bool
) -> None:
    task = SpeedClassTask(same_batch=same_batch)
    whole = Loader(films, task, CLIP, 6, seed=1).batch(2)
    parts = [Loader(films, task, CLIP, 6, seed=1, part=(rank, 3)).batch(2) for rank in range(3)]
    for name in ("clips_BTHWC", "intervals_BS", "labels_B"):
        assert torch.equal(torch.cat([getattr(part, name) for part in parts]), getattr(whole, name))
    with pytest.raises(SpeedinessError, match="multiple"):
        Loader(films, task, CLIP, 6, seed=1, part=(0, 4))


def test_recompressed_copies_are_drawn_as_often_as_films_and_for_whole_windows(
    walkers: list[VideoItem], cache_folder: Path
) -> None:
    films = ClipCache(cache_folder, 2 * CLIP.size_px, 1).films(walkers, print, recompressed=2)
    loader = Loader(films, SpeedClassTask(), CLIP, 1, seed=0)
    drawn = [[cut.copy for cut in loader.draw(step)] for step in range(150)]
    assert all(len(set(copies)) == 1 for copies in drawn)
    counts = np.bincount([copies[0] for copies in drawn], minlength=3)
    assert len(counts) == 3 and counts.min() > 30


def test_looks_cut_squares_inside_the_picture_of_every_zoom() -> None:
    looks = [draw_look(64, 113, np.random.default_rng(seed)) for seed in range(300)]
    for look in looks:
        assert look.top >= 0 and look.left >= 0
        assert look.top + look.side_px <= 64 and look.left + look.side_px <= 113
    assert min(look.side_px for look in looks) < 24 and max(look.side_px for look in looks) > 60


def test_without_spatial_augmentation_a_clip_is_the_centre_square(films: Sequence[CachedFilm]) -> None:
    task = SpeedClassTask(temporal="none")
    batch = Loader(films[:1], task, CLIP, 1, seed=0, spatial=False).batch(0)
    film = films[0].frames_FHWC
    height, width = film.shape[1:3]
    left = (width - height) // 2
    squares = torch.from_numpy(film[:, :, left : left + height].copy()).permute(0, 3, 1, 2).float()
    small = F.interpolate(squares, size=(32, 32), mode="bilinear", antialias=True).permute(0, 2, 3, 1)
    for clip in batch.clips_BTHWC.float():
        for frame in clip:
            assert (small - frame).abs().amax((1, 2, 3)).min() <= 0.5


def test_without_same_batch_every_clip_has_a_window_of_its_own(films: Sequence[CachedFilm]) -> None:
    task = SpeedClassTask(same_batch=False)
    batch = Loader(films, task, CLIP, 40, seed=0).batch(0)
    assert batch.clips_BTHWC.shape[0] == 40 and 8 < batch.labels_B.sum() < 32


def test_every_frame_of_a_clip_gets_the_same_look() -> None:
    rng = np.random.default_rng(0)
    frame = rng.integers(0, 256, (1, 64, 96, 1), np.uint8)
    look = draw_look(64, 96, rng)
    still = np.repeat(frame, 16, 0)
    square = still[:, look.top : look.top + look.side_px, look.left : look.left + look.side_px]
    (clip,) = apply_looks([torch.from_numpy(square)], [replace(look, noise=0)], [0], 32)
    assert clip.shape == (16, 32, 32, 1) and clip.dtype == torch.uint8
    assert (clip == clip[:1]).all()
