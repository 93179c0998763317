"""Classes by dense trajectories: Fisher vectors of every descriptor and a linear SVM (Peng et al. 2014)."""

# F videos, K classes, B clips, T frames, H W frame size, C channels

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.svm import LinearSVC
from torch import Tensor, nn

from speediness.models.dense_trajectories import SIZES, Trajectories, dense_trajectories
from speediness.models.fisher import FisherEncoder
from speediness.models.mean_flow import luma
from speediness.runtime.protocol import BOUNDARY, Pixels

PENALTY = 100.0  # C of the SVM, as published


class TrajectoryClassifier:
    """Learns mixtures and the SVM from training videos, and names the class of others.

    Args:
        gaussians: of each descriptor's mixture.
        seed: of all that is drawn.
    """

    def __init__(self, gaussians: int = 16, seed: int = 0) -> None:
        self.encoders = {name: FisherEncoder(gaussians, seed) for name in SIZES}
        self.svm = LinearSVC(C=PENALTY, random_state=seed)

    def fit(self, videos: Sequence[Trajectories], labels: Sequence[str]) -> TrajectoryClassifier:
        """Learn from videos of two classes or more.

        Raises:
            ValueError: hardly a track in all the videos.
        """
        for name, encoder in self.encoders.items():
            encoder.fit([video.descriptors[name] for video in videos])
        self.svm.fit(self._vectors(videos), list(labels))
        return self

    def predict(self, videos: Sequence[Trajectories]) -> list[str]:
        """The class of each video; one without a track gets what the SVM says of nothing."""
        return [str(label) for label in self.svm.predict(self._vectors(videos))]

    def margins(self, videos: Sequence[Trajectories]) -> NDArray[np.float64]:
        """(F,) how far each video lies on the side of the second of two classes, by name."""
        return self.svm.decision_function(self._vectors(videos))

    def _vectors(self, videos: Sequence[Trajectories]) -> NDArray[np.float32]:
        """(F, ..) the Fisher vectors of all descriptors, end to end."""
        return np.stack(
            [
                np.concatenate(
                    [encoder.encode(video.descriptors[name]) for name, encoder in self.encoders.items()]
                )
                for video in videos
            ]
        )


class TrajectoryRate(nn.Module):
    """The rate of clips by a classifier of the classes 1x and 2x, whose margin stands for log-odds."""

    def __init__(self, classifier: TrajectoryClassifier) -> None:
        super().__init__()
        self.classifier = classifier

    def forward(self, clips_BTHWC: Tensor) -> tuple[Tensor]:
        """(B, 2) as :meth:`speediness.models.speednet.SpeedNet.forward` has it."""
        margins_B = self.classifier.margins([clip_trajectories(clip) for clip in clips_BTHWC.numpy()])
        mean_B = torch.from_numpy(margins_B).float() + BOUNDARY
        return (torch.stack([mean_B, torch.zeros_like(mean_B)], 1),)


def clip_trajectories(frames_THWC: Pixels) -> Trajectories:
    """The trajectories of frames of one channel or of RGB."""
    return dense_trajectories(np.stack([luma(frame) for frame in frames_THWC]))
