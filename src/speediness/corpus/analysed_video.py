"""Analyses one video of many and keeps plain values that travel between processes."""

# N windows, D features

import os
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from speediness.analysis.analyse import analyse_with_features
from speediness.analysis.options import AnalysisOptions
from speediness.corpus.vectors import unit_vectors, window_middles_s, window_spans_s
from speediness.corpus.window_images import window_images
from speediness.errors import SpeedinessError, VideoError
from speediness.progress import Progress
from speediness.results.curve import Segment
from speediness.results.features import MotionFeatures
from speediness.results.store import file_sha256
from speediness.runtime.network import Network
from speediness.video.listing import VideoFile
from speediness.video.reader import VideoReader


@dataclass(frozen=True)
class WindowVectors:
    """What search compares of a video; windows without any feature are left out."""

    spans_s: NDArray[np.float64]
    """(N, 2) when each starts and ends."""
    vectors: NDArray[np.float32]
    """(N, D) of length 1."""
    motion: NDArray[np.float32]
    """(N,) mean flow in pixels per reference interval at short side 64."""
    images: list[bytes]
    """N small JPEGs."""


@dataclass(frozen=True)
class AnalysedVideo:
    """A video that was analysed to its end."""

    sha256: str
    duration_s: float
    frame_rate: float
    segments: tuple[Segment, ...]
    windows: WindowVectors | None


@dataclass(frozen=True)
class Failed:
    """A video that was not."""

    reason: str
    """A line for people."""
    sha256: str = ""
    """Of a file that is no video; empty where trying again may help."""


def analyse_file(
    video: VideoFile, how: AnalysisOptions, windows: bool, progress: Progress | None = None
) -> AnalysedVideo | Failed:
    """Analyse a video; whatever is wrong with it is an answer, not an exception.

    ``windows`` says whether what search compares is wanted, or the segments alone.

    Raises:
        WeightsError: no such network or engine.
    """
    sha256 = ""
    try:
        sha256 = file_sha256(video.file)
        curve, features = analyse_with_features(
            video.file,
            network=_network(how),
            store=how.store(),
            sha256=sha256,
            progress=progress,
        )
        reader = VideoReader(video.file)
        vectors = _windows(reader, features) if windows else None
        stat = os.stat(video.file)
    except VideoError as error:
        return Failed(str(error), sha256)
    except SpeedinessError:
        raise
    except OSError as error:
        return Failed(f"{video.file}: {error.strerror}; check the name and its permissions")
    except Exception as error:  # one video that this program stumbles over is no reason to leave the others
        return Failed(f"{video.file}: a bug: {type(error).__name__}: {error}; please report it")
    if (stat.st_size, stat.st_mtime_ns) != (video.size_bytes, video.mtime_ns):
        return Failed(f"{video.file} changed while it was analysed; run the same command again")
    return AnalysedVideo(sha256, curve.duration_s, float(reader.info.frame_rate), curve.segments, vectors)


def ready(how: AnalysisOptions) -> None:
    """Load the network, which otherwise the first video does.

    Raises:
        WeightsError: no such network or engine.
    """
    _network(how)


@cache
def _network(how: AnalysisOptions) -> Network:
    return how.network()


def _windows(reader: VideoReader, features: MotionFeatures) -> WindowVectors:
    middles_s = window_middles_s(features)
    vectors_ND = unit_vectors(features, middles_s)
    told = vectors_ND.any(1)
    middles_s, vectors_ND = middles_s[told], vectors_ND[told]
    return WindowVectors(
        window_spans_s(features, middles_s),
        vectors_ND,
        np.interp(middles_s, features.times_s, features.motion).astype(np.float32),
        window_images(reader, middles_s),
    )
