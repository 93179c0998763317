"""What a timeline format is to this program."""

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction

from speediness.timeline.time_map import TimeMap
from speediness.video.info import VideoInfo


@dataclass(frozen=True)
class Format:
    """How one kind of timeline is written."""

    write: Callable[[TimeMap, VideoInfo], str]
    """From the map and the video it is of to the text of the file."""
    max_error_frames: float
    """Of the map, in frames of the output."""
    whole_source_frames: bool = False
    """Whether pieces begin on whole frames of the source, counted at the output's rate."""

    def source_step_s(self, frame_rate: Fraction) -> Fraction:
        """What source moments are multiples of; frames at ``frame_rate`` always are."""
        return 1 / frame_rate if self.whole_source_frames else Fraction(1, 1000 * frame_rate.numerator)
