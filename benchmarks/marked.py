"""Videos that say where they are: every frame bears its number, and beeps sound at known moments.

    python benchmarks/marked.py OUT.mp4 --seconds 60

What is made from such a video, by whatever program, shows by itself how long it is, which moment each of
its frames comes from, and how far its sound lies from its frames: :func:`read_marks`.
"""

from __future__ import annotations

from argparse import ArgumentParser, RawDescriptionHelpFormatter
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

RATE, SOUND_HZ = 25, 48_000
SIZE_PX = (640, 360)
BITS = 14
BARS_PX = 90  # height of the number
BEEP_EVERY_S, BEEP_S = 2.0, 0.2
PITCHES_HZ = (600, 800, 1000, 1200)
"""Of the beeps in turn; whoever keeps the pitch keeps these."""
WAVE_S = 12.0
"""How long it takes from calm to busy and back."""


@dataclass(frozen=True)
class Marks:
    """What can be read off a video that was made from a marked one."""

    duration_s: float
    """End of the last frame."""
    sound_s: float
    """End of the sound."""
    shown_s: NDArray[np.float64]
    """(N,) when each frame is shown."""
    source_s: NDArray[np.float64]
    """(N,) the moment of the source that it shows."""
    beeps: list[tuple[int, float]]
    """Beeps that were found: their place in the source, and the moment of their middle here."""

    def sync_errors_s(self) -> NDArray[np.float64]:
        """How far each beep comes after the frames it belongs to, seconds."""
        middle_s = np.array([BEEP_EVERY_S * (number + 0.5) for number, _ in self.beeps])
        # Frames stand for the time until the next one.
        due_s = np.interp(middle_s, self.source_s + 0.5 / RATE, self.shown_s + self._frame_s() / 2)
        return np.array([at_s for _, at_s in self.beeps]) - due_s

    def _frame_s(self) -> float:
        return self.duration_s / len(self.shown_s)


def write_marked(out: Path, seconds: float, seed: int = 0) -> None:
    """Write a video with sound: a texture that moves now more and now less, numbers and beeps.

    Beep k is in the middle of the k-th stretch of ``BEEP_EVERY_S``. Between beeps there is faint noise.
    """
    width_px, height_px = SIZE_PX
    grain = np.random.default_rng(seed).normal(size=(height_px - BARS_PX, width_px))
    across, down = np.fft.rfftfreq(width_px), np.fft.fftfreq(height_px - BARS_PX)[:, None]
    texture = np.fft.irfft2(np.fft.rfft2(grain) * np.exp(-2 * (np.pi * 6) ** 2 * (across**2 + down**2)))
    luma = np.clip(128 + 45 * texture / texture.std(), 0, 255).astype(np.uint8)
    with av.open(str(out), "w") as container:
        frames = container.add_stream("libx264", rate=RATE, options={"preset": "veryfast", "crf": "18"})
        frames.width, frames.height, frames.pix_fmt = width_px, height_px, "yuv420p"
        sound = container.add_stream("aac", rate=SOUND_HZ, layout="mono")
        moved_px = 0.0
        for number in range(round(seconds * RATE)):
            moved_px += 4 * np.sin(np.pi * number / RATE / WAVE_S) ** 4
            image = np.concatenate([_bars(number, width_px), np.roll(luma, round(moved_px), 1)])
            pixels_HWC = np.repeat(image[:, :, None], 3, 2)
            container.mux(frames.encode(av.VideoFrame.from_ndarray(pixels_HWC, "rgb24")))
        container.mux(frames.encode(None))
        for block in np.array_split(_sound(seconds, seed), max(round(seconds), 1)):
            wave = av.AudioFrame.from_ndarray(block[None], "fltp", "mono")
            wave.sample_rate = SOUND_HZ
            container.mux(sound.encode(wave))
        container.mux(sound.encode(None))


