"""Is the motion at twice the speed that of every second frame?

    python benchmarks/field_agreement.py VIDEO_OR_DIR...

The product measures motion once, between neighbouring frames, and cuts the bins of every playback factor
from that one field. Here its bins at factor 2 are held against those of the field between every second
frame, which is what a video that was really sped up would give. Cells of all bins are grouped by how far
they move; the table says by how much the two displacements differ.
"""

# F frames of H x W, L bins, h w cells

from __future__ import annotations

import sys
from argparse import ArgumentParser, RawDescriptionHelpFormatter
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from speediness.analysis.cuts import CutDetector
from speediness.datasets.video_list import VIDEO_SUFFIXES
from speediness.errors import VideoError
from speediness.models.motion import MotionCells
from speediness.motion_field import REFERENCE_PX, SHORTEST_PAIR_S, MotionField
from speediness.video.reader import VideoReader

BIN_S = 2 / 8  # of the shipped network at factor 2
EDGES_PX = (0.0, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0, np.inf)
"""Displacement in a bin, in pixels of a frame of short side REFERENCE_PX."""
PAIRS = 64  # measured in one call

Floats = NDArray[np.float32]


def main() -> None:
    """Measure every video, print one table."""
    parser = ArgumentParser(description=__doc__, formatter_class=RawDescriptionHelpFormatter)
    parser.add_argument("videos", nargs="+", type=Path, metavar="VIDEO_OR_DIR")
    pairs = []
    for path in parser.parse_args().videos:
        for video in sorted(path.rglob("*")) if path.is_dir() else [path]:
            if video.suffix.lower() in VIDEO_SUFFIXES:
                try:
                    pairs += [both_fields(*shot) for shot in shots(video)]
                except VideoError as error:
                    print(f"left out: {error}", file=sys.stderr)
    if not pairs:
        sys.exit("there are no videos to measure")
    print(table(by_speed([every for every, _ in pairs], [second for _, second in pairs])))


def shots(path: Path) -> Iterator[tuple[NDArray[np.float64], NDArray[np.uint8]]]:
    """Times and luma frames (F, H, W, 1) of the shots of a video as the product measures them.

    Raises:
        VideoError: it cannot be read.
    """
    detector, times_s, frames = CutDetector(), [], []
    for frame in VideoReader(path).frames(REFERENCE_PX, 1):
        if detector.is_cut(frame.pixels_HWC[:, :, 0]):
            if times_s[-1] - times_s[0] >= 2 * BIN_S:
                yield np.array(times_s), np.stack(frames)
            times_s, frames = [], []
        if not times_s or float(frame.time_s) - times_s[-1] >= SHORTEST_PAIR_S - 1e-6:
            times_s.append(float(frame.time_s))
            frames.append(frame.pixels_HWC)
    if times_s and times_s[-1] - times_s[0] >= 2 * BIN_S:
        yield np.array(times_s), np.stack(frames)


def both_fields(times_s: NDArray[np.float64], frames_FHWC: NDArray[np.uint8]) -> tuple[Floats, Floats]:
    """Bins (L, 4, h, w) at factor 2 of the motion between all frames, and between every second one."""
    height, width = (side // 8 * 8 for side in frames_FHWC.shape[1:3])
    frames = torch.from_numpy(frames_FHWC[:, :height, :width])
    last_s = times_s[::2][-1]
    count = int((last_s - times_s[0]) / BIN_S + 1e-6)
    every, second = (
        _field(times_s[::step], frames[::step]).bins(float(times_s[0]), BIN_S, count) for step in (1, 2)
    )
    return every, second


@torch.inference_mode()
def _field(times_s: NDArray[np.float64], frames_FHWC: torch.Tensor) -> MotionField:
    cells, field = MotionCells(), MotionField(float(times_s[0]))
    for i in range(0, len(times_s) - 1, PAIRS):
        part = frames_FHWC[i : i + PAIRS + 1]
        for time_s, motion in zip(times_s[i + 1 :], cells(part[:-1], part[1:]).numpy(), strict=False):
            field.add(float(time_s), motion)
    return field


def by_speed(every: list[Floats], second: list[Floats]) -> list[dict[str, float]]:
    """The difference by how far cells move, in pixels a bin; of all videos together.

    Returns:
        For each pair of neighbours in EDGES_PX with cells between: ``low``, ``high``, ``cells``, the mean
        length of both displacements, ``every`` and ``second``, and of their ``difference``.
    """
    a, b = (
        np.concatenate([bins[:, :2].transpose(1, 0, 2, 3).reshape(2, -1) for bins in fields], 1)
        for fields in (every, second)
    )
    far = np.hypot(*(a + b)) / 2
    lengths = {"every": np.hypot(*a), "second": np.hypot(*b), "difference": np.hypot(*(a - b))}
    rows = []
    for low, high in pairwise(EDGES_PX):
        inside = (far >= low) & (far < high)
        if inside.any():
            means = {name: float(length[inside].mean()) for name, length in lengths.items()}
            rows.append({"low": low, "high": high, "cells": int(inside.sum()), **means})
    return rows


def table(rows: list[dict[str, float]]) -> str:
    """Markdown."""
    lines = [
        "| px a bin | cells | all frames | every second | difference | share |",
        "|---|---:|---:|---:|---:|---:|",
    ]
    for row in rows:
        share = 2 * row["difference"] / (row["every"] + row["second"])
        lines.append(
            f"| {row['low']:g} to {row['high']:g} | {row['cells']} | {row['every']:.2f} |"
            f" {row['second']:.2f} | {row['difference']:.2f} | {share:.0%} |"
        )
    return "\n".join(lines)


if __name__ == "__main__":
    main()
