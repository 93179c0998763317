"""The networks of the lecture in its order, each with what was published of it."""

from __future__ import annotations

from dataclasses import dataclass

TRAJECTORIES = "dense_trajectories"
"""The row without a network."""


@dataclass(frozen=True)
class LectureNetwork:
    """A row of the table; accuracies in percent, None where none was published."""

    name: str
    """Of the backbone, or :data:`TRAJECTORIES`."""
    title: str
    paper: str
    """With the section or figure that shows it."""
    sports_1m: float | None = None
    """Videos of Sports-1M right at first guess (Karpathy et al. 2014, Table 1; C3D: Tran et al. 2015)."""
    ucf101: float | None = None
    start: str = ""
    """Of the network that gave the figure of UCF101 (I3D, S3D-G at random: SpeedNet, Table 2)."""
    parameters_m: float | None = None
    """Millions, with the classifier of the paper."""
    gmacs: float | None = None
    """Of a clip of the paper."""


NETWORKS = (
    LectureNetwork("single_frame", "single frame", "Karpathy 2014, 3.1", 59.3),
    LectureNetwork("late_fusion", "late fusion, concatenated", "Karpathy 2014, Fig. 1", 59.3),
    LectureNetwork("late_pooling", "late fusion, pooled", "the lecture"),
    LectureNetwork("early_fusion", "early fusion", "Karpathy 2014, Fig. 1", 57.7),
    LectureNetwork("slow_fusion", "slow fusion", "Karpathy 2014, Fig. 1", 60.9, 41.3, "random"),
    LectureNetwork("multiresolution", "context and fovea", "Karpathy 2014, Fig. 2", 60.0),
    LectureNetwork("c3d", "C3D", "Tran 2015, Fig. 3", 60.0, 83.08, "Sports-1M", 78.4, 38.5),
    LectureNetwork(
        TRAJECTORIES, "dense trajectories, SVM", "Wang 2013, Fig. 2", None, 85.9, "no network, improved"
    ),
    LectureNetwork("spatial_stream", "spatial stream", "Simonyan 2014, Fig. 1", None, 52.3, "random"),
    LectureNetwork("temporal_stream", "temporal stream", "Simonyan 2014, Fig. 1", None, 81.0, "random"),
    LectureNetwork("two_stream", "two streams", "Simonyan 2014, Fig. 1", None, 86.9, "ImageNet (spatial)"),
    LectureNetwork("i3d", "I3D", "Carreira 2017, 2.4", None, 47.9, "random", 12.5),
    LectureNetwork(
        "two_stream_i3d", "I3D, two streams", "Carreira 2017, Fig. 2e", None, 98.0, "Kinetics-400", 25.0
    ),
    LectureNetwork("lite0", "EfficientNet-Lite0, single frame", "Tan 2019", None, None, "", 4.652, 0.407),
    LectureNetwork("inflated_lite0", "EfficientNet-Lite0, inflated", "Carreira 2017, 2.4"),
    LectureNetwork("lrcn", "CNN + LSTM", "Donahue 2015, Fig. 3", None, 68.2, "ImageNet"),
    LectureNetwork("non_local", "C2D with non-local blocks", "Wang 2018, Fig. 2"),
    LectureNetwork(
        "space_time_attention",
        "divided space-time attention",
        "Bertasius 2021, Fig. 1",
        parameters_m=121.4,
        gmacs=590 / 3,
    ),
    LectureNetwork("s3dg", "S3D-G, SpeedNet's", "SpeedNet, 3.2", None, 73.8, "random"),
)
NOTES = (
    "all networks: the same videos, steps, clips a step and clips seen; ten clips a video are tested",
    "intervals: 95 %, resampling whole groups (sources); means over seeds",
    "order, direction, frames: whether another order, or the reverse, or another frame changes the"
    " answer; measured on noise with random weights, so a fact of the network's shape",
    "GMAC: thousand million multiply-adds of a clip as trained here, optical flow not counted; memory: what"
    " a training step keeps of one clip until the gradient is known",
    "published: Sports-1M, video right at first guess; UCF101 from the start that is named, split 1 or mean"
    " of three",
)
