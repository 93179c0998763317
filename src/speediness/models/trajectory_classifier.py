"""Actions by dense trajectories: Fisher vectors of every descriptor and a linear SVM (Peng et al. 2014)."""

# F videos, K classes

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from sklearn.svm import LinearSVC

from speediness.models.dense_trajectories import SIZES, Trajectories
from speediness.models.fisher import FisherEncoder

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
