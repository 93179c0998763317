"""How fast is rendering? Ours against a plain filter graph at constant rate, side by side in one run.

    python benchmarks/render.py VIDEO [PRESET]

VIDEO is played at twice its speed in three ways: by a uniform plan, by a plan that swings between
about 1x and 4x, and by libavfilter alone (``setpts``, ``fps`` and ``atempo``), which can do no more
than the first. Decoder and encoders and their settings are the same. Rounds alternate between the ways,
so that what else the machine does hits all alike; ratios are of medians. Every run has a process of
its own, so that its peak memory is its own.
"""

from __future__ import annotations

import sys
import tempfile
import time
from argparse import ArgumentParser, RawDescriptionHelpFormatter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from itertools import pairwise
from multiprocessing import get_context
from pathlib import Path
from resource import RUSAGE_SELF, getrusage
from typing import Any

import av
import numpy as np
from av.filter import Graph

from report import this_machine
from speediness.results.plan import SpeedPlan
from speediness.speedup.render import render_speedup
from speediness.video.coding import DEFAULT_PRESET, Coding
from speediness.video.frame_choice import standard_rate
from speediness.video.reader import VideoReader
from speediness.video.writer import SoundFormat, VideoWriter
from speediness.video.yuv420 import Yuv420Converter

RATE, ROUNDS = 2.0, 3


@dataclass(frozen=True)
class Run:
    """What one rendering took."""

    wall_s: float
    cpu_s: float
    peak_mb: float
    video_mb: float


def main() -> None:
    """Measure and print a Markdown table."""
    parser = ArgumentParser(description=__doc__, formatter_class=RawDescriptionHelpFormatter)
    parser.add_argument("video", type=Path, metavar="VIDEO")
    parser.add_argument("preset", nargs="?", default=DEFAULT_PRESET, metavar="PRESET")
    given = parser.parse_args()
    video, preset = given.video, given.preset
    reader = VideoReader(video)
    for _ in reader.decoded():  # also brings the file into memory
        pass
    ways: dict[str, Callable[..., None]] = {
        "filter graph, constant rate": by_filters,
        "ours, uniform plan": by_uniform_plan,
        "ours, varying plan": by_varying_plan,
    }
    runs: dict[str, list[Run]] = {name: [] for name in ways}
    for _ in range(ROUNDS):
        for name, way in ways.items():
            # A fresh interpreter each time: memory a process has used is never counted back.
            with get_context("spawn").Pool(1) as pool:
                runs[name].append(pool.apply(measured, (way, video, float(reader.end_s), preset)))
    info = reader.info
    print(
        f"{video.name}: {info.width_px}x{info.height_px}, {float(info.frame_rate):.2f} fps, {info.codec}, "
        f"{float(reader.end_s):.1f} s, {'with' if info.has_audio else 'no'} sound; at {RATE:g}x, {preset}"
    )
    print(f"{this_machine()}\n")
    print("| way | wall s | x real time | against filters | CPU s | peak MB | video MB |")
    print("|---|---|---|---|---|---|---|")
    base_s = np.median([run.wall_s for run in runs["filter graph, constant rate"]])
    for name, taken in runs.items():
        wall_s, cpu_s = (np.median([getattr(run, key) for run in taken]) for key in ("wall_s", "cpu_s"))
        print(
            f"| {name} | {wall_s:.1f} | {float(reader.end_s) / wall_s:.2f} | {base_s / wall_s:.2f} | "
            f"{cpu_s:.1f} | {max(run.peak_mb for run in taken):.0f} | {taken[0].video_mb:.1f} |"
        )


def measured(way: Callable[..., None], video: Path, duration_s: float, preset: str) -> Run:
    """Render once, in the process that calls this."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "out.mp4"
        start_s, before_s = time.perf_counter(), time.process_time()
        way(video, out, duration_s, preset)
        wall_s, cpu_s = time.perf_counter() - start_s, time.process_time() - before_s
        peak_mb = getrusage(RUSAGE_SELF).ru_maxrss / (1e6 if sys.platform == "darwin" else 1e3)
        return Run(wall_s, cpu_s, peak_mb, out.stat().st_size / 1e6)


def by_uniform_plan(video: Path, out: Path, duration_s: float, preset: str) -> None:
    """Our renderer at constant rate."""
    plan = SpeedPlan(np.array([0, duration_s]), np.full(2, 1 / RATE), RATE)
    render_speedup(video, plan, out, coding=Coding(preset=preset))


def by_varying_plan(video: Path, out: Path, duration_s: float, preset: str) -> None:
    """Our renderer between about 1x and 4x, in waves of 8 s."""
    times_s = np.linspace(0, duration_s, round(duration_s * 20) + 1)
    slowness = 1 / (2.5 + 1.5 * np.sin(2 * np.pi * times_s / 8))
    slowness *= duration_s / RATE / np.sum(np.diff(times_s) * (slowness[1:] + slowness[:-1]) / 2)
    render_speedup(video, SpeedPlan(times_s, slowness, RATE), out, coding=Coding(preset=preset))


def by_filters(video: Path, out: Path, duration_s: float, preset: str) -> None:
    """One packet after the other through libavfilter to the writer ours uses."""
    info = VideoReader(video).info
    maker, rate = Yuv420Converter(info), standard_rate(info.frame_rate)
    sounds = [SoundFormat(info.audio_rate_hz, min(info.audio_channels, 2))] if info.has_audio else []
    size_px, coding = (maker.width_px, maker.height_px), Coding(preset=preset)
    with (
        av.open(str(video)) as source,
        VideoWriter(out, size_px, rate, maker.colour, sounds, coding) as writer,
    ):
        frames = source.streams.video[0]
        frames.thread_type = "AUTO"
        streams: list[Any] = [frames, *source.streams.audio[:1]]
        graphs = [chain(("buffer", frames), [("setpts", f"PTS/{RATE}"), ("fps", str(rate))])]
        if sounds:
            layout = f"sample_fmts=fltp:channel_layouts={sounds[0].layout}"
            graphs.append(chain(("abuffer", streams[1]), [("atempo", str(RATE)), ("aformat", layout)]))
        for packet in source.demux(streams):
            graph = graphs[streams.index(packet.stream)]
            for frame in packet.decode():
                assert isinstance(frame, av.VideoFrame | av.AudioFrame)
                graph.push(frame)
                hand_over(graph, writer)
        for graph in graphs:
            graph.push(None)
            hand_over(graph, writer)


def chain(source: tuple[str, Any], filters: list[tuple[str, str]]) -> Graph:
    """A graph in a line, from a stream through filters to a sink."""
    graph = Graph()
    kind, stream = source
    add: Any = graph.add_buffer if kind == "buffer" else graph.add_abuffer
    nodes = [add(template=stream), *(graph.add(name, options) for name, options in filters)]
    nodes.append(graph.add("buffersink" if kind == "buffer" else "abuffersink"))
    for before, after in pairwise(nodes):
        before.link_to(after)
    graph.configure()
    return graph


def hand_over(graph: Graph, writer: VideoWriter) -> None:
    """Write what a graph has ready."""
    with suppress(BlockingIOError, EOFError):  # PyAV's for "not yet" and "no more" are of these kinds
        while True:
            frame = graph.pull()
            if isinstance(frame, av.VideoFrame):
                writer.add_frame(frame)
            else:
                writer.add_sound(np.asarray(frame.to_ndarray(), np.float32))


if __name__ == "__main__":
    main()
