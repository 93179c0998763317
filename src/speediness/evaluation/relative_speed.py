"""What RSPNet's pretext tasks have taught, measured on films never trained on."""

# F films, B clips, E embedding

from __future__ import annotations

import zlib
from collections.abc import Iterator, Sequence

import numpy as np
from torch import Tensor

from speediness import sampling
from speediness.datasets.augment import draw_look
from speediness.datasets.clip_cache import CachedFilm
from speediness.datasets.film import Film
from speediness.evaluation.centre_clips import Clip, centre_clip, looked_clip, seen
from speediness.evaluation.speed_accuracy import ZOOM
from speediness.models.rspnet import SPEEDS, RSPNet

TRIPLETS = 4  # a film
LOOK_ZOOM = 1.6  # RSPNet crops 40 % of the area or more


def ranked_right(network: RSPNet, films: Sequence[CachedFilm]) -> float:
    """Share of triplets whose query is nearer to the key of its own speed; chance is one half.

    Query and keys are drawn from random moments of a film, the keys from the same moment.
    """
    motion_BE, _ = _embedded(network, (clip for film in films for clip in _triplets(film, network)))
    query_VE, same_VE, other_VE = motion_BE.unflatten(0, (-1, 3)).unbind(1)
    return float(((query_VE * same_VE).sum(1) > (query_VE * other_VE).sum(1)).float().mean())


def same_film_found(network: RSPNet, films: Sequence[CachedFilm], changed: bool = False) -> float:
    """Share of films whose clip at one quarter is nearest to their own, of all clips at three quarters.

    Args:
        network: on any device.
        films: to be told apart.
        changed: every clip is another square of the picture, tinted, blurred and mirrored as in
            training; without, clips of one film often have the very same colours and edges, and a
            network at its random start finds many.
    """
    clips = (clip for film in films for clip in _halves(film, network, changed))
    _, appearance_BE = _embedded(network, clips)
    first_FE, second_FE = appearance_BE.unflatten(0, (-1, 2)).unbind(1)
    nearest_F = (first_FE @ second_FE.T).argmax(1).numpy()
    return float((nearest_F == np.arange(len(nearest_F))).mean())


def _embedded(network: RSPNet, clips: Iterator[Clip]) -> tuple[Tensor, ...]:
    return seen(network.eval(), clips, next(network.parameters()).device)


def _triplets(stored: CachedFilm, network: RSPNet) -> Iterator[Clip]:
    clip = network.config.clip
    film: Film = stored.at(ZOOM * clip.size_px)
    rng = np.random.default_rng(0)
    for n in range(TRIPLETS):
        query_s, keys_s = rng.uniform(0, max(film.end_s - 2 * clip.duration_s, 0), size=2)
        own, other = SPEEDS[n % 2], SPEEDS[1 - n % 2]
        for start_s, factor in ((query_s, own), (keys_s, own), (keys_s, other)):
            times_s = sampling.play_at(start_s, factor, clip.n_frames, clip.frame_rate)
            yield centre_clip(film, times_s, factor, clip)


def _halves(stored: CachedFilm, network: RSPNet, changed: bool) -> Iterator[Clip]:
    clip = network.config.clip
    film: Film = stored.at(ZOOM * clip.size_px)
    # Of its own for every film, so that a film is changed alike whatever others there are.
    rng = np.random.default_rng(zlib.crc32(stored.item.path.name.encode()))
    for share in (0.25, 0.75):
        times_s = sampling.window_around(share * film.end_s, 1.0, clip.n_frames, clip.frame_rate)
        if changed:
            height, width = film.frames_FHWC.shape[1:3]
            yield looked_clip(film, times_s, 1.0, clip, draw_look(height, width, rng, LOOK_ZOOM))
        else:
            yield centre_clip(film, times_s, 1.0, clip)
