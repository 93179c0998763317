"""A video of hours: memory that does not grow, a length to the frame, sound in step at the end.

The first seconds of a bundled clip, small, with a mark in a corner that comes with every click, are
encoded once, and their packets written over and over.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np

from speediness.results.plan import SpeedPlan
from speediness.video.audio_reader import AudioReader
from speediness.video.reader import VideoReader
from synthetic import write_video

CLIP = Path(__file__).parents[2] / "examples/bikes.mp4"
WIDTH_PX, HEIGHT_PX, RATE, SOUND_HZ = 160, 90, 15, 48_000
LOOP_S = 16  # whole frames of video and of AAC (1024 samples)
CLICKS_S = (4, 12)  # in a loop
MARK_PX, MARK_S = 24, 1.0  # a square in the corner, and how long it is lit
SAMPLED_EVERY_S = 10.0
SETTLED_S = 120.0  # memory may grow until then
MORE_BYTES = 64 << 20  # by which it may be more afterwards than before the middle
SYNC_S = 0.04
NEAR_S = 0.12  # a click is looked for so near to its place
LAST_S = 120.0  # of the output, whose clicks are measured


@dataclass
class Verb:
    """What one command took."""

    took_s: float = 0.0
    rss_bytes: list[int] = field(default_factory=list)
    """Of all its processes together, every SAMPLED_EVERY_S."""
    peak_bytes: int = 0
    """Of its largest process."""

    @property
    def settled_bytes(self) -> int:
        """The most in the first half, from SETTLED_S on if it takes so long."""
        half = len(self.rss_bytes) // 2
        return max(self.rss_bytes[min(round(SETTLED_S / SAMPLED_EVERY_S), half // 2) : half + 1], default=0)

    @property
    def late_bytes(self) -> int:
        """The most in the second half."""
        return max(self.rss_bytes[len(self.rss_bytes) // 2 :], default=0)


@dataclass
class Long:
    """What came of it."""

    duration_s: float
    verbs: dict[str, Verb] = field(default_factory=dict)
    off_frames: float = 0.0
    """By which the output is longer than the plan says, in output frames."""
    off_s: list[float] = field(default_factory=list)
    """By which each of the last clicks comes after its mark."""
    faults: list[str] = field(default_factory=list)


def run(minutes: float, folder: Path) -> Long:
    """Analyse and speed up a video of so many minutes.

    Args:
        minutes: of video.
        folder: to work in; exists.
    """
    video = write_looped(folder / "long.mp4", round(60 * minutes / LOOP_S))
    result = Long(float(VideoReader(video).info.duration_s or 0))
    commands = {
        "analyse": ["analyse", video.name, "-o", "out", "--json"],
        "speedup --rate 4": ["speedup", video.name, "--rate", "4", "-o", "fast.mp4", "--json"],
    }
    for verb, arguments in commands.items():
        result.verbs[verb], code, said = _measured(arguments, folder)
        print(verb, result.verbs[verb].took_s, result.verbs[verb].rss_bytes, flush=True)
        if code:
            result.faults.append(f"{verb}: exit code {code}: {said}")
            return result
        if result.verbs[verb].late_bytes > result.verbs[verb].settled_bytes + MORE_BYTES:
            result.faults.append(f"{verb}: memory grows")
    _measure(folder, video, result)
    return result


def write_looped(path: Path, loops: int) -> Path:
    """Write the video: LOOP_S seconds, again and again."""
    frames = []
    for time_s, frame in VideoReader(CLIP).decoded():
        if len(frames) < LOOP_S * RATE and time_s >= Fraction(len(frames), RATE):
            frames.append(frame.reformat(WIDTH_PX, HEIGHT_PX, "rgb24").to_ndarray())
    frames = [*frames, *frames[::-1]]  # there and back

    def draw(n: int) -> np.ndarray:
        drawn = frames[n % len(frames)].copy()
        lit = any(0 <= n / RATE % LOOP_S - click_s < MARK_S for click_s in CLICKS_S)
        drawn[:MARK_PX, :MARK_PX] = 235 if lit else 20
        return drawn

    # Three rounds: the middle one begins and ends as every round does that follows another.
    sound_CN = np.zeros((1, 3 * LOOP_S * SOUND_HZ), np.float32)
    for round_s in range(0, 3 * LOOP_S, LOOP_S):
        for click_s in CLICKS_S:
            at = (round_s + click_s) * SOUND_HZ
            sound_CN[:, at : at + SOUND_HZ // 100] = 0.9
    times_s = [Fraction(n, RATE) for n in range(LOOP_S * RATE + 1)]
    once = write_video(
        path.with_name("once.mp4"),
        times_s,
        width_px=WIDTH_PX,
        height_px=HEIGHT_PX,
        draw_frame=draw,
        sound_CN=sound_CN,
        sound_layout="mono",
    )
    with av.open(str(once)) as source, av.open(str(path), "w") as out:
        streams: dict[int, Any] = {s.index: out.add_stream_from_template(s) for s in source.streams}
        kept = []
        for packet in source.demux():
            first_s = LOOP_S if packet.stream.type == "audio" else 0
            if not packet.size or packet.pts is None or packet.dts is None or packet.time_base is None:
                continue
            if first_s <= packet.pts * packet.time_base < first_s + LOOP_S:
                kept.append((packet, bytes(packet), packet.pts, packet.dts, first_s))
        for n in range(loops):
            for packet, content, pts, dts, first_s in kept:
                again = av.Packet(content)
                assert packet.time_base is not None
                later = round((n * LOOP_S - first_s) / packet.time_base)
                again.pts, again.dts, again.time_base = pts + later, dts + later, packet.time_base
                again.duration, again.is_keyframe = packet.duration, packet.is_keyframe
                again.stream = streams[packet.stream_index]
                out.mux(again)
    return path


def _measured(arguments: list[str], folder: Path) -> tuple[Verb, int, str]:
    began_s, verb = time.monotonic(), Verb()
    with (folder / "said").open("w") as said:
        process = subprocess.Popen(
            [sys.executable, "-m", "speediness.cli.main", *arguments],
            cwd=folder,
            env=os.environ | {"SPEEDINESS_CACHE": str(folder / "cache")},
            stdout=said,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        while True:
            try:
                code = process.wait(SAMPLED_EVERY_S)
                break
            except subprocess.TimeoutExpired:
                verb.rss_bytes.append(sum(_of_group(process.pid, "VmRSS")))
                verb.peak_bytes = max(verb.peak_bytes, *_of_group(process.pid, "VmHWM"))
    verb.took_s = time.monotonic() - began_s
    return verb, code, (folder / "said").read_text()[-2000:]


def _of_group(group: int, what: str) -> list[int]:
    """What the system says of the memory of every process of a group."""
    found = [0]
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            try:
                if os.getpgid(int(entry.name)) == group:
                    status = (entry / "status").read_text()
                    found += [
                        int(line.split()[1]) << 10 for line in status.splitlines() if line.startswith(what)
                    ]
            except OSError:
                continue
    return found


def _measure(folder: Path, video: Path, result: Long) -> None:
    """The length of the output, and its last clicks against its last marks."""
    plan = SpeedPlan.load(folder / "fast.plan.json")
    reader = VideoReader(folder / "fast.mp4")
    rate, lit, times_s = reader.info.frame_rate, [], []
    for time_s, frame in reader.decoded():
        times_s.append(float(time_s))
        lit.append(frame.to_ndarray(format="gray")[: MARK_PX - 4, : MARK_PX - 4].mean() > 128)
    result.off_frames = (float(reader.end_s) - result.duration_s / 4) * float(rate)
    if abs(result.off_frames) > 1 or reader.warnings:
        result.faults.append(f"{result.off_frames:+.2f} frames too long; {reader.warnings}")
    begins = np.flatnonzero(np.diff(np.array(lit, int)) > 0) + 1
    marks_s = [times_s[n] for n in begins if times_s[n] > float(reader.end_s) - LAST_S]
    clicks_s = plan.output_time(
        np.array([n + c for n in range(0, round(result.duration_s), LOOP_S) for c in CLICKS_S], float)
    )
    source = AudioReader(reader)
    sound = np.concatenate([np.abs(block).max(0) for block in source.blocks()])
    hz = source.sample_rate_hz
    for mark_s in marks_s:
        assert np.abs(clicks_s - mark_s).min() < 2 * SYNC_S + float(1 / rate), (
            "a mark that is not in the plan"
        )
        first = max(round((mark_s - NEAR_S) * hz), 0)
        around = sound[first : first + round(2 * NEAR_S * hz)]
        result.off_s.append((first + int(around.argmax())) / hz - mark_s)
    if not result.off_s or max(map(abs, result.off_s)) > SYNC_S:
        result.faults.append(f"clicks after their marks: {result.off_s}")
