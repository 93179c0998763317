"""What one network of Table 1 said, as a value and as a document."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from speediness.evaluation.speed_accuracy import VideoScores

ROW_SCHEMA = "speediness.table1_row/2"


@dataclass(frozen=True)
class RowResult:
    """What a network of the table said; the scores of videos are centred, so that 0 is undecided."""

    bias: float
    """Was taken from the scores; it separates 1x from 2x best on videos trained on and held out."""
    flow_threshold: float
    """Of the plain rule on the mean flow, fitted on the videos trained on."""
    own: dict[str, tuple[int, int]]
    """Of each held-out source: clips drawn as in training that were right (not centred), and clips;
    none where the task is not that of the paper."""
    trained: list[VideoScores]
    """Videos trained on, as they are."""
    test: list[VideoScores]
    """In the domain trained on."""
    ood: list[VideoScores]
    """Out of it; none where no such videos were given."""
    left_out: list[str]
    """Videos that could not be decoded, with the reason."""
    seconds: float
    """It took to make, since the command was last given."""

    def to_json(self) -> dict[str, Any]:
        """Plain values for a JSON document, scores to four digits."""
        parts = {"trained": self.trained, "test": self.test, "ood": self.ood}
        return vars(self) | {part: [_plain(video) for video in videos] for part, videos in parts.items()}

    @classmethod
    def from_json(cls, document: dict[str, Any]) -> RowResult:
        """Inverse of :meth:`to_json`."""
        return cls(
            bias=document["bias"],
            flow_threshold=document["flow_threshold"],
            own={source: (right, clips) for source, (right, clips) in document["own"].items()},
            trained=[_scores(video) for video in document["trained"]],
            test=[_scores(video) for video in document["test"]],
            ood=[_scores(video) for video in document["ood"]],
            left_out=document["left_out"],
            seconds=document["seconds"],
        )


def _plain(video: VideoScores) -> dict[str, Any]:
    return {
        name: [round(float(v), 4) for v in value] if isinstance(value, np.ndarray) else value
        for name, value in vars(video).items()
    }


def _scores(document: dict[str, Any]) -> VideoScores:
    arrays = {
        name: np.array(value, np.float32) for name, value in document.items() if isinstance(value, list)
    }
    return VideoScores(document["name"], document["source"], **arrays)
