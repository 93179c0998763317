import warnings
import xml.etree.ElementTree as ET
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from speediness.errors import OutputError
from speediness.plots import COLUMNS, LABEL_WORDS, PALETTES, Palette, Theme, plot_curve, sum_up
from speediness.results.curve import LABELS, Segment, SpeedinessCurve
from speediness.results.plan import SpeedPlan
from speediness.video.thumbnails import Thumbnail
from synthetic import steady, write_video

FACTORS = (1.0, 1.25, 1.5625)
LIGHT = PALETTES["light"]


def wavy(
    n_frames: int, segments: Sequence[Segment] = (), cuts_s: Sequence[float] = (), name: str = "a.mp4"
):
    times_s = np.arange(n_frames) / 25
    wave = 0.5 + 0.5 * np.sin(times_s)
    normal = np.stack([wave, wave * 0.8, wave * 0.6]).astype(np.float32)
    return SpeedinessCurve(
        times_s,
        n_frames / 25,
        FACTORS,
        normal,
        np.ones(n_frames, np.float32),
        tuple(segments),
        tuple(cuts_s),
        ("a note",),
        {"video": name},
    )


def colours(png: Path) -> set[tuple[int, int, int]]:
    pixels = np.asarray(Image.open(png).convert("RGB")).reshape(-1, 3)
    values, counts = np.unique(pixels, axis=0, return_counts=True)
    return {
        (int(r), int(g), int(b)) for (r, g, b), count in zip(values, counts, strict=True) if count > 100
    }


def rgb(colour: str) -> tuple[int, int, int]:
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)


def test_each_label_has_its_colour_and_the_plan_appears_only_when_given(tmp_path: Path) -> None:
    curve = wavy(250, [Segment(0, 6, "natural", 1, 0.9), Segment(6, 10, "slow_motion", 0.5, 0.7)], [6.0])
    plan = SpeedPlan(np.array([0.0, 10.0]), np.array([0.6, 0.4]), 2.0)
    plot_curve(curve, tmp_path / "curve.png")
    plot_curve(curve, tmp_path / "plan.png", plan)
    seen = colours(tmp_path / "curve.png")
    assert {rgb(LIGHT.bands["natural"]), rgb(LIGHT.bands["slow_motion"])} <= seen
    assert rgb(LIGHT.bands["sped_up"]) not in seen
    assert rgb(LIGHT.plan) not in seen
    assert rgb(LIGHT.plan) in colours(tmp_path / "plan.png")


@pytest.mark.parametrize("n_frames", [1, 2, 300_000])
def test_any_length_can_be_drawn(tmp_path: Path, n_frames: int) -> None:
    end_s = n_frames / 25
    plan = SpeedPlan(np.array([0.0, end_s]), np.array([0.5, 0.5]), 2.0)
    plot_curve(wavy(n_frames, [Segment(0, end_s, "sped_up", 2, 0.9)]), tmp_path / "a.png", plan)
    assert rgb(LIGHT.bands["sped_up"]) in colours(tmp_path / "a.png")
    assert [path.name for path in tmp_path.iterdir()] == ["a.png"]


def test_a_long_curve_keeps_every_peak() -> None:
    values = np.random.default_rng(0).random(12_345)
    values[7_777] = 5.0
    times_s, low, mean, high = sum_up(np.arange(12_345.0), values)
    ends = [*times_s.astype(int)[1:], 12_345]
    stretches = [values[int(a) : b] for a, b in zip(times_s, ends, strict=True)]
    assert len(stretches) == COLUMNS
    assert low.tolist() == [stretch.min() for stretch in stretches]
    assert high.tolist() == [stretch.max() for stretch in stretches]
    assert np.allclose(mean, [stretch.mean() for stretch in stretches])


