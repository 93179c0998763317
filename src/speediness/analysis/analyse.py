"""A video to its speediness curve (§4.1) and to the features of its motion (§5.4.2)."""

# K factors, F frames

import itertools
import os
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from speediness.analysis.scorer import score_shots
from speediness.analysis.segments import find_rates, find_segments, probability_sped_up
from speediness.analysis.shot import ShotScores, scene_px, shortest_s
from speediness.results.curve import SpeedinessCurve
from speediness.results.features import MotionFeatures
from speediness.results.store import ResultStore
from speediness.runtime.network import DEFAULT_NETWORK, Network, Response, load_network
from speediness.sampling import nearest_frames, playback_factors
from speediness.version import __version__
from speediness.video.read_ahead import read_ahead
from speediness.video.reader import Frame, VideoReader
from speediness.video.resume_point import ResumePoint

STILL_PX = 0.1
"""Flow, in pixels per reference interval at short side 64, up to which the busiest cell is still."""

WIDEST = 6  # long side over short side; of a frame that is longer the middle is scored
USUAL = 3.5  # few videos are played faster
FEW_MOVE = 0.1  # of the frames; a video with fewer that move gets a note
AHEAD = 32  # frames decoded before they are asked for, so that both cores have work
CHECKPOINT_S = 20.0  # of work between two times that whole shots are kept


def analyse(
    video: str | os.PathLike[str],
    *,
    network: str | Network = DEFAULT_NETWORK,
    engine: str = "auto",
    factors: tuple[float, ...] | None = None,
    store: ResultStore | None = None,
    progress: Callable[[float, float], None] | None = None,
) -> SpeedinessCurve:
    """Analyse a video at every playback factor and say, frame by frame, how natural it looks.

    Args:
        video: any file with a video stream.
        network: name of shipped weights, path of an exported network, or one already loaded.
        engine: where the network runs, see :func:`speediness.runtime.choose_engine`.
        factors: ascending from 1; default the paper's 1.25^0 .. 1.25^10.
        store: where the result is looked up before and kept afterwards, and where an analysis that
            is interrupted is taken up again; None: none of this.
        progress: called with seconds of video seen and seconds of video in all.

    Returns:
        The curve, a value for every frame; segments and notes included.

    Raises:
        VideoError: the file cannot be used; the message says why and what to do.
        WeightsError: no such network or engine.
    """
    return analyse_with_features(
        video, network=network, engine=engine, factors=factors, store=store, progress=progress
    )[0]


def embed(
    video: str | os.PathLike[str],
    *,
    network: str | Network = DEFAULT_NETWORK,
    engine: str = "auto",
    store: ResultStore | None = None,
    progress: Callable[[float, float], None] | None = None,
) -> MotionFeatures:
    """Analyse a video at its own speed and say how things move in it.

    Arguments and errors are those of :func:`analyse`, whose results in the store serve too.
    """
    net = network if isinstance(network, Network) else load_network(network, engine)
    if store:
        reader = VideoReader(Path(video))
        if (known := store.result(_key(store, reader, net, playback_factors()))) is not None:
            return known[1]
    return analyse_with_features(video, network=net, factors=(1.0,), store=store, progress=progress)[1]


def analyse_with_features(
    video: str | os.PathLike[str],
    *,
    network: str | Network = DEFAULT_NETWORK,
    engine: str = "auto",
    factors: tuple[float, ...] | None = None,
    store: ResultStore | None = None,
    sha256: str | None = None,
    progress: Callable[[float, float], None] | None = None,
) -> tuple[SpeedinessCurve, MotionFeatures]:
    """What :func:`analyse` and :func:`embed` say, in one go.

    Arguments and errors are those of :func:`analyse`, and ``sha256`` of the file, where it is known
    already and the store need not read it.
    """
    net = network if isinstance(network, Network) else load_network(network, engine)
    factors = factors or playback_factors()
    if factors[0] != 1 or any(b <= a for a, b in pairwise(factors)):
        raise ValueError("factors must ascend from 1")
    reader = VideoReader(Path(video))
    key = _key(store, reader, net, factors, sha256) if store else ""
    if store and (known := store.result(key)) is not None:
        curve, features = known
        return replace(curve, made_by=curve.made_by | {"video": reader.path.name}), features
    promised_s = reader.info.duration_s or 0

    def seen(frame: Frame) -> Frame:
        if progress is not None:
            progress(float(frame.time_s), max(promised_s, float(frame.time_s)))
        return frame

    shots, place = _taken_up(store.checkpoint(key) or {}) if store else ([], None)
    kept_s = time.monotonic()
    # Decoding goes on while the network works.
    with read_ahead(open_frames(reader, net, place), AHEAD) as frames:
        for shot in score_shots(map(seen, frames), net.runtime, net.clip, factors):
            shots.append(shot)
            # What a reader had to put up with is not known any more after an interruption.
            if store and time.monotonic() - kept_s > CHECKPOINT_S and not reader.warnings:
                store.keep_checkpoint(key, _state(shots))
                kept_s = time.monotonic()
    curve, features = _curve(reader, net, factors, shots), features_of_shots(shots, float(reader.end_s))
    if store:
        store.keep_result(key, curve, features)
        store.drop_checkpoint(key)
    return curve, features


