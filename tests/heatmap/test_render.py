from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from speediness.errors import OutputError
from speediness.heatmap.maps import HeatMaps
from speediness.heatmap.painter import Layout
from speediness.heatmap.render import render_heatmap
from speediness.heatmap.strip import MOMENTS, draw_strip, key_moments
from speediness.video.audio_reader import AudioReader
from speediness.video.reader import VideoReader
from synthetic import read_number, steady, tone, uneven, write_video


def flat(duration_s: float) -> HeatMaps:
    """Maps that say nothing, so that the video can be read through them."""
    times_s = np.arange(0, duration_s, 1 / 8)
    maps = np.zeros((len(times_s), 16, 24), np.float16)
    return HeatMaps("speed", times_s, maps, maps + 1, (0, 0, 1, 1), (0,), (0.0,), duration_s)


def test_frames_and_sound_stay_in_step(tmp_path: Path) -> None:
    n = 50
    source = write_video(tmp_path / "a.mp4", steady(n), width_px=192, height_px=128, sound_CN=tone(2))
    out = tmp_path / "out.mp4"
    render_heatmap(source, flat(2.0), out)
    reader = VideoReader(out)
    frames = list(reader.frames())
    assert [frame.time_s for frame in frames] == steady(n)[:-1]
    assert [read_number(frame.pixels_HWC) for frame in frames] == list(range(n))
    sound = np.concatenate(list(AudioReader(reader).blocks()), 1)
    assert sound.shape[1] == pytest.approx(2 * 48_000, abs=1100)
    rising = np.nonzero((sound[0, 4800:90_000:1] >= 0) & (sound[0, 4799:89_999] < 0))[0]
    assert 48_000 / np.diff(rising).mean() == pytest.approx(440, rel=0.002)


def test_uneven_frames_are_shown_when_they_were(tmp_path: Path) -> None:
    times_s = uneven(30)
    source = write_video(tmp_path / "a.mp4", times_s, width_px=192, height_px=128)
    out = tmp_path / "out.mp4"
    render_heatmap(source, flat(float(times_s[-1])), out)
    frames = list(VideoReader(out).frames())
    rate = 1 / (frames[1].time_s - frames[0].time_s)
    assert len(frames) == round(times_s[-1] * rate)
    for frame in frames:
        middle_s = frame.time_s + 1 / (2 * rate)
        on_screen = sum(time_s <= middle_s + Fraction(1, 10**6) for time_s in times_s[:-1]) - 1
        assert read_number(frame.pixels_HWC) == on_screen


def test_odd_sides_and_layouts(tmp_path: Path) -> None:
    source = write_video(
        tmp_path / "a.mkv", steady(5), width_px=191, height_px=129, codec="ffv1", pixel_format="yuv444p"
    )
    out = tmp_path / "out.mp4"
    widths: dict[Layout, int] = {"overlay": 190, "map": 190, "side-by-side": 380}
    for layout, width in widths.items():
        render_heatmap(source, flat(0.2), out, layout=layout, force=True)
        info = VideoReader(out).info
        assert (info.width_px, info.height_px) == (width, 128)


def test_nothing_is_left_when_it_is_stopped(tmp_path: Path) -> None:
    source = write_video(tmp_path / "a.mp4", steady(10))
    out = tmp_path / "out.mp4"

    def stop(done_s: float, total_s: float) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        render_heatmap(source, flat(0.4), out, progress=stop)
    assert [path.name for path in tmp_path.iterdir()] == ["a.mp4"]
    out.write_bytes(b"mine")
    with pytest.raises(OutputError, match="--force"):
        render_heatmap(source, flat(0.4), out)
    assert out.read_bytes() == b"mine"


def test_key_moments_are_those_that_say_most() -> None:
    found = flat(6.0)
    for at in (3, 12, 20, 30, 36, 45):
        found.maps[at] = -3
    assert key_moments(found) == [found.times_s[at] for at in (3, 12, 20, 30, 36, 45)]


@pytest.mark.parametrize("n_frames", [1, 50])
def test_strip(tmp_path: Path, n_frames: int) -> None:
    source = write_video(tmp_path / "a.mp4", steady(n_frames))
    strip = tmp_path / "strip.png"
    found = flat(n_frames / 25)
    draw_strip(source, found, strip)
    assert strip.read_bytes().startswith(b"\x89PNG")
    assert len(key_moments(found)) == min(MOMENTS, len(found.times_s))
