"""Motion capture made on the spot, in the layout that ``mocap:ROOT`` reads."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from speediness.simulation.walk import NAMES, PARENTS, walk

RATE = 60


def put_captures(
    root: Path,
    count: int = 3,
    seconds: float = 6.0,
    licence: str = "any",
    up: str = "y",
    speed: str = "0.8",
) -> Path:
    """Walks of as many persons, each its own subject."""
    folder = root / "sequences"
    folder.mkdir(parents=True, exist_ok=True)
    manifest = root / "manifest.csv"
    lines = [] if manifest.exists() else ["file,subject,label,seconds,mean_joint_speed,licence_use"]
    for seed in range(count):
        name = f"walk-{licence}-{up}-{seed}.npz"
        joints = walk(seed, seconds).at(np.arange(round(seconds * RATE) + 1) / RATE)[:, : len(NAMES)]
        if up == "z":
            joints = joints[..., [0, 2, 1]] * (1, -1, 1)
        root_T3 = joints[:, 0].astype(np.float32)
        np.savez(
            folder / name,
            joints=(joints - joints[:, :1]).astype(np.float16),
            root=root_T3,
            parents=np.array(PARENTS, np.int16),
            names=np.array(NAMES),
            fps=np.float32(RATE),
            up=np.array(up),
        )
        lines.append(f"{name},person-{licence}-{seed},walk,{seconds},{speed},{licence}")
    with manifest.open("a") as file:
        file.write("\n".join(lines) + "\n")
    return root
