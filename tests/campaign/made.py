"""What the verbs made, in few words: the same for the same result, an error where it is not whole."""

from __future__ import annotations

import hashlib
from pathlib import Path

from speediness.errors import DataError
from speediness.results.curve import SpeedinessCurve
from speediness.video.reader import VideoReader

OF_THE_CLOCK = ("wait_share", "clips_per_s")


def made_curve(folder: Path, name: str = "out/long.speediness.json") -> str:
    """What ``analyse`` wrote; empty where it is not there."""
    path = folder / name
    if not path.exists():
        return ""
    curve = SpeedinessCurve.load(path)
    return f"{curve.segments} {curve.normal.tobytes().hex()}"


def made_video(folder: Path, name: str = "made.mp4") -> str:
    """What ``speedup`` or ``heatmap`` wrote; empty where it is not there."""
    path = folder / name
    if not path.exists():
        return ""
    frames = hashlib.sha256()
    reader = VideoReader(path)
    for time_s, frame in reader.decoded():
        frames.update(f"{time_s}".encode() + frame.to_ndarray().tobytes())
    assert not reader.warnings, reader.warnings
    return frames.hexdigest()


def made_library(folder: Path) -> str:
    """What ``index`` wrote; empty where there is no library."""
    from speediness.search.library import Library

    try:
        library = Library(folder / "library")
    except DataError:  # killed before its tables were there: it says that there is no library
        return ""
    videos = sorted((row.path, row.sha256, row.windows, row.video) for row in library.video_rows())
    for *_, windows, video in videos:
        assert library.windows is not None
        found = library.windows.search().where(f"film = '{video}'").limit(None).to_arrow()
        assert len(found) == windows, (len(found), windows)
    return str([row[:3] for row in videos])


def made_run(folder: Path) -> str:
    """What a training wrote; empty before its first checkpoint."""
    from safetensors.numpy import load_file

    from speediness.training.metrics import read_metrics

    rows = [
        {key: value for key, value in row.items() if key not in OF_THE_CLOCK}
        for row in read_metrics(folder / "run/metrics.jsonl")
    ]
    checkpoint = folder / "run/checkpoint.safetensors"
    if not checkpoint.exists():
        return ""
    weights = hashlib.sha256()
    for name, tensor in sorted(load_file(checkpoint).items()):
        weights.update(name.encode() + tensor.tobytes())
    return f"{rows} {weights.hexdigest()}"
