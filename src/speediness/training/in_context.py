"""Windows alone and with what lies around them: one answer, however a network is asked.

Training shows windows of T frames, each alone. The product lets the network work once over a whole shot,
so that every window is seen with its context (:class:`speediness.analysis.schedule.Stream`). Steps that
are scored here teach the network to say the same of both. Measured on ten films never trained on, at
eleven factors: mean |dP| between the two is 0.059 before such steps.
"""

# B clips, L = T + 2 x context frames, T frames of a window

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from speediness.models.speednet import NORMAL, SPED_UP, SpeedNet
from speediness.tasks.speed_class import SpeedClassTask

AGREEMENT = 2.0  # weight of the squared difference of the log-odds


class InContext(nn.Module):
    """The middle window of longer clips, judged in its context and alone, by a network that has one."""

    def __init__(self, network: SpeedNet) -> None:
        super().__init__()
        assert network.context is not None
        self.network, self.context = network, network.context

    def forward(self, clips_BLHWC: Tensor, intervals_BS: Tensor) -> tuple[Tensor, Any]:
        """Clips as for :class:`SpeedNet` to logits (2 B, 2): all in context, then all alone."""
        network, first = self.network, self.context
        cells_BSChw = network.measure(clips_BLHWC)
        window = slice(first, first + network.config.clip.n_frames - 1)
        inside = network.judge(None, cells_BSChw, intervals_BS)[0][:, first]
        alone = network.judge(None, cells_BSChw[:, window], intervals_BS[:, window])[0][:, 0]
        return torch.cat([inside, alone]), None


def losses_in_context(task: SpeedClassTask, logits_2B2: Tensor, labels_B: Tensor) -> dict[str, Tensor]:
    """The task's losses of windows alone; ``loss`` counts those in context and the difference too."""
    inside, alone = logits_2B2.chunk(2)
    losses, around = task.losses(alone, labels_B), task.losses(inside, labels_B)
    score_2B = logits_2B2[:, SPED_UP] - logits_2B2[:, NORMAL]
    apart = torch.sub(*score_2B.chunk(2)).square().mean()
    losses["loss"] = (losses["loss"] + around["loss"]) / 2 + AGREEMENT * apart
    return losses | {"accuracy_in_context": around["accuracy"], "apart": apart}
