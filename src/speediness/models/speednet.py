"""SpeedNet (§3.2): is this clip playing at natural speed, or sped up?"""

# B batch, L frames of a sequence that holds W windows of T, S pairs of neighbours, H W frame size,
# C channels, h w cells, D features

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from speediness.models.encoder import Encoder, EncoderConfig

NORMAL, SPED_UP = 0, 1  # order of the two logits


class SpeedNet(Encoder):
    """Natural speed or sped up? Every frame kept, maximum over space, mean over time, 1x1 classifier.

    In two steps, because neighbouring windows share most of the first: :attr:`motion` measures
    pairs of frames, :meth:`score_windows` looks at a window of them.
    """

    def __init__(self, config: EncoderConfig) -> None:
        super().__init__(config)
        self.dropout = nn.Dropout(config.dropout)
        self.classifier = nn.Conv1d(self.feature_dim, 2, 1)
        nn.init.normal_(self.classifier.weight, std=0.01)
        assert self.classifier.bias is not None
        nn.init.zeros_(self.classifier.bias)

    def forward(self, clips_BTHWC: Tensor, intervals_BS: Tensor) -> tuple[Tensor, Tensor]:
        """Score clips.

        Args:
            clips_BTHWC: uint8 frames, H and W multiples of the clip specification's ``unit_px``, C its
                channels.
            intervals_BS: float, spacing of neighbouring frames in reference intervals (S = T - 1),
                from :func:`speediness.sampling.played_intervals`.

        Returns:
            logits (B, 2) and motion (B, 2), see :meth:`score_windows`.
        """
        clips = clips_BTHWC if self.stem.uses_frames else None
        logits_BW2, motion_BW2, _, _ = self.score_windows(clips, self.measure(clips_BTHWC), intervals_BS)
        return logits_BW2[:, 0], motion_BW2[:, 0]

    @property
    def context(self) -> int | None:
        """Frames before and after a window that its answer depends on in :meth:`score_windows`.

        None: on the whole sequence, since the backbone looks at all of it (the gates of S3D-G).
        """
        if self.backbone.context is None:
            return None
        # One more, since the last frame of a sequence has no motion of its own.
        return self.stem.context + self.backbone.context + 1

    def score_windows(
        self, clips_BLHWC: Tensor | None, flow_grid_BSChw: Tensor, intervals_BS: Tensor
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Score every window of T frames in sequences whose pairs are measured.

        Args:
            clips_BLHWC: as for :meth:`forward`; None for a stem that sees no frames.
            flow_grid_BSChw: of :attr:`motion` for each pair of neighbours (S = L - 1).
            intervals_BS: as for :meth:`forward`.

        Returns:
            logits (B, W, 2) in the order NORMAL, SPED_UP; optical-flow magnitude (B, W, 2) in pixels
            per interval on a frame of short side 64: the mean over the frame, and that of
            its busiest 8 x 8 cell, which tells a small mover from a still video; features (B, L, D),
            of which the classifier is given the mean over a window; and the class activation map
            (B, L, h, w) of §5.5, how much each place speaks for SPED_UP.
        """
        velocity_B4Lhw = self.velocity(flow_grid_BSChw, intervals_BS)
        speed_BLhw = velocity_B4Lhw[:, 2]
        motion_B2L = torch.stack([speed_BLhw.mean((2, 3)), speed_BLhw.amax((2, 3))], 1)
        feats_BDLhw = self.features(clips_BLHWC, velocity_B4Lhw)
        pooled_BDL = feats_BDLhw.amax((3, 4))  # §3.2: global max pooling over space
        motion_B2W, pooled_BDW = (
            F.avg_pool1d(part, self.config.clip.n_frames, 1)  # §3.2: global average pooling over time
            for part in (motion_B2L, pooled_BDL)
        )
        logits_B2W = self.classifier(self.dropout(pooled_BDW))
        weight_D1 = self.classifier.weight[SPED_UP] - self.classifier.weight[NORMAL]
        maps_BLhw = (feats_BDLhw * weight_D1[:, :, None, None]).sum(1)
        return logits_B2W.transpose(1, 2), motion_B2W.transpose(1, 2), pooled_BDL.transpose(1, 2), maps_BLhw