@pytest.mark.parametrize("name", ["$x_2$ 100 %.mp4", "日本語 [b].mkv", "caf\udce9.mp4", "n" * 250 + ".mp4"])
def test_any_file_name_is_a_title(tmp_path: Path, name: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        plot_curve(wavy(50, name=name), tmp_path / "a.png")


def test_a_plot_that_cannot_be_written_is_the_users_to_mend(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="choose another folder"):
        plot_curve(wavy(50), tmp_path / "missing" / "a.png")
    (tmp_path / "a.png").mkdir()
    with pytest.raises(OutputError):
        plot_curve(wavy(50), tmp_path / "a.png")
    assert [path.name for path in tmp_path.iterdir()] == ["a.png"]


def colour_of(time_s: float) -> tuple[int, int, int]:
    return round(20 + 20 * time_s), 40, 250


def clock_video(path: Path) -> Path:
    """Ten seconds whose colour tells the time."""
    return write_video(
        path, steady(250), draw_frame=lambda n: np.full((64, 96, 3), colour_of(n / 25), np.uint8)
    )


def test_a_thumbnail_stands_under_the_moment_that_it_shows(tmp_path: Path) -> None:
    video = clock_video(tmp_path / "a.mp4")
    plot_curve(wavy(250), tmp_path / "without.png")
    plot_curve(wavy(250), tmp_path / "with.png", video=video)
    without, pixels = (
        np.asarray(Image.open(tmp_path / f"{n}.png").convert("RGB")) for n in ("without", "with")
    )
    assert pixels.shape[0] > without.shape[0] and pixels.shape[1] == without.shape[1]
    red, green, blue = np.moveaxis(pixels.astype(int), 2, 0)
    coloured = (abs(green - 40) < 15) & (blue > 230)
    row = int(coloured.sum(1).argmax())
    places = np.flatnonzero(coloured[row])
    groups = np.split(places, np.flatnonzero(np.diff(places) > 1) + 1)
    middles = [int(group.mean()) for group in groups if len(group) > 30]
    assert len(middles) >= 8
    assert np.ptp(np.diff(middles)) <= 2  # evenly spaced
    times_s = [(red[row, x] - 20) / 20 for x in middles]
    step_s = 10 / len(middles)
    assert times_s == pytest.approx([(k + 0.5) * step_s for k in range(len(middles))], abs=0.25)


def test_a_thumbnail_of_a_key_frame_stands_where_the_key_frame_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    portrait = Thumbnail(0.0, np.full((80, 40, 3), (250, 0, 0), np.uint8))
    monkeypatch.setattr(
        "speediness.plots._thumbnails", lambda *_: [portrait, replace(portrait, time_s=5.0)]
    )
    plot_curve(wavy(250), tmp_path / "a.png", video=tmp_path / "a.mp4")
    red = (np.asarray(Image.open(tmp_path / "a.png").convert("RGB")) == (250, 0, 0)).all(2).any(0)
    first, second = np.flatnonzero(np.diff(red.astype(int)) == 1)
    assert second - first == pytest.approx(red.size * 0.44, rel=0.05)  # half of the axis
    assert first < 0.12 * red.size


def test_a_video_that_cannot_be_read_costs_only_the_thumbnails(tmp_path: Path) -> None:
    (tmp_path / "a.mp4").write_text("no video")
    plot_curve(wavy(250), tmp_path / "without.png")
    for video in (tmp_path / "a.mp4", tmp_path / "missing.mp4"):
        plot_curve(wavy(250), tmp_path / "a.png", video=video)
        assert (tmp_path / "a.png").read_bytes() == (tmp_path / "without.png").read_bytes()


def test_an_svg_holds_its_text_and_is_the_same_every_time(tmp_path: Path) -> None:
    video = clock_video(tmp_path / "a.mp4")
    name = "Tom & <Jerry>\x07.mp4"
    for n in range(2):
        plot_curve(wavy(250, name=name), tmp_path / f"{n}.svg", video=video)
    texts = [node.text for node in ET.parse(tmp_path / "0.svg").iter("{http://www.w3.org/2000/svg}text")]
    assert "Tom & <Jerry>\ufffd.mp4  ·  10.0 s" in texts and "a note" in texts and "time (s)" in texts
    written = (tmp_path / "0.svg").read_bytes()
    assert written == (tmp_path / "1.svg").read_bytes()
    assert b"<dc:date>" not in written and written.count(b"data:image/png") >= 8


def luminance(colour: str) -> float:
    """Relative luminance of WCAG 2."""
    shares = np.array(rgb(colour)) / 255
    return float(
        np.where(shares <= 0.04045, shares / 12.92, ((shares + 0.055) / 1.055) ** 2.4)
        @ [0.2126, 0.7152, 0.0722]
    )


def contrast(one: str, other: str) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("palette", PALETTES.values(), ids=PALETTES)
def test_all_can_be_read_in_light_and_dark(palette: Palette) -> None:
    assert all(contrast(palette.ink, ground) > 4.5 for ground in (palette.paper, *palette.bands.values()))
    assert contrast(palette.plan, palette.paper) > 4.5
    assert contrast(palette.limit, palette.paper) > 3


# Machado, Oliveira and Fernandes 2009, severity 1, on linear RGB.
BLINDNESS = {
    "protan": [
        [0.152286, 1.052583, -0.204868],
        [0.114503, 0.786281, 0.099216],
        [-0.003882, -0.048116, 1.051998],
    ],
    "deutan": [
        [0.367322, 0.860646, -0.227968],
        [0.280085, 0.672501, 0.047413],
        [-0.011820, 0.042940, 0.968881],
    ],
    "tritan": [
        [1.255528, -0.076749, -0.178779],
        [-0.078411, 0.930809, 0.147602],
        [0.004733, 0.691367, 0.303900],
    ],
}


@pytest.mark.parametrize("blindness", BLINDNESS)
@pytest.mark.parametrize("palette", PALETTES.values(), ids=PALETTES)
def test_bands_are_told_apart_by_the_colour_blind(palette: Palette, blindness: str) -> None:
    seen = []
    for colour in palette.bands.values():
        linear = np.array(BLINDNESS[blindness]) @ (np.array(rgb(colour)) / 255) ** 2.2
        seen.append(255 * np.clip(linear, 0, 1) ** (1 / 2.2))
    gaps = [float(np.linalg.norm(seen[a] - seen[b])) for a, b in ((0, 1), (0, 2), (1, 2))]
    assert min(gaps) > 40, gaps


@pytest.mark.parametrize("theme", PALETTES)
def test_the_paper_is_as_light_as_its_theme(tmp_path: Path, theme: Theme) -> None:
    curve = wavy(250, [Segment(0, 10, "slow_motion", 0.5, 0.7)])
    plot_curve(curve, tmp_path / "a.png", theme=theme)
    palette = PALETTES[theme]
    assert {rgb(palette.paper), rgb(palette.ink), rgb(palette.bands["slow_motion"])} <= colours(
        tmp_path / "a.png"
    )
    pixels = np.asarray(Image.open(tmp_path / "a.png").convert("RGB"))
    assert (pixels == rgb(palette.paper)).all(2).mean() > 0.4
    assert (pixels.mean() < 100) if theme == "dark" else (pixels.mean() > 200)


def test_every_label_has_words_and_a_colour_in_every_theme() -> None:
    assert LABEL_WORDS["not_sure"] == "not sure"
    for palette in PALETTES.values():
        assert set(palette.bands) == set(LABEL_WORDS) and len(set(palette.bands.values())) == len(LABELS)
