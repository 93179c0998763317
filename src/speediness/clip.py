"""What a network looks at: the specification that travels with its weights."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from fractions import Fraction
from typing import Any


@dataclass(frozen=True)
class ClipSpec:
    """What a network was trained to look at.

    The paper feeds "L frames in an L-fps video" and asks whether they hold one second of the
    world (SpeedNet §3); the defaults are that sentence with L = 16, the window length of §5.1.
    """

    n_frames: int = 16
    """T, frames in a window, or bins of motion."""
    frame_rate: Fraction = Fraction(16)
    """The network's reference rate: frames per second at which clips are drawn, or bins per second."""
    size_px: int = 96
    """N, the short side a video is scaled to before the network sees it; a multiple of 8."""
    channels: int = 1
    """1: luma alone. 3: RGB."""

    def __post_init__(self) -> None:
        """Refuse what no network here can look at."""
        if self.n_frames < 2 or self.frame_rate <= 0:
            raise ValueError("a clip needs at least 2 frames and a positive frame rate")
        if self.size_px < 32 or self.size_px % 8:
            raise ValueError("size_px must be a multiple of 8 and at least 32")
        if self.channels not in (1, 3):
            raise ValueError("channels is 1 (luma) or 3 (RGB)")

    @property
    def duration_s(self) -> float:
        """Seconds of the world that a window shows at natural speed."""
        return float(self.n_frames / self.frame_rate)

    @property
    def unit_px(self) -> int:
        """The sides of frames are cut to multiples of this.

        32 is the stride over space of S3D-G and most others; 16 or 8 where N itself is no multiple of 32,
        as the 112 of C3D and the ResNets, whose last map then also covers what is over.
        """
        return next(unit for unit in (32, 16, 8) if not self.size_px % unit)

    def to_json(self) -> dict[str, Any]:
        """Plain values for a JSON document; the rate is written as an exact fraction."""
        return {**asdict(self), "frame_rate": str(self.frame_rate)}

    @classmethod
    def from_json(cls, document: dict[str, Any]) -> ClipSpec:
        """Inverse of :meth:`to_json`."""
        return cls(**{**document, "frame_rate": Fraction(document["frame_rate"])})
