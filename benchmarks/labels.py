"""Are labels and factors right? Videos of known rate, and natural ones played at rates of our own.

    python benchmarks/labels.py NATURAL --slow SLOW [--rates 0.25 0.5 1 2]

A video is played at a rate by scaling its times and, above 1, leaving frames out, as an editor does. A
label counts as found where most of the video has it.
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import numpy as np

from speediness.analysis.analyse import STILL_PX, answers, open_frames, per_frame
from speediness.analysis.scorer import score_shots
from speediness.analysis.segments import candidate_rates, find_rates, find_segments
from speediness.datasets import find_videos
from speediness.errors import VideoError
from speediness.runtime.network import DEFAULT_NETWORK, Network, load_network
from speediness.sampling import playback_factors
from speediness.video.reader import Frame, VideoReader


def main() -> None:
    """Print a row for each rate, and one for videos that are slow by themselves."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("natural", help="videos at natural speed: a folder, a manifest or a data set")
    parser.add_argument("--slow", help="videos that are in slow motion")
    parser.add_argument("--rates", type=float, nargs="+", default=[0.25, 0.5, 1.0, 2.0])
    parser.add_argument("--network", default=DEFAULT_NETWORK, help="shipped weights, or an .onnx file")
    parser.add_argument("--every", type=int, default=1, help="take every so many-th video")
    given = parser.parse_args()
    network = load_network(given.network)
    print("| videos | played at | natural | slow motion | sped up | not sure | error of log2 of the rate |")
    print("|---|---|---|---|---|---|---|")
    errors: dict[str, list[float]] = defaultdict(list)
    for data, rates in ((given.natural, given.rates), (given.slow, [1.0])):
        if data is None:
            continue
        videos = [item.path for item in find_videos(data, "test")][:: given.every]
        for rate in rates:
            found = [said for path in videos if (said := labelled(path, rate, network)) is not None]
            shares = [np.mean([label == word for label, _, _ in found]) for word in WORDS]
            off = [abs(mean - np.log2(rate)) for _, mean, _ in found]
            if data == given.natural:
                errors["mean"] += off
                errors["shown"] += [abs(shown - np.log2(rate)) for _, _, shown in found]
            said = " | ".join(f"{share:.0%}" for share in shares)
            error = f"{np.mean(off):.2f}" if data == given.natural else ""
            print(f"| {Path(data).name} ({len(found)}) | {rate:g}x | {said} | {error} |", flush=True)
    print(
        f"\nmean error over all rates: {np.mean(errors['mean']):.2f} octaves of what is likely, "
        f"{np.mean(errors['shown']):.2f} of the factors shown"
    )


WORDS = ("natural", "slow_motion", "sped_up", "not_sure")


def labelled(path: Path, rate: float, network: Network) -> tuple[str, float, float] | None:
    """The label of most of a video, mean log2 of its rate, and that of the factors shown."""
    factors = playback_factors()
    try:
        shots = list(score_shots(played(path, rate, network), network.runtime, network.clip, factors))
    except VideoError:
        return None
    if not any(len(shot.middles_s[0]) for shot in shots):
        return None
    answers_KF = answers(shots, factors, network.response)
    moving_F = per_frame(shots, 1) > STILL_PX
    posterior = find_rates(shots, answers_KF, factors, moving_F, network.response)
    end_s = float(shots[-1].times_s[-1])
    segments = find_segments(posterior, end_s, tuple(float(shot.times_s[0]) for shot in shots[1:]))
    seconds: dict[str, float] = defaultdict(float)
    for segment in segments:
        seconds[segment.label] += segment.end_s - segment.start_s
    shown = sum((s.end_s - s.start_s) * np.log2(s.factor) for s in segments) / end_s
    mean = float((posterior.rates_GQ @ candidate_rates()).mean())
    return max(seconds, key=lambda word: seconds[word]), mean, float(shown)


def played(path: Path, rate: float, network: Network) -> Iterator[Frame]:
    """Frames of a video at a rate; the scene is seen as often as it would be."""
    reader = VideoReader(path)
    step = max(1, round(rate))
    next_scene_s, scene = 0.5, None
    for number, frame in enumerate(open_frames(reader, network)):
        scene = frame.scene_HWC if frame.scene_HWC is not None else scene
        if number % step:
            continue
        time_s = frame.time_s / Fraction(rate).limit_denominator(64)
        shown = None
        if scene is not None and time_s >= next_scene_s:
            shown, next_scene_s = scene, next_scene_s + 1
        yield Frame(time_s, frame.pixels_HWC, shown)


if __name__ == "__main__":
    main()
