"""Colorization by pointing (Vondrick et al. 2018, arXiv 1806.09594): copy the colours of frames before.

Of a clip all but the last frame are references. Each place of the last frame, seen in grey, points at
places of the references, seen in grey too, and gets the mean of their colours. Colours are 16 clusters of
a and b in Lab. A network that finds out where a thing went gets its colour right.
"""

# B clips, T frames, K places of the references, Q places of the last frame, E embedding, C colours

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from speediness.datasets.clip_cache import CachedVideo
from speediness.errors import SpeedinessError
from speediness.evaluation.centre_clips import middle_clip, run_batched, with_clip
from speediness.models.colorizer import COLOURS, Colorizer, cell_colours
from speediness.models.encoder import EncoderConfig
from speediness.training.tasks.place_task import PlaceTask
from speediness.training.tasks.task import Batch, Forward

MOST_FITTED = 300  # videos whose colours the palette is fitted to
LEAST = 1e-20  # under the logarithm: a colour that no reference has costs no more than this


@dataclass(frozen=True)
class ColorizationTask(PlaceTask):
    """Cross-entropy of copied colours."""

    name: ClassVar[str] = "colorization"
    temperature: float = 1.0
    """What inner products are divided by; the paper: nothing."""

    def __post_init__(self) -> None:
        """Refuse what cannot be meant."""
        if self.temperature <= 0:
            raise SpeedinessError("colorization needs a temperature above 0")

    def network(self, config: EncoderConfig) -> Colorizer:
        """See :class:`speediness.training.tasks.task.Task`."""
        return Colorizer(config)

    def prepare(self, network: Colorizer, videos: Sequence[CachedVideo]) -> None:
        """Fit the palette by k-means to the middle frames of videos."""
        from sklearn.cluster import KMeans

        some = videos[:: -(-len(videos) // MOST_FITTED)]
        frames = (video.frames_FHWC[len(video.times_s) // 2] for video in some)
        colours = [
            cell_colours(torch.from_numpy(frame.copy())[None, None]).reshape(-1, 2) for frame in frames
        ]
        k_means = KMeans(COLOURS, n_init=4, random_state=0)  # pyright: ignore[reportArgumentType]
        fitted = k_means.fit(torch.cat(colours).numpy())
        network.palette_K2.copy_(torch.from_numpy(fitted.cluster_centers_))

    def step(
        self, forward: Forward, average: Forward, memory: nn.Module, batch: Batch
    ) -> dict[str, Tensor]:
        """See :class:`speediness.training.tasks.task.Task` and :meth:`losses`."""
        embeddings_BThwE, colours_BThw = forward(*batch.inputs)
        return self.losses(*_split(embeddings_BThwE, colours_BThw.long()))

    def losses(
        self, references_BKE: Tensor, colours_BK: Tensor, targets_BQE: Tensor, wanted_BQ: Tensor
    ) -> dict[str, Tensor]:
        """``loss``, the cross-entropy of the colours copied, and ``accuracy``, the share of places right.

        Targets get the colours (int) of references, by embeddings of both. What is copied is a probability
        already: its logarithm is taken, and no softmax of it.
        """
        copied_BQC = copied(references_BKE, colours_BK, targets_BQE, self.temperature)
        logs_BQC = (copied_BQC + LEAST).log()
        return {
            "loss": F.nll_loss(logs_BQC.flatten(0, 1), wanted_BQ.flatten()),
            "accuracy": (copied_BQC.argmax(-1) == wanted_BQ).float().mean(),
        }

    def validate(self, network: Colorizer, videos: Sequence[CachedVideo]) -> dict[str, float]:
        """The share of places whose colour is right in the middle of each video, beside two floors.

        ``same_place`` copies from the same place of the reference before; ``commonest`` says the commonest
        colour of all targets.

        Raises:
            DataError: no video has the frames of a clip.
        """
        clip = network.config.clip
        clips = (middle_clip(video, clip) for video in with_clip(videos, clip))
        embeddings, colours = run_batched(network, clips)
        parts = _split(embeddings, colours.long())
        wanted_BQ = parts[3]
        before_BQ = colours[:, -2].flatten(1)
        return {
            "accuracy": float(self.losses(*parts)["accuracy"]),
            "same_place": float((before_BQ == wanted_BQ).float().mean()),
            "commonest": float(wanted_BQ.flatten().bincount().max() / wanted_BQ.numel()),
        }


def copied(references_BKE: Tensor, colours_BK: Tensor, targets_BQE: Tensor, temperature: float) -> Tensor:
    """(B, Q, C) what targets get by pointing: rows sum to 1."""
    pointing_BQK = (targets_BQE @ references_BKE.transpose(1, 2) / temperature).softmax(-1)
    return pointing_BQK @ F.one_hot(colours_BK, COLOURS).to(pointing_BQK.dtype)


def _split(embeddings_BThwE: Tensor, colours_BThw: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """References and targets for :meth:`ColorizationTask.losses`."""
    return (
        embeddings_BThwE[:, :-1].flatten(1, 3),
        colours_BThw[:, :-1].flatten(1),
        embeddings_BThwE[:, -1].flatten(1, 2),
        colours_BThw[:, -1].flatten(1),
    )
