"""A voice without words: pulses of a gliding pitch through the formants of five vowels."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.signal import lfilter

RATE_HZ = 48_000
FORMANTS_HZ = ((730, 1090, 2440), (270, 2290, 3010), (570, 840, 2410), (530, 1840, 2480), (300, 870, 2240))
WIDTHS_HZ = (80, 100, 140)
SYLLABLE_S = 0.22


def voice(duration_s: float) -> NDArray[np.float32]:
    """Stereo ``(2, samples)`` at 48 kHz; silent parts are the caller's to add."""
    time_s = np.arange(round(duration_s * RATE_HZ)) / RATE_HZ
    pitch_hz = 120 + 25 * np.sin(2 * np.pi * 0.9 * time_s) + 8 * np.sin(2 * np.pi * 2.3 * time_s)
    pulses = np.diff(np.floor(np.cumsum(pitch_hz) / RATE_HZ), prepend=0)
    source = np.convolve(pulses, np.exp(-np.arange(240) / 36), "same")
    spoken = np.zeros(len(time_s))
    step = round(SYLLABLE_S * RATE_HZ)
    for k, at in enumerate(range(0, len(time_s), step)):
        syllable = source[at : at + step]
        for formant_hz, width_hz in zip(FORMANTS_HZ[k % 5], WIDTHS_HZ, strict=True):
            radius = np.exp(-np.pi * width_hz / RATE_HZ)
            turn = 2 * radius * np.cos(2 * np.pi * formant_hz / RATE_HZ)
            syllable = np.asarray(lfilter([1], [1, -turn, radius**2], syllable))
            syllable = syllable / max(np.abs(syllable).max(), 1e-9)
        spoken[at : at + step] = syllable * np.sqrt(np.hanning(len(syllable)))
    spoken += 0.003 * np.random.default_rng(0).normal(size=len(spoken))
    return np.tile(0.4 * spoken / np.abs(spoken).max(), (2, 1)).astype(np.float32)
