"""What tasks whose networks know places again have in common: features for ``speediness propagate``."""

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from speediness.models.checkpoint import load_checkpoint
from speediness.models.places import PlaceNet
from speediness.propagate.affinity import AffinitySettings
from speediness.training.tasks.task import OneClipTask

PLACES_PX = 384
"""Short side of the frames that features of label propagation are taken from."""


@dataclass(frozen=True)
class PlaceTask(OneClipTask):
    """A task on single clips that trains a :class:`speediness.models.places.PlaceNet`."""

    def export(self, network: PlaceNet, weights: Path, made_by: dict[str, Any]) -> PlaceNet:
        """See :class:`speediness.training.tasks.task.Task`."""
        from speediness.models.export import export_features  # the exporter is slow to import

        network = load_checkpoint(weights, type(network))
        affinity = dataclasses.asdict(AffinitySettings())
        document = {"short_side_px": PLACES_PX, "affinity": affinity, "made_by": made_by}
        export_features(network, network.directions, weights.with_suffix(".onnx"), "places", document)
        return network
