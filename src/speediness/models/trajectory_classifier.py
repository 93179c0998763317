"""Classes by dense trajectories: Fisher vectors and a linear SVM (Peng et al. 2014, arXiv 1405.4506).

The descriptors of a video become one vector (Perronnin et al. 2010): how the means and deviations of a
Gaussian mixture would have to move for them to be more likely. Then every number's square root with its
sign, and L2 norm 1: what makes a linear classifier do.
"""

# F videos; N descriptors, D numbers of one, K Gaussians; B clips, T frames, H W frame size, C channels

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.decomposition import PCA
from sklearn.mixture import GaussianMixture
from sklearn.svm import LinearSVC
from torch import Tensor, nn

from speediness.models.dense_trajectories import SIZES, Trajectories, dense_trajectories
from speediness.models.mean_flow import luma
from speediness.runtime.protocol import BOUNDARY, Pixels

Array = NDArray[np.float32]

PENALTY = 100.0  # C of the SVM, as published


class FisherEncoder:
    """PCA to half the numbers, a Gaussian mixture with diagonal covariances, and the vector of a set.

    Args:
        gaussians: K, at most; the published number is 256.
        seed: of the samples and the mixture's start.
    """

    def __init__(self, gaussians: int = 16, seed: int = 0) -> None:
        self.gaussians, self.seed = gaussians, seed

    def fit(self, sets: Sequence[Array], samples: int = 100) -> FisherEncoder:
        """Learn from the sets of training videos alone, of which so many ``samples`` a Gaussian are drawn.

        Raises:
            ValueError: fewer than two descriptors in all.
        """
        all_ND = np.concatenate(sets)
        if len(all_ND) < 2:
            raise ValueError("a mixture needs descriptors of two tracks or more")
        rng = np.random.default_rng(self.seed)
        count = min(self.gaussians * samples, len(all_ND))
        drawn_ND = all_ND[rng.choice(len(all_ND), count, replace=False)]
        size = min(max(all_ND.shape[1] // 2, 1), count)
        self.pca = PCA(size, random_state=self.seed).fit(drawn_ND)
        mixture = GaussianMixture(
            min(self.gaussians, count // 2), covariance_type="diag", random_state=self.seed, reg_covar=1e-4
        ).fit(self.pca.transform(drawn_ND))
        self.mixture = mixture
        parts = (mixture.weights_, mixture.means_, mixture.covariances_)
        self.weight_K, self.mean_KD, self.variance_KD = (np.asarray(part) for part in parts)
        return self

    def encode(self, descriptors_ND: Array) -> Array:
        """(2 K D',) of one set, D' after PCA; zeros of an empty one."""
        size = 2 * self.mean_KD.size
        if not len(descriptors_ND):
            return np.zeros(size, np.float32)
        reduced_ND = self.pca.transform(descriptors_ND)
        vector = fisher_vector(
            reduced_ND,
            self.mixture.predict_proba(reduced_ND),
            self.weight_K,
            self.mean_KD,
            self.variance_KD,
        )
        rooted = np.sign(vector) * np.sqrt(np.abs(vector))
        return (rooted / max(float(np.linalg.norm(rooted)), 1e-12)).astype(np.float32)


def fisher_vector(
    values_ND: NDArray[np.floating],
    share_NK: NDArray[np.floating],
    weight_K: NDArray[np.floating],
    mean_KD: NDArray[np.floating],
    variance_KD: NDArray[np.floating],
) -> NDArray[np.float64]:
    """(2 K D,) gradient of the mean log-likelihood by means, then by deviations, over its own scale.

    ``share_NK`` is the posterior of every Gaussian for every value; weights, means and variances are those
    of the mixture.
    """
    away_NKD = (values_ND[:, None] - mean_KD) / np.sqrt(variance_KD)
    by_mean_KD = np.einsum("nk,nkd->kd", share_NK, away_NKD) / np.sqrt(weight_K)[:, None]
    by_deviation_KD = np.einsum("nk,nkd->kd", share_NK, away_NKD**2 - 1) / np.sqrt(2 * weight_K)[:, None]
    return np.concatenate([by_mean_KD.ravel(), by_deviation_KD.ravel()]) / len(values_ND)


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
