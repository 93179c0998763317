"""Divided space-time attention (TimeSformer, Bertasius et al. 2021, arXiv 2102.05095, Fig. 1).

A frame is cut into tokens of 16 x 16 pixels. In every block a token first looks at the tokens of the
same place in all frames, then at all tokens of its own frame, then passes two linear layers. When and
where a token is only learned embeddings tell: without them the answer is the same for any order of the
frames. There is no class token here; the maps are the tokens, and the mean of them is classified.

The paper's ViT-B at 8 x 224 x 224: 121.4 M parameters. Kinetics-400, at 8 frames, by mmaction2: divided
77.7 %, all tokens at once 77.0 %, space alone 76.9 %; started from ImageNet-21K, without which it needs
far more videos than a convolutional network.
"""

# B batch, C channels, T frames, H W frame size, D feature channels, P places of a frame, N tokens, h w maps

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from speediness.models.backbones.layers import Backbone

TOKEN_PX = 16
HEAD = 64  # channels of an attention head
HEADS, DEPTH = 12, 12  # ViT-B
GRID = 14  # places along a side, for which embeddings are learned; resized for other frames


class Attention(nn.Module):
    """Multi-head attention among the tokens of a sequence, D = 64 a head."""

    def __init__(self, d: int) -> None:
        super().__init__()
        self.to_qkv, self.to_out = nn.Linear(d, 3 * d), nn.Linear(d, d)

    def forward(self, tokens_BND: Tensor) -> Tensor:
        """Same shape as the input."""
        batch, tokens, d = tokens_BND.shape
        parts = self.to_qkv(tokens_BND).view(batch, tokens, 3, d // HEAD, HEAD)
        queries, keys, values = parts.permute(2, 0, 3, 1, 4)
        means = F.scaled_dot_product_attention(queries, keys, values)
        return self.to_out(means.transpose(1, 2).reshape(batch, tokens, d))


class Block(nn.Module):
    """Attention over time, over space, and two linear layers, each added to the input.

    Args:
        d: D.
        first: the block is the first; attention over time is worth nothing at the start in the others
            (their linear layer after it starts at zero), as in the released network.
    """

    def __init__(self, d: int, first: bool) -> None:
        super().__init__()
        after = nn.Linear(d, d)
        self.over_time = nn.Sequential(nn.LayerNorm(d, 1e-6), Attention(d), after)
        self.over_space = nn.Sequential(nn.LayerNorm(d, 1e-6), Attention(d))
        self.mlp = nn.Sequential(nn.LayerNorm(d, 1e-6), nn.Linear(d, 4 * d), nn.GELU(), nn.Linear(4 * d, d))
        self.apply(_draw)
        if not first:
            nn.init.zeros_(after.weight)

    def forward(self, tokens_BTPD: Tensor) -> Tensor:
        """Same shape as the input."""
        batch, frames, places, d = tokens_BTPD.shape
        along_time = tokens_BTPD.transpose(1, 2).reshape(batch * places, frames, d)
        moved = self.over_time(along_time).view(batch, places, frames, d).transpose(1, 2)
        tokens_BTPD = tokens_BTPD + moved
        within = self.over_space(tokens_BTPD.reshape(batch * frames, places, d))
        tokens_BTPD = tokens_BTPD + within.view(batch, frames, places, d)
        return tokens_BTPD + self.mlp(tokens_BTPD)


class SpaceTimeAttention(Backbone):
    """TimeSformer with divided attention; 121.26 M parameters at width 1 and 8 frames.

    Args:
        in_channels: 3 for RGB.
        width: multiplies the heads of attention, of which there are 12, and never fewer than one.
        n_frames: for which embeddings of time are learned; resized for other lengths.
        depth: blocks.
    """

    def __init__(
        self, in_channels: int = 3, width: float = 1.0, n_frames: int = 16, depth: int = DEPTH
    ) -> None:
        super().__init__()
        d = self.feature_dim = HEAD * max(1, round(HEADS * width))
        size = (1, TOKEN_PX, TOKEN_PX)
        self.tokens = nn.Conv3d(in_channels, d, size, size)
        self.where_D1PP = nn.Parameter(torch.empty(d, 1, GRID, GRID))
        self.when_DT = nn.Parameter(torch.empty(d, n_frames))
        for embedding in (self.where_D1PP, self.when_DT):
            nn.init.trunc_normal_(embedding, std=0.02)
        self.blocks = nn.Sequential(*(Block(d, first=n == 0) for n in range(depth)))
        self.norm = nn.LayerNorm(d, 1e-6)

    def forward(self, clips_BCTHW: Tensor) -> Tensor:
        """(B, C, T, H, W) to (B, feature_dim, T, H/16, W/16), rounded down."""
        tokens_BDThw = self.tokens(clips_BCTHW)
        frames, height, width = tokens_BDThw.shape[2:]
        where_1DPP = self.where_D1PP.transpose(0, 1)
        where = F.interpolate(where_1DPP, size=(height, width), mode="bilinear", align_corners=False)
        when = F.interpolate(self.when_DT[None], size=frames, mode="linear", align_corners=False)
        tokens_BDThw = tokens_BDThw + where[:, :, None] + when[..., None, None]
        out_BTPD = self.norm(self.blocks(tokens_BDThw.flatten(3).permute(0, 2, 3, 1)))
        return out_BTPD.permute(0, 3, 1, 2).unflatten(3, (height, width))


def _draw(module: nn.Module) -> None:
    """Linear layers as in ViT."""
    if isinstance(module, nn.Linear):
        nn.init.trunc_normal_(module.weight, std=0.02)
        nn.init.zeros_(module.bias)