def _key(
    store: ResultStore,
    reader: VideoReader,
    net: Network,
    factors: tuple[float, ...],
    sha256: str | None = None,
) -> str:
    return store.key(reader.path, {"network": net.sha256, "engine": net.engine, "factors": factors}, sha256)


def open_frames(reader: VideoReader, net: Network, after: ResumePoint | None = None) -> Iterator[Frame]:
    """The frames of a video as a network wants them; of very long ones the middle."""
    for frame in reader.frames(net.clip.size_px, net.clip.channels, after, scene_px(net.runtime)):
        yield _middle(frame)


def _state(shots: list[ShotScores]) -> dict[str, NDArray]:
    """Whole shots as plain arrays."""
    state: dict[str, NDArray] = {}
    for n, shot in enumerate(shots):
        for name, value in vars(shot).items():
            if isinstance(value, tuple):
                state |= {f"{n}.{name}.{k}": part for k, part in enumerate(value)}
            else:
                state[f"{n}.{name}"] = np.array(str(value)) if name == "last_s" else value
    return state


def _taken_up(state: Mapping[str, NDArray]) -> tuple[list[ShotScores], ResumePoint | None]:
    """Inverse of :func:`_state`, and where to go on; nothing where an earlier version wrote it."""
    shots: list[ShotScores] = []
    try:
        while f"{len(shots)}.times_s" in state:
            n = len(shots)
            many: dict[str, Any] = {
                name: tuple(state[f"{n}.{name}.{k}"] for k in range(_count(state, f"{n}.{name}")))
                for name in ("middles_s", "rate")
            }
            for name in ("times_s", "motion", "motion_s", "features", "features_s"):
                many[name] = state[f"{n}.{name}"]
            shots.append(ShotScores(**many, last_s=Fraction(str(state[f"{n}.last_s"]))))
        place = ResumePoint(shots[-1].last_s, sum(len(shot.times_s) for shot in shots))
    except (IndexError, KeyError, TypeError, ValueError):
        return [], None
    return shots, place


def _count(state: Mapping[str, NDArray], name: str) -> int:
    return next(k for k in itertools.count() if f"{name}.{k}" not in state)


def _middle(frame: Frame) -> Frame:
    """The middle of a very long frame: the work grows with its area once its short side is scaled."""
    height, width = frame.pixels_HWC.shape[:2]
    longest = WIDEST * min(height, width)
    if max(height, width) <= longest:
        return frame
    top, left = max(height - longest, 0) // 2, max(width - longest, 0) // 2
    middle = frame.pixels_HWC[top : top + longest, left : left + longest]
    return Frame(frame.time_s, np.ascontiguousarray(middle), frame.scene_HWC)


def _curve(
    reader: VideoReader, net: Network, factors: tuple[float, ...], shots: list[ShotScores]
) -> SpeedinessCurve:
    """The shots as one curve, with segments and notes."""
    times_s = np.concatenate([shot.times_s for shot in shots])
    duration_s = float(reader.end_s)
    mean_F, peak_F = (per_frame(shots, column) for column in (0, 1))
    moving_F = peak_F > STILL_PX
    cuts_s = tuple(float(shot.times_s[0]) for shot in shots[1:])
    answers_KF = answers(shots, factors, net.response)
    posterior = find_rates(shots, answers_KF, factors, moving_F, net.response)
    normal_KF = np.empty((len(factors), len(times_s)), np.float32)
    moves_F = peak_F.astype(np.float64) ** 2
    # Paper (§3): when nothing moves, a video played at 2x still shows no motion. A network trained on
    # both labels for such clips can only guess, so below STILL_PX its answer gives way to 1.
    moves_F /= moves_F + STILL_PX**2
    for row, mean in zip(normal_KF, answers_KF, strict=True):
        row[:] = 1 - moves_F * probability_sped_up(mean, posterior, net.response)
    return SpeedinessCurve(
        times_s=times_s,
        duration_s=duration_s,
        factors=factors,
        normal=normal_KF,
        motion=mean_F,
        segments=find_segments(posterior, duration_s, cuts_s),
        cuts_s=cuts_s,
        notes=(*reader.warnings, *_notes(reader, net, factors, shots, float(moving_F.mean()))),
        made_by={
            "video": reader.path.name,
            "container_duration_s": reader.info.duration_s,
            "speediness": __version__,
            "network": net.name,
            "network_sha256": net.sha256,
            "clip": net.clip.to_json(),
        },
    )


