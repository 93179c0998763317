"""Drawings of networks, made from the networks themselves: how long time lasts, and where it is used up.

A clip goes through the network on a device that has shapes and no numbers. Every stage is drawn as the
frames that are left, each in the colour of its time, as high as its maps.
"""

# T frames, H W maps, D channels

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import isqrt, log2
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from speediness.experiments.lecture_networks import TRAJECTORIES, LectureNetwork
from speediness.models.backbones import efficientnet, find_backbone, space_time_attention
from speediness.models.backbones.i3d import InceptionBlock
from speediness.models.backbones.layers import Backbone
from speediness.models.backbones.non_local import Bottleneck, NonLocalBlock
from speediness.models.backbones.r3d import BasicBlock
from speediness.models.backbones.s3dg import Inception, SelfGating
from speediness.plots import INK, new_figure, save_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes

N_FRAMES, SIDE_PX = 16, 224
LAYERS: dict[type[nn.Module], str] = {
    NonLocalBlock: "non-local",
    space_time_attention.Block: "divided attention",
    InceptionBlock: "inception",
    Inception: "inception",
    SelfGating: "gate",
    Bottleneck: "residual",
    BasicBlock: "residual",
    efficientnet.Block: "inverted residual",
    nn.Conv3d: "conv",
    nn.MaxPool3d: "pool",
    nn.LSTM: "LSTM",
    nn.Linear: "linear",
}
"""What is drawn as one thing, and its name; what is inside of it is not drawn."""
TRAJECTORY_STEPS = (
    "points on a grid\nat eight scales",
    "tracks of 15 steps\nby median flow",
    "shape, HOG, HOF, MBH\nin 2 x 2 x 3 cells",
    "Fisher vector of\nevery descriptor",
    "linear SVM",
)
SLAB_WIDTH, SLAB_STEP, STAGE_GAP, ROW_HEIGHT = 0.05, 0.07, 0.55, 1.9


@dataclass(frozen=True)
class Stage:
    """Layers whose maps are alike in time and size."""

    label: str
    frames: int
    side: int
    """H."""
    channels: int


def stages(backbone: Backbone, in_channels: int) -> dict[str, list[Stage]]:
    """A clip of 16 frames of 224 pixels and what becomes of it, by stream; "" if there is one alone.

    Args:
        backbone: of any device; not changed.
        in_channels: of its clips.
    """
    found: dict[str, list[Stage]] = {}

    def record(name: str, module: nn.Module, output: Any) -> None:
        stream = name.partition(".")[0]
        stream = stream.removesuffix("_stream") if stream.endswith("_stream") else ""
        stage = _stage(module, output[0] if isinstance(output, tuple) else output)
        if stream not in found:
            seen = module.in_channels if isinstance(module, nn.Conv3d) else in_channels
            found[stream] = [Stage("clip", N_FRAMES, SIDE_PX, seen)]
        row = found[stream]
        before = row[-1]
        if len(row) > 1 and (before.frames, before.side) == (stage.frames, stage.side):
            same = stage.label.split()[0] in before.label
            label = before.label if same else f"{before.label}, {stage.label}"
            row[-1] = Stage(label, stage.frames, stage.side, stage.channels)
        else:
            row.append(stage)

    top: list[str] = []
    hooks = []
    for name, module in backbone.named_modules():
        kind = next((kind for kind in LAYERS if isinstance(module, kind)), None)
        if kind is not None and not any(name.startswith(f"{above}.") for above in top):
            top.append(name)
            hooks.append(module.register_forward_hook(lambda m, _, out, name=name: record(name, m, out)))
    try:
        backbone.eval()(torch.empty(1, in_channels, N_FRAMES, SIDE_PX, SIDE_PX, device="meta"))
    finally:
        for hook in hooks:
            hook.remove()
    return found


def _stage(module: nn.Module, output: Tensor) -> Stage:
    label = next(name for kind, name in LAYERS.items() if isinstance(module, kind))
    if isinstance(module, nn.Conv3d):
        label += " " + " x ".join(map(str, module.kernel_size))
    if output.ndim == 5:
        batch, channels, frames, side, _ = output.shape
    elif output.ndim == 4:  # tokens (B, T, P, D)
        batch, frames, places, channels = output.shape
        side = isqrt(places)
    else:
        (batch, frames, channels), side = output.shape, 1
    return Stage(label, batch * frames, side, channels)


