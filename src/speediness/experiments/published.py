"""What the papers measured, beside which our figures are printed."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Published:
    """A row of a table of a paper; percent."""

    pretraining: str
    network: str
    ucf101: float | None
    hmdb51: float | None
    source: str


TABLE2 = (
    Published("random start", "S3D-G", 73.8, 46.4, "SpeedNet Table 2"),
    Published("SpeedNet, Kinetics-400", "S3D-G", 81.1, 48.8, "SpeedNet Table 2"),
    Published("supervised, ImageNet", "S3D-G", 86.6, 57.7, "SpeedNet Table 2"),
    Published("supervised, Kinetics-400", "S3D-G", 96.8, 74.5, "SpeedNet Table 2"),
    Published("random start", "I3D", 47.9, 29.6, "SpeedNet Table 2"),
    Published("SpeedNet, Kinetics-400", "I3D", 66.7, 43.7, "SpeedNet Table 2"),
)
RSPNET = (
    Published("RSPNet, Kinetics-400, 200 epochs", "C3D", 76.71, 44.58, "RSPNet, released code"),
    Published("RSPNet, Kinetics-400, 200 epochs", "3D ResNet-18", 74.33, 41.83, "RSPNet, released code"),
    Published("RSPNet, Kinetics-400, 200 epochs", "R(2+1)D (VCOP)", 81.1, 44.6, "RSPNet, released code"),
    Published("RSPNet, Kinetics-400, 200 epochs", "S3D-G", 89.9, 59.6, "RSPNet, released code"),
    Published("RSPNet, Kinetics-400, 1000 epochs", "S3D-G", 93.7, 64.7, "RSPNet, released code"),
)
"""UCF101 and HMDB51, split 1; the best epoch on the test list (datasets/classification of that code)."""

TABLE3: dict[str, tuple[float, ...]] = {
    "OPN": (19.9, 28.7, 34.0, 40.6, 51.6),
    "Büchler et al., CaffeNet": (25.7, 36.2, 42.2, 49.2, 59.5),
    "Clip order, R3D": (14.1, 30.3, 40.0, 51.1, 66.5),
    "SpeedNet, S3D-G": (13.0, 28.1, 37.5, 49.5, 65.0),
    "VCP, R(2+1)D": (19.9, 33.7, 42.0, 50.5, 64.4),
    "Pace, C3D": (31.9, 49.7, 59.2, 68.9, 80.2),
    "RSPNet, C3D": (36.0, 56.7, 66.5, 76.3, 87.7),
    "RSPNet, 3D ResNet-18": (41.1, 59.4, 68.4, 77.8, 88.7),
}
"""Recall at 1, 5, 10, 20 and 50 on UCF101, split 1 (RSPNet, supplement, Table 1; SpeedNet Table 3)."""
