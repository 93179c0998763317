from __future__ import annotations

import tracemalloc
from collections.abc import Iterator

import numpy as np
import pytest
from numpy.typing import NDArray

from speediness.results.plan import SpeedPlan
from speediness.speedup.audio import SoundStretcher
from synthetic import tone

RATE = 48_000
Samples = NDArray[np.float32]


def constant(rate: float, duration_s: float) -> SpeedPlan:
    return SpeedPlan(np.array([0.0, duration_s]), np.array([1 / rate, 1 / rate]), rate)


def varying(duration_s: float, slow: float = 1, fast: float = 4, period_s: float = 8) -> SpeedPlan:
    """1x to 4x and back, as a sinusoid."""
    times_s = np.linspace(0, duration_s, round(duration_s * 20) + 1)
    factor = (slow + fast) / 2 + (fast - slow) / 2 * np.sin(2 * np.pi * times_s / period_s)
    return SpeedPlan(times_s, 1 / factor, 2)


def blocks(sound_CN: Samples, size: int = 5000) -> Iterator[Samples]:
    for at in range(0, sound_CN.shape[1], size):
        yield sound_CN[:, at : at + size]


def stretched(sound_CN: Samples, plan: SpeedPlan, rate: int = RATE) -> Samples:
    stretcher = SoundStretcher(plan, rate, sound_CN.shape[0])
    out = np.concatenate(list(stretcher.stretch(blocks(sound_CN))), 1)
    assert out.shape == (sound_CN.shape[0], stretcher.total)
    assert stretcher.total == round(plan.output_duration_s * rate)
    assert out.dtype == np.float32
    return out


def pitch_hz(sound_N: Samples, rate: int = RATE) -> float:
    spectrum = np.abs(np.fft.rfft(sound_N * np.hanning(len(sound_N))))
    return float(spectrum.argmax() * rate / len(sound_N))


def test_rate_1_is_transparent() -> None:
    noise = np.random.default_rng(0).standard_normal((2, 3 * RATE)).astype(np.float32) * 0.2
    np.testing.assert_allclose(stretched(noise, constant(1, 3)), noise, atol=1e-6)


@pytest.mark.parametrize("rate", [0.5, 0.8, 1.004, 1.5, 2, 3, 6])
def test_a_tone_keeps_its_pitch_and_level_at_any_rate(rate: float) -> None:
    out = stretched(tone(6, 440, channels=1), constant(rate, 6))[0]
    middle = out[RATE // 5 : -RATE // 5]
    assert pitch_hz(middle) == pytest.approx(440, abs=2)
    level = np.sqrt(np.convolve(middle**2, np.ones(960) / 960, "valid"))
    assert level.min() > 0.32 and level.max() < 0.39  # 0.354: no dips or bumps at the seams
    assert np.abs(np.diff(middle)).max() < 0.04  # 0.029 in the tone itself: no cracks


@pytest.mark.parametrize("frequency_hz", [110, 440, 3000])
def test_a_tone_stays_clean_while_the_rate_changes(frequency_hz: float) -> None:
    out = stretched(tone(12, frequency_hz, channels=1), varying(12))[0]
    middle = out[RATE // 5 : -RATE // 5]
    assert pitch_hz(middle) == pytest.approx(frequency_hz, abs=2)
    level = np.sqrt(np.convolve(middle**2, np.ones(960) / 960, "valid"))
    assert level.min() > 0.28


def test_every_click_stays_in_its_place() -> None:
    duration_s = 16
    plan = varying(duration_s)
    at_s = np.arange(0.5, duration_s, 0.5)
    sound = np.zeros((2, duration_s * RATE), np.float32)
    for time_s in at_s:
        sound[:, round(time_s * RATE) : round(time_s * RATE) + 48] = 0.9
    out = np.abs(stretched(sound, plan)).max(0)
    for expected_s in plan.output_time(at_s):
        first = round((expected_s - 0.05) * RATE)
        around = out[max(first, 0) : first + round(0.1 * RATE)]
        assert around.max() > 0.08
        heard_s = (max(first, 0) + around.argmax()) / RATE
        assert abs(heard_s - expected_s) < 0.015


def test_the_error_it_states_is_honest() -> None:
    plan = varying(8)
    stretcher = SoundStretcher(plan, RATE, 1)
    list(stretcher.stretch(blocks(tone(8, channels=1))))
    assert 0 < stretcher.worst_error_s < 0.015


@pytest.mark.parametrize("channels", [1, 2, 3, 6, 8])
def test_any_number_of_channels(channels: int) -> None:
    sound = np.concatenate([tone(2, 200 * (1 + c), channels=1) for c in range(channels)])
    out = stretched(sound, constant(1.7, 2))
    for c in range(channels):
        assert pitch_hz(out[c]) == pytest.approx(200 * (1 + c), abs=2)


@pytest.mark.parametrize("rate", [8000, 44_100])
def test_other_sample_rates(rate: int) -> None:
    out = stretched(tone(3, 440, rate, channels=1), varying(3, period_s=3), rate)
    assert pitch_hz(out[0], rate) == pytest.approx(440, abs=3)


def test_silence_stays_silence() -> None:
    assert not stretched(np.zeros((2, 4 * RATE), np.float32), varying(4)).any()


def test_silence_around_sound_stays_silence() -> None:
    sound = np.zeros((1, 6 * RATE), np.float32)
    sound[:, 2 * RATE : 3 * RATE] = tone(1, channels=1)
    out = stretched(sound, constant(2, 6))
    assert np.abs(out[:, : round(0.8 * RATE)]).max() < 1e-3
    assert np.abs(out[:, round(1.7 * RATE) :]).max() < 1e-3
    assert np.abs(out[:, round(1.1 * RATE) : round(1.4 * RATE)]).max() > 0.4


@pytest.mark.parametrize("seconds", [0.0, 1.0, 9.0])
def test_sound_shorter_or_longer_than_the_video(seconds: float) -> None:
    out = stretched(tone(seconds), varying(4))
    after = round((varying(4).output_time(np.array([seconds]))[0] + 0.2) * RATE)
    assert not out[:, after:].any()


@pytest.mark.parametrize("duration_s", [1 / 25, 0.005, 1 / RATE])
def test_very_short_videos(duration_s: float) -> None:
    assert np.abs(stretched(tone(1), constant(0.9, duration_s))).max() < 0.6


def test_less_than_half_a_sample_is_nothing() -> None:
    assert list(SoundStretcher(constant(2, 1e-5), RATE, 2).stretch(blocks(tone(1)))) == []


def test_memory_does_not_grow_with_the_video() -> None:
    def long_sound() -> Iterator[Samples]:
        second = tone(1, rate_hz=8000, channels=1)
        for _ in range(600):
            yield second

    tracemalloc.start()
    total = sum(b.shape[1] for b in SoundStretcher(constant(4, 600), 8000, 1).stretch(long_sound()))
    peak_bytes = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert total == 150 * 8000
    assert peak_bytes < 2_000_000  # the whole sound is 19 MB
