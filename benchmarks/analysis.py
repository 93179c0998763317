"""How fast is analysis? Ours against the paper's procedure, plain sliding windows, and decoding alone.

    pip install "speediness[train,openvino]"
    python benchmarks/analysis.py [VIDEO...] [-o DIR]

Without VIDEO: a minute of the bundled clip at 1280x720 and at 1920x1080, 25 frames a second; other videos
are made by benchmarks/videos.py. For each video, side by side in one run:

- decode: the video's frames and nothing else; and scaled to what the network looks at;
- ours: analyse() as people call it, loading included, on every engine installed;
- stride 1, nothing shared: a window around every frame of every sped-up version, each measured and
  classified by our network on its own;
- the paper: S3D-G at 224 pixels in colour on the same number of windows, each stacked of its scaled frames.

The last two are timed on windows spread over the video and multiplied by their number. Rounds alternate
between the ways, so that what else the machine does hits all alike; the tables give medians.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from fractions import Fraction
from functools import partial
from itertools import islice
from pathlib import Path

import av
import numpy as np
import torch
from matplotlib.figure import Figure
from numpy.typing import NDArray

from report import Results, arguments, installed_engines, markdown, report
from speediness import sampling
from speediness.analysis.analyse import analyse
from speediness.analysis.shot import fit
from speediness.clip import ClipSpec
from speediness.models.encoder import EncoderConfig
from speediness.models.speednet import SpeedNet
from speediness.runtime import choose_engine
from speediness.runtime.network import Network, load_network
from speediness.runtime.protocol import Pixels
from speediness.video.reader import VideoReader
from videos import make_video

ROUNDS, PAPER_SAMPLE, SAMPLE, BATCH = 3, 3, 32, 16
SIZES_PX, SECONDS = ((1280, 720), (1920, 1080)), 60
PAPER = EncoderConfig(ClipSpec(16, Fraction(25), 224, 3), "s3dg")
FACTORS = sampling.playback_factors()
DECODE, SCALE = "decode", "decode and scale"
PAPER_WAY = "the paper, torch"


def main() -> None:
    """Measure, print, draw."""
    parser = arguments(__doc__)
    parser.add_argument("videos", nargs="*", type=Path, metavar="VIDEO")
    given = parser.parse_args()
    report("analysis", given, partial(measure, given.videos), tables, draw)


def measure(videos: list[Path]) -> Results:
    """Seconds that each way takes for each video, by round."""
    with tempfile.TemporaryDirectory() as folder:
        if not videos:
            videos = [Path(folder) / f"{width_px}x{height_px}.mp4" for width_px, height_px in SIZES_PX]
            for video, size_px in zip(videos, SIZES_PX, strict=True):
                make_video(video, SECONDS, size_px)
        return {"ours": f"ours, {choose_engine()}", "films": [measured(video) for video in videos]}


def measured(video: Path) -> Results:
    """Rounds of all ways over one video."""
    subject = AuditVideo(video)
    engines = installed_engines()
    ways: dict[str, Callable[[], float]] = {DECODE: subject.decode, SCALE: subject.decode_and_scale}
    for engine in engines:
        ways[f"ours, {engine}"] = partial(subject.ours, engine)
    for engine in engines:
        ways[f"stride 1, nothing shared, {engine}"] = partial(subject.sliding, load_network(engine=engine))
    ways[PAPER_WAY] = partial(subject.paper, SpeedNet(PAPER).eval())
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(ROUNDS):
        for name, way in ways.items():
            seconds[name].append(way())
    info = subject.reader.info
    return {
        "film": video.name,
        "size_px": [info.width_px, info.height_px],
        "frames": len(subject.times_s),
        "seconds": float(subject.reader.end_s),
        "bit_rate": video.stat().st_size * 8 / float(subject.reader.end_s),
        "windows": subject.n_windows,
        "wall_s": seconds,
    }


class AuditVideo:
    """A video and the ways to analyse it; each gives the seconds that the whole video takes.

    Args:
        video: one that has been read before, if the first way is not to wait for the disk.
    """

    def __init__(self, video: Path) -> None:
        self.reader = VideoReader(video)
        self.times_s = np.array([float(time_s) for time_s, _ in self.reader.decoded()])
        # Every frame of every sped-up version is the middle of a window.
        self.counts = [int(np.ceil(len(self.times_s) / factor)) for factor in FACTORS]
        self.n_windows = sum(self.counts)

    def decode(self) -> float:
        """Frames as they are stored."""
        start_s = time.perf_counter()
        for _ in self.reader.decoded():
            pass
        return time.perf_counter() - start_s

    def decode_and_scale(self) -> float:
        """Frames as our network sees them."""
        clip, start_s = load_network().clip, time.perf_counter()
        for _ in self.reader.frames(clip.size_px, clip.channels):
            pass
        return time.perf_counter() - start_s

    def ours(self, engine: str) -> float:
        """The product."""
        start_s = time.perf_counter()
        analyse(self.reader.path, engine=engine)
        return time.perf_counter() - start_s

    def sliding(self, network: Network) -> float:
        """Our network on windows a frame apart, each measured by itself; extrapolated."""
        clip, runtime, start_s = network.clip, network.runtime, time.perf_counter()
        assert runtime.measure is not None and runtime.classify is not None
        frames = [
            fit(frame.pixels_HWC, clip.unit_px) for frame in self.reader.frames(clip.size_px, clip.channels)
        ]
        read_s = time.perf_counter() - start_s
        # The motion of T bins lies between T + 1 frames.
        longer = replace(clip, n_frames=clip.n_frames + 1)
        drawn = [self._window(*place, longer) for place in self._places(SAMPLE)]
        start_s = time.perf_counter()
        for i in range(0, SAMPLE, BATCH):
            clips = np.stack([np.stack([frames[n] for n in indices]) for indices in drawn[i : i + BATCH]])
            before, after = (part.reshape(-1, *part.shape[2:]) for part in (clips[:, :-1], clips[:, 1:]))
            motion = runtime.measure(before, after)
            runtime.classify(motion.reshape(len(clips), clip.n_frames, *motion.shape[1:]))
        return read_s + (time.perf_counter() - start_s) * self.n_windows / SAMPLE

    def paper(self, network: SpeedNet) -> float:
        """S3D-G on whole windows, one at a time, their frames scaled for each anew; extrapolated."""
        drawn = [self._window(*place, PAPER.clip) for place in self._places(PAPER_SAMPLE)]
        wanted = {int(n) for indices in drawn for n in indices}
        start_s = time.perf_counter()
        decoded = {n: image for n, (_, image) in enumerate(self.reader.decoded()) if n in wanted}
        read_s = time.perf_counter() - start_s
        start_s = time.perf_counter()
        with torch.inference_mode():
            for indices in drawn:
                frames = [square(decoded[int(n)], PAPER.clip.size_px) for n in indices]
                network(torch.from_numpy(np.stack(frames)[None]))
        return read_s + (time.perf_counter() - start_s) * self.n_windows / PAPER_SAMPLE

    def _places(self, count: int) -> Iterator[tuple[float, float]]:
        """Middle in seconds and factor of windows spread evenly over all there are."""
        every = (
            (self.times_s[min(int(n * factor), len(self.times_s) - 1)], factor)
            for factor, n_middles in zip(FACTORS, self.counts, strict=True)
            for n in range(n_middles)
        )
        step = self.n_windows // count
        return islice(every, step // 2, step // 2 + step * count, step)

    def _window(self, middle_s: float, factor: float, clip: ClipSpec) -> NDArray[np.int64]:
        """Numbers of the frames of a window; at the ends it stays on the last one."""
        times_s = sampling.window_around(middle_s, factor, clip.n_frames, clip.frame_rate)
        return sampling.nearest_frames(self.times_s, times_s)


def square(image: av.VideoFrame, size_px: int) -> Pixels:
    """The middle of a frame, scaled to a square in colour (§5.1)."""
    scale = size_px / min(image.width, image.height)
    width_px, height_px = round(image.width * scale), round(image.height * scale)
    pixels_HWC = image.reformat(width_px, height_px, "rgb24").to_ndarray().astype(np.uint8)
    top, left = (height_px - size_px) // 2, (width_px - size_px) // 2
    return pixels_HWC[top : top + size_px, left : left + size_px]


def tables(results: Results) -> str:
    """One for each video."""
    parts = []
    for video in results["films"]:
        wall_s = {name: float(np.median(taken)) for name, taken in video["wall_s"].items()}
        ours_s, decode_s = wall_s[results["ours"]], wall_s[DECODE]
        rows = [
            [
                name,
                f"{taken_s:.1f}",
                f"{video['seconds'] / taken_s:.3g}",
                f"{decode_s / taken_s:.2%}",
                f"{taken_s / ours_s:.3g}",
            ]
            for name, taken_s in wall_s.items()
        ]
        width_px, height_px = video["size_px"]
        parts.append(
            f"{width_px}x{height_px}, {video['frames']} frames, {video['seconds']:.0f} s, "
            f"{video['bit_rate'] / 1e6:.1f} Mbit/s; {video['windows']} windows at stride 1. Extrapolated: "
            f"the paper, and stride 1 with nothing shared.\n\n"
            + markdown(
                ["way", "wall s", "x real time", "of the speed of decoding", f"times {results['ours']}"],
                rows,
            )
        )
    return "\n".join(parts)


def draw(figure: Figure, results: Results) -> None:
    """Speed of all ways as bars; a video in each panel."""
    videos = results["films"]
    names = list(videos[0]["wall_s"])
    figure.set_size_inches(8, 0.8 + len(videos) * (0.6 + 0.28 * len(names)))
    panels = figure.subplots(len(videos), 1, sharex=True, squeeze=False)[:, 0]
    for axes, video in zip(panels, videos, strict=True):
        speeds = [video["seconds"] / np.median(video["wall_s"][name]) for name in names]
        slowest = min(speeds) / 3
        colours = ["#AA3377" if name.startswith("ours") else "#6E7B74" for name in names]
        axes.barh(names, speeds, color=colours, left=slowest)
        for name, speed in zip(names, speeds, strict=True):
            axes.annotate(f"{speed:.2g}", (speed, name), (4, 0), textcoords="offset points", va="center")
        axes.axvline(1, color="#222222", linewidth=0.8, linestyle=":")
        axes.set_xscale("log")
        axes.set_xlim(slowest, 4 * max(speeds))
        axes.invert_yaxis()
        axes.set_title(f"{video['size_px'][0]}x{video['size_px'][1]}", loc="left", fontsize=10)
        axes.spines[["top", "right"]].set_visible(False)
    panels[-1].set_xlabel("times as fast as the video plays (dotted: real time)")


if __name__ == "__main__":
    main()