def _bars(number: int, width_px: int) -> NDArray[np.uint8]:
    """The number in black and white bars, low bit left."""
    bits = (number >> np.arange(BITS)) & 1
    row = bits[np.arange(width_px) * BITS // width_px] * 255
    return np.repeat(row.astype(np.uint8)[None], BARS_PX, 0)


def _sound(seconds: float, seed: int) -> NDArray[np.float32]:
    time_s = np.arange(round(seconds * SOUND_HZ)) / SOUND_HZ
    number, into_s = np.divmod(time_s, BEEP_EVERY_S)
    pitch_hz = np.array(PITCHES_HZ)[number.astype(int) % len(PITCHES_HZ)]
    share = (into_s - (BEEP_EVERY_S - BEEP_S) / 2) / BEEP_S
    loud = np.where((share > 0) & (share < 1), np.sin(np.pi * np.clip(share, 0, 1)) ** 2, 0)
    noise = np.random.default_rng(seed).normal(size=len(time_s))
    return (0.7 * loud * np.sin(2 * np.pi * pitch_hz * time_s) + 0.002 * noise).astype(np.float32)


def read_marks(video: Path) -> Marks:
    """Decode a video, at constant frame rate, that was made from a marked one."""
    numbers: list[int] = []
    shown_s: list[float] = []
    with av.open(str(video)) as container:
        for frame in container.decode(video=0):
            assert frame.time is not None
            shown_s.append(frame.time)
            numbers.append(_number(frame.to_ndarray(format="gray")))
    source_s = np.array(numbers) / RATE
    frame_s = (shown_s[-1] - shown_s[0]) / max(len(shown_s) - 1, 1)
    samples, starts_s = _samples(video)
    return Marks(
        shown_s[-1] + frame_s,
        starts_s + len(samples) / SOUND_HZ,
        np.array(shown_s),
        source_s,
        _beeps(samples, starts_s, np.array(shown_s), source_s),
    )


def _number(image: NDArray[np.uint8]) -> int:
    height_px, width_px = image.shape
    rows = image[: height_px * BARS_PX // SIZE_PX[1]][height_px // 32 : -height_px // 32]
    middles = ((np.arange(BITS) + 0.5) * width_px / BITS).astype(int)
    return int(((rows[:, middles].mean(0) > 128) << np.arange(BITS)).sum())


def _samples(video: Path) -> tuple[NDArray[np.float32], float]:
    """The sound (N,) at ``SOUND_HZ``, and when it begins."""
    resampler = av.AudioResampler("fltp", "mono", SOUND_HZ)
    blocks: list[NDArray[np.float32]] = []
    starts_s: float | None = None
    with av.open(str(video)) as container:
        if not container.streams.audio:
            return np.zeros(0, np.float32), 0.0
        for frame in container.decode(audio=0):
            starts_s = frame.time if starts_s is None else starts_s
            blocks += [np.asarray(piece.to_ndarray()[0], np.float32) for piece in resampler.resample(frame)]
    return np.concatenate(blocks), starts_s or 0.0


def _beeps(
    samples: NDArray[np.float32],
    starts_s: float,
    shown_s: NDArray[np.float64],
    source_s: NDArray[np.float64],
) -> list[tuple[int, float]]:
    """Middles of what is loud, weighted by energy; which beep each is, the frames around it say."""
    step = SOUND_HZ // 1000
    energy = np.square(samples[: len(samples) // step * step]).reshape(-1, step).mean(1)
    loud = np.flatnonzero(energy > 0.05 * energy.max()) if len(energy) else np.zeros(0, np.int64)
    found: list[tuple[int, float]] = []
    for run in np.split(loud, np.flatnonzero(np.diff(loud) > 30) + 1) if len(loud) else []:
        at_s = starts_s + float(np.average(run + 0.5, weights=energy[run])) / 1000
        near_s = float(np.interp(at_s, shown_s, source_s))
        number = round(near_s / BEEP_EVERY_S - 0.5)
        if not found or found[-1][0] != number:
            found.append((number, at_s))
    return found


def main() -> None:
    """Make one."""
    parser = ArgumentParser(description=__doc__, formatter_class=RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path, metavar="OUT.mp4")
    parser.add_argument("--seconds", type=float, default=60)
    given = parser.parse_args()
    write_marked(given.out, given.seconds)


if __name__ == "__main__":
    main()
