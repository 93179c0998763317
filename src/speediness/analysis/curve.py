"""A video to its speediness curve (§4.1) and to the features of its motion (§5.4.2)."""

# K factors, F frames

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

import speediness
from speediness.analysis.network import DEFAULT_NETWORK, Network, load_network
from speediness.analysis.schedule import PAPER_SCHEDULE
from speediness.analysis.segments import find_segments
from speediness.analysis.shot import ShotScores
from speediness.analysis.store import ResultStore
from speediness.analysis.windows import VideoScorer
from speediness.curves import SpeedinessCurve
from speediness.features import MotionFeatures
from speediness.sampling import playback_factors
from speediness.video.read_ahead import read_ahead
from speediness.video.reader import Frame, VideoReader
from speediness.video.resume_point import ResumePoint

STILL_PX = 0.1
"""Flow, in pixels per reference interval at short side 64, up to which the busiest cell is still."""

WIDEST = 6  # long side over short side; of a frame that is longer the middle is scored
FEW_MOVE = 0.1  # of the frames; a video with fewer that move gets a note
AHEAD = 32  # frames decoded before they are asked for, so that both cores have work
CHECKPOINT_S = 20.0  # of work that an interruption may cost


def analyse(
    video: str | os.PathLike[str],
    *,
    network: str | Network = DEFAULT_NETWORK,
    engine: str = "auto",
    factors: tuple[float, ...] | None = None,
    exact: bool = False,
    store: ResultStore | None = None,
    progress: Callable[[float, float], None] | None = None,
) -> SpeedinessCurve:
    """Analyse a video at every playback factor and say, frame by frame, how natural it looks.

    Args:
        video: any file with a video stream.
        network: name of shipped weights, path of an exported network, or one already loaded.
        engine: where the network runs, see :func:`speediness.engines.choose_engine`.
        factors: ascending from 1; default the paper's 1.25^0 .. 1.25^10.
        exact: score a window around every frame of every sped-up version, as the paper does,
            instead of what gives nearly the same curve (:mod:`speediness.analysis.schedule`).
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
        video, network=network, engine=engine, factors=factors, exact=exact, store=store, progress=progress
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
        if (known := store.result(_key(store, reader, net, playback_factors(), False))) is not None:
            return known[1]
    return analyse_with_features(video, network=net, factors=(1.0,), store=store, progress=progress)[1]


def analyse_with_features(
    video: str | os.PathLike[str],
    *,
    network: str | Network = DEFAULT_NETWORK,
    engine: str = "auto",
    factors: tuple[float, ...] | None = None,
    exact: bool = False,
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
    key = _key(store, reader, net, factors, exact, sha256) if store else ""
    if store and (known := store.result(key)) is not None:
        curve, features = known
        return replace(curve, made_by=curve.made_by | {"video": reader.path.name}), features
    promised_s = reader.info.duration_s or 0

    def seen(time_s: float) -> None:
        if progress is not None:
            progress(time_s, max(promised_s, time_s))

    def new_scorer() -> VideoScorer:
        return VideoScorer(net.runtime, net.clip, factors, PAPER_SCHEDULE if exact else None)

    scorer, after = _taken_up(new_scorer, store, key)
    shots = _scored_shots(reader, net, scorer, after, store, key, seen)
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
    exact: bool,
    sha256: str | None = None,
) -> str:
    settings = {"network": net.sha256, "engine": net.engine, "factors": factors, "exact": exact}
    return store.key(reader.path, settings, sha256)


def _taken_up(
    new_scorer: Callable[[], VideoScorer], store: ResultStore | None, key: str
) -> tuple[VideoScorer, ResumePoint | None]:
    """Where an interrupted analysis stopped, or the start."""
    scorer = new_scorer()
    state = store.checkpoint(key) if store else None
    if state is not None:
        try:
            return scorer, scorer.restore(state)
        except (KeyError, ValueError):  # of an earlier version of this program
            return new_scorer(), None
    return scorer, None


def _scored_shots(
    reader: VideoReader,
    net: Network,
    scorer: VideoScorer,
    after: ResumePoint | None,
    store: ResultStore | None,
    key: str,
    seen: Callable[[float], None],
) -> list[ShotScores]:
    """All shots; decoding goes on while the network works, and now and then the state is kept."""
    kept_s = time.monotonic()
    frames = reader.frames(net.clip.size_px, net.clip.channels, after)
    with read_ahead(frames, AHEAD) as coming:
        for frame in coming:
            scored = scorer.add(_middle(frame))
            seen(float(frame.time_s))
            # What a reader had to put up with is not known any more after an interruption.
            if store and scored and time.monotonic() - kept_s > CHECKPOINT_S and not reader.warnings:
                store.keep_checkpoint(key, scorer.state())
                kept_s = time.monotonic()
    return scorer.finish()


def _middle(frame: Frame) -> Frame:
    """The middle of a very long frame: the work grows with its area once its short side is scaled."""
    height, width = frame.pixels_HWC.shape[:2]
    longest = WIDEST * min(height, width)
    if max(height, width) <= longest:
        return frame
    top, left = max(height - longest, 0) // 2, max(width - longest, 0) // 2
    middle = frame.pixels_HWC[top : top + longest, left : left + longest]
    return Frame(frame.time_s, np.ascontiguousarray(middle))


def _curve(
    reader: VideoReader, net: Network, factors: tuple[float, ...], shots: list[ShotScores]
) -> SpeedinessCurve:
    """The shots as one curve, with segments and notes."""
    times_s = np.concatenate([shot.times_s for shot in shots])
    duration_s = float(reader.end_s)
    log_odds_KF = np.concatenate([shot.log_odds for shot in shots], 1)
    peak_KF = np.concatenate([shot.peak_motion for shot in shots], 1)
    moving_F = peak_KF[0] > STILL_PX
    cuts_s = tuple(float(shot.times_s[0]) for shot in shots[1:])
    notes = list(reader.warnings)
    across, down = reader.info.width_px, reader.info.height_px
    if max(across, down) > WIDEST * min(across, down):
        notes.append(f"the frame is longer than {WIDEST}:1; only its middle was scored")
    if not moving_F.any():
        notes.append("nothing moves in this video, so there is no motion to score")
    elif moving_F.mean() < FEW_MOVE:
        notes.append(
            f"hardly anything moves: only {moving_F.mean():.1%} of the frames show motion to score; "
            "the rest counts as natural"
        )
    elif reader.info.frame_rate < net.clip.frame_rate:
        notes.append(
            f"{float(reader.info.frame_rate):.3g} frames a second are fewer than the "
            f"{float(net.clip.frame_rate):g} the network looks at; take the labels with care"
        )
    return SpeedinessCurve(
        times_s=times_s,
        duration_s=duration_s,
        factors=factors,
        normal=probability_normal(log_odds_KF, peak_KF),
        motion=np.concatenate([shot.motion for shot in shots]),
        segments=find_segments(times_s, duration_s, factors, log_odds_KF, moving_F, cuts_s, net.response),
        cuts_s=cuts_s,
        notes=tuple(notes),
        made_by={
            "video": reader.path.name,
            "container_duration_s": reader.info.duration_s,
            "speediness": speediness.__version__,
            "network": net.name,
            "network_sha256": net.sha256,
            "clip": net.clip.to_json(),
        },
    )


def features_of_shots(shots: list[ShotScores], duration_s: float) -> MotionFeatures:
    """The features of a video's shots, one after the other."""
    times_s = np.concatenate([shot.features_s for shot in shots])
    moments_s = np.concatenate([shot.moments_s[0] for shot in shots])
    return MotionFeatures(
        times_s=times_s,
        vectors=np.concatenate([shot.features for shot in shots]),
        motion=np.interp(
            times_s, moments_s, np.concatenate([shot.answers[0][:, 1] for shot in shots])
        ).astype(np.float32),
        shot_starts_s=tuple(float(shot.times_s[0]) for shot in shots),
        duration_s=duration_s,
    )


def probability_normal(
    log_odds_KF: NDArray[np.float32], peak_KF: NDArray[np.float32]
) -> NDArray[np.float32]:
    """P_vi(t) (K, F), with certainty of "normal" where nothing moves.

    Paper (§3): when nothing moves, a video played at 2x still shows no motion. A network trained
    on both labels for such clips can only guess, so below STILL_PX its answer gives way to 1.
    """
    normal_KF = np.empty_like(log_odds_KF)
    for normal, log_odds, peak in zip(normal_KF, log_odds_KF, peak_KF, strict=True):  # for memory's sake
        moves = peak.astype(np.float64) ** 2
        normal[:] = 1 - moves / (moves + STILL_PX**2) / (1 + np.exp(-log_odds.astype(np.float64)))
    return normal_KF