def plot_networks(networks: Sequence[LectureNetwork], out: Path) -> None:
    """Draw networks of the lecture one below the other, as SVG if ``out`` ends so, else as PNG.

    Raises:
        OutputError: the image cannot be written.
    """
    rows = [_rows(network) for network in networks]
    heights = [len(row) for row in rows]
    figure = new_figure(11.5, sum(ROW_HEIGHT * height + 0.25 for height in heights))
    panels = figure.subplots(len(rows), squeeze=False, height_ratios=heights)[:, 0]
    for network, row, axes in zip(networks, rows, panels, strict=True):
        axes.set_title(f"{network.title}  ·  {network.paper}", loc="left", fontsize=10, color=INK)
        for number, (stream, drawn) in enumerate(row.items()):
            _draw_row(axes, stream, drawn, -number * ROW_HEIGHT)
        axes.set_xlim(-0.2, 12)
        axes.set_ylim(-ROW_HEIGHT * (len(row) - 1) - 0.55, 1.45)
        axes.set_axis_off()
    save_figure(figure, out)


def _rows(network: LectureNetwork) -> dict[str, list[Stage] | tuple[str, ...]]:
    if network.name == TRAJECTORIES:
        return {"": TRAJECTORY_STEPS}
    stem, make = find_backbone(network.name)
    with torch.device("meta"):
        backbone = make(stem.out_channels, 1.0)
    last = "mean, then classes"
    if backbone.averages_probabilities:
        last = "probabilities of every\nmoment, averaged"
    found = stages(backbone, stem.out_channels)
    ends = ["joined with the next"] * (len(found) - 1) + [last]
    return {
        stream: [*row, Stage(end, 0, 0, 0)] for (stream, row), end in zip(found.items(), ends, strict=True)
    }


def _draw_row(axes: Axes, stream: str, drawn: list[Stage] | tuple[str, ...], y: float) -> None:
    x = 0.0
    if stream:
        axes.text(x, y + 1.3, stream, fontsize=8, color=INK, style="italic")
    for number, stage in enumerate(drawn):
        if isinstance(stage, str):
            axes.text(
                x,
                y + 0.4,
                stage,
                fontsize=8,
                color=INK,
                va="center",
                bbox={"fc": "#DCE6DF", "ec": INK, "lw": 0.6},
            )
            width = 2.2
        elif not stage.frames:
            axes.text(x, y + 0.35, stage.label, fontsize=8, color=INK, va="center")
            width = 0
        else:
            width = _draw_stage(axes, stage, x, y, number)
        x += width + STAGE_GAP
        if number + 1 < len(drawn):
            axes.annotate(
                "",
                (x - 0.08, y + 0.35),
                (x - STAGE_GAP + 0.1, y + 0.35),
                arrowprops={"arrowstyle": "->", "color": INK, "lw": 0.8},
            )


def _draw_stage(axes: Axes, stage: Stage, x: float, y: float, number: int) -> float:
    """One stage; returns how wide it is."""
    import matplotlib
    from matplotlib.patches import Rectangle

    colours = matplotlib.colormaps["viridis"]
    height = 0.12 + 0.68 * log2(stage.side + 1) / log2(SIDE_PX + 1)
    for t in range(stage.frames):
        share = t / max(stage.frames - 1, 1)
        colour = colours(0.15 + 0.75 * share) if stage.frames > 1 else "#9A9A9A"
        corner = (x + t * SLAB_STEP, y + 0.35 - height / 2 + 0.012 * t)
        axes.add_patch(Rectangle(corner, SLAB_WIDTH, height, fc=colour, ec="white", lw=0.3))
    width = max((stage.frames - 1) * SLAB_STEP + SLAB_WIDTH, 0.45)
    frames = "1 frame" if stage.frames == 1 else f"{stage.frames} frames"
    size = f"{frames}\n{stage.side} x {stage.side}, {stage.channels}"
    axes.text(x, y - 0.12, size, fontsize=6.5, color=INK, va="top")
    # Every second name is written higher, so that long ones do not meet.
    label = stage.label.replace(", ", ",\n")
    axes.text(x, y + 0.85 + 0.12 * (number % 2), label, fontsize=6.5, color=INK, va="bottom")
    return width