def _notes(
    reader: VideoReader, net: Network, factors: tuple[float, ...], shots: list[ShotScores], moving: float
) -> Iterator[str]:
    """What a reader of the curve should know."""
    fit = [any(len(shot.middles_s[k]) for shot in shots) for k in range(len(factors))]
    across, down = reader.info.width_px, reader.info.height_px
    if max(across, down) > WIDEST * min(across, down):
        yield f"the frame is longer than {WIDEST}:1; only its middle was scored"
    if not moving:
        yield "nothing moves in this video, so there is no motion to score"
    elif moving < FEW_MOVE:
        yield (
            f"hardly anything moves: only {moving:.1%} of the frames show motion to score; "
            "the rest is not sure"
        )
    elif reader.info.frame_rate < net.clip.frame_rate:
        yield (
            f"{float(reader.info.frame_rate):.3g} frames a second are fewer than the "
            f"{float(net.clip.frame_rate):g} the network looks at; take the labels with care"
        )
    if not fit[0]:
        least_s = shortest_s(net.runtime, net.clip)
        yield f"no shot lasts the {least_s:g} s that the network needs; its speed is not known"
    elif moving and not all(fit) and (most := factors[fit.index(False) - 1]) < USUAL:
        yield f"no shot is long enough for more than {most:.3g}x; higher factors are inferred"


def answers(shots: list[ShotScores], factors: tuple[float, ...], response: Response) -> NDArray[np.float64]:
    """(K, F) by factor: the mean answer at every frame, at the ends of a shot that of its nearest window.

    Where no window of a factor fits into a shot: the shot's answers at the factor before, moved by as much
    as the network's answers to natural video move. A shot without any takes those of the nearest moment.
    """
    moved_K = response.at(np.log2(factors))
    rows = []
    for shot in shots:
        row, last = np.full((len(factors), len(shot.times_s)), np.nan), None
        for k, (middles_s, rate) in enumerate(zip(shot.middles_s, shot.rate, strict=True)):
            if len(middles_s):
                row[k], last = np.interp(shot.times_s, middles_s, rate[:, 0]), k
            elif last is not None:
                row[k] = row[last] + moved_K[k] - moved_K[last]
        rows.append(row)
    answers_KF = np.concatenate(rows, 1)
    known_F = ~np.isnan(answers_KF[0])
    if not known_F.any():
        return np.repeat(moved_K[:, None], len(known_F), 1)
    times_s = np.concatenate([shot.times_s for shot in shots])
    return answers_KF[:, known_F][:, nearest_frames(times_s[known_F], times_s)]


def per_frame(shots: list[ShotScores], column: int) -> NDArray[np.float32]:
    """(F,) motion at factor 1, lines between its moments: 0 the mean, 1 that of the busiest cell."""
    return np.concatenate(
        [
            np.interp(shot.times_s, shot.motion_s, shot.motion[:, column]).astype(np.float32)
            if len(shot.motion_s)
            else np.zeros(len(shot.times_s), np.float32)
            for shot in shots
        ]
    )


def features_of_shots(shots: list[ShotScores], duration_s: float) -> MotionFeatures:
    """The features of a video's shots, one after the other."""
    known = [shot for shot in shots if len(shot.features)]
    if not known:  # too short for a window
        return MotionFeatures(
            np.zeros(1), np.zeros((1, 1), np.float16), np.zeros(1, np.float32), (0.0,), duration_s
        )
    return MotionFeatures(
        times_s=np.concatenate([shot.features_s for shot in known]),
        vectors=np.concatenate([shot.features for shot in known]),
        motion=np.concatenate(
            [
                np.interp(shot.features_s, shot.motion_s, shot.motion[:, 0]).astype(np.float32)
                for shot in known
            ]
        ),
        shot_starts_s=tuple(float(shot.times_s[0]) for shot in shots),
        duration_s=duration_s,
    )
