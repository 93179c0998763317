"""What a frozen network sees in whole films: one vector a film (SpeedNet §5.4.2)."""

# F films, C clips, D features

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from speediness.datasets.clip_cache import CachedFilm
from speediness.evaluation.centre_clips import seen
from speediness.evaluation.recognition import ten_clips
from speediness.models.encoder import Encoder

Pool = Literal["max", "mean"]


@dataclass(frozen=True)
class FilmFeatures:
    """Features of films, their classes and their sources."""

    vectors_FD: NDArray[np.float32]
    labels: tuple[str, ...]
    sources: tuple[str, ...]


def film_features(
    encoder: Encoder,
    films: Sequence[CachedFilm],
    pool: Pool = "max",
    crops: np.random.Generator | None = None,
) -> FilmFeatures:
    """The mean over ten clips of a film's features, pooled over space and averaged over time.

    Args:
        encoder: any network; put into evaluation mode, its head is not asked.
        films: with labels.
        pool: over space; max in SpeedNet §3.2 and in RSPNet's supplement, mean in RSPNet's code.
        crops: draws squares of the picture; None: the middle one.
    """
    device = next(encoder.parameters()).device
    encoder.eval()

    def pooled(clips_BTHWC: Tensor, intervals_BS: Tensor) -> tuple[Tensor]:
        maps_BDThw = encoder.encode(clips_BTHWC, intervals_BS)
        return ((maps_BDThw.amax((3, 4)) if pool == "max" else maps_BDThw.mean((3, 4))).mean(2),)

    vectors = []
    for film in films:
        (vectors_CD,) = seen(pooled, ten_clips(film, encoder.config.clip, crops=crops), device)
        vectors.append(vectors_CD.mean(0).numpy())
    return FilmFeatures(
        np.stack(vectors),
        tuple(film.item.label or "" for film in films),
        tuple(film.item.source for film in films),
    )
