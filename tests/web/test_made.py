"""What jobs make beside rendered videos: timelines, followed objects, images and words for the list."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

from speediness.results.curve import Label, Segment
from speediness.speedup.solver import plan_speedup
from speediness.timeline.export import FORMATS, export_timeline
from speediness.video.reader import VideoReader
from speediness.web.curve_columns import columns_between
from speediness.web.overview import verdict
from speediness.web.settings import Settings
from synthetic import steady, write_video
from web_site import made_up_curve, serving, with_curve

WISH = {"rate": 2, "locks": [[0.5, 1.0]]}
SUBTITLES = "1\n00:00:01,000 --> 00:00:02,000\nGo\n"


def test_timelines_are_those_of_the_command_line(settings: Settings, tmp_path: Path) -> None:
    path = write_video(settings.folder / "film.mp4", steady(250, 25))
    (tmp_path / "secret.srt").write_text(SUBTITLES)
    (settings.folder / "film.srt").write_text(SUBTITLES)
    (settings.folder / "film.en.srt").symlink_to(tmp_path / "secret.srt")
    curve = made_up_curve(10)
    video = with_curve(settings, "film.mp4", curve)
    with serving(settings) as site:
        job = site.run_job(video, "export", WISH)
        assert (job["state"], job["message"], job["subtitles"]) == ("done", "", [".srt"])

        def download(name: str) -> tuple[str, bytes]:
            answer = site.client.get(f"/api/jobs/{job['id']}/files/{name}")
            assert answer.status_code == 200, answer.text
            return answer.headers["content-disposition"], answer.content

        plan = plan_speedup(curve, 2, locks_s=[(0.5, 1.0)])
        for suffix in FORMATS:
            export_timeline(plan, VideoReader(path).info, tmp_path / f"own{suffix}")
            name, content = download(suffix[1:])
            assert name == f'attachment; filename="film-2x{suffix}"'
            assert content == (tmp_path / f"own{suffix}").read_bytes()
        name, content = download("subtitles-0")
        assert name == 'attachment; filename="film-2x.srt"'
        start = content.decode().splitlines()[1].split(" --> ")[0]
        assert start == f"00:00:{plan.output_time(np.array(1.0)):06.3f}".replace(".", ",")
        assert site.client.get(f"/api/jobs/{job['id']}/files/subtitles-1").status_code == 404


def test_a_timeline_of_an_upload_tells_no_path_of_the_server(settings: Settings, small_video: Path) -> None:
    with serving(settings) as site:
        video = site.upload("my holiday.mp4", small_video.read_bytes())
        for kind in ("look", "analyse"):
            assert site.run_job(video, kind)["state"] == "done"
        job = site.run_job(video, "export", {"rate": 2, "locks": []})
        texts = [site.client.get(f"/api/jobs/{job['id']}/files/{s[1:]}").text for s in FORMATS]
        assert any("file:///my%20holiday.mp4" in text for text in texts)
        assert not any(str(settings.state) in text for text in texts)
        rows = list(csv.DictReader(io.StringIO(texts[-1])))
        assert float(rows[-1]["source_s"]) == pytest.approx(2)


@pytest.mark.parametrize(
    ("wish", "complaint"),
    [
        ({"rate": "fast"}, "rate 'fast' is no number from 1 to 10"),
        ({"rate": None}, "rate None is no number"),
        ({"rate": 10**400}, "is no number"),
        ({"rate": float("inf")}, "is no number"),
        ({"rate": 2, "locks": [[0, -1]]}, "end_s -1 is no number"),
        ({"rate": 2, "locks": [[0]]}, "end_s"),
        ({"rate": 2, "locks": [[0, 1]] * 51}, "locks is no list of 0 to 50"),
        ({"rate": 2, "extra": 1}, "extra"),
        ({}, "rate"),
        ([], "the request makes no sense"),
    ],
)
def test_a_wish_that_makes_no_sense_is_named(settings: Settings, wish: object, complaint: str) -> None:
    with serving(settings) as site:
        answer = site.client.post("/api/films/none/plan", content=json.dumps(wish))
    assert answer.status_code == 422 and complaint in answer.json()["error"]


def test_what_is_outlined_is_followed(settings: Settings) -> None:
    square = np.full((64, 96, 3), 60, np.uint8)
    square[20:40, 30:60] = (230, 180, 40)
    write_video(settings.folder / "film.mp4", steady(10, 25), draw_frame=lambda _: square)
    outline = [[30 / 96, 20 / 64], [60 / 96, 20 / 64], [60 / 96, 40 / 64], [30 / 96, 40 / 64]]
    with serving(settings) as site:
        video = site.video_id("film.mp4")
        site.run_job(video, "look")
        for mask in (None, {"objects": []}, {"objects": [[[0, 0], [1, 1]]]}, {"objects": [[[2, 0]] * 3]}):
            body = {"kind": "propagate"} | ({"mask": mask} if mask else {})
            assert site.client.post(f"/api/films/{video}/jobs", json=body).status_code == 422
        job = site.post(f"films/{video}/jobs", {"kind": "propagate", "mask": {"objects": [outline]}})
        assert site.end_of(job["id"])["state"] == "done"
        (tmp := settings.state / "followed.mp4").write_bytes(
            site.client.get(f"/api/jobs/{job['id']}/files/film").content
        )
    with av.open(str(tmp)) as container:
        frames = [frame.to_ndarray(format="rgb24").astype(int) for frame in container.decode(video=0)]
    assert len(frames) == 10
    for frame in frames:  # the colour of the first object, red, over it and nowhere else
        change = np.abs(frame - square).sum(2)
        assert np.median(change[24:36, 36:54]) > 60 > np.median(change[48:, :])


def test_the_list_has_an_image_of_every_video(settings: Settings) -> None:
    bright = np.full((40, 120, 3), 220, np.uint8)
    write_video(
        settings.folder / "wide.mp4",
        steady(50, 25),
        width_px=120,
        height_px=40,
        draw_frame=lambda n: bright * (10 < n < 40),
        rotate_deg=90,
    )
    (settings.folder / "none.mp4").write_bytes(b"nothing")
    with serving(settings) as site:
        for name in ("wide.mp4", "none.mp4"):
            site.run_job(site.video_id(name), "look")
        broken, seen = site.get("films")
        assert broken["problem"] and broken["thumbnail"] is None
        image = Image.open(
            io.BytesIO(site.client.get(f"/api/jobs/{seen['thumbnail']}/files/thumbnail").content)
        )
        assert image.size == (48, 144)  # upright, in a box of 256 x 144
        assert np.asarray(image).mean() > 200  # from the middle: the ends are black


def test_a_part_of_a_curve_has_what_its_frames_have() -> None:
    curve = made_up_curve(60)
    found = columns_between(curve, 10.01, 20, columns=50)
    first, end = 250, 500  # 25 frames a second; the frame on screen at 10.01 s began at 10
    bounds = [first + (end - first) * column // 50 for column in range(51)]
    assert found["times_s"] == [pytest.approx(curve.times_s[n], abs=6e-4) for n in bounds[:-1]]
    for column in range(50):
        frames = range(bounds[column], bounds[column + 1])
        scores = [float(curve.sped_up[n]) for n in frames]
        assert found["score"]["high"][column] == pytest.approx(max(scores), abs=6e-4)
        limits = [float(curve.limit()[n]) for n in frames]
        assert found["limit"][column] == pytest.approx(sum(limits) / len(limits), abs=6e-4)
    single = columns_between(curve, 59.99, 60)
    assert single["times_s"] == [pytest.approx(59.96)]


def test_asking_for_a_part_that_is_none_is_refused(settings: Settings, small_video: Path) -> None:
    (settings.folder / "film.mp4").write_bytes(small_video.read_bytes())
    curve = made_up_curve(2)
    video = with_curve(settings, "film.mp4", curve)
    with serving(settings) as site:
        assert len(site.get(f"films/{video}/columns?start_s=1&end_s=2")["times_s"]) == 25
        for span in (
            "start_s=1&end_s=1",
            "start_s=5&end_s=6",
            "start_s=nan&end_s=2",
            "start_s=0",
            "start_s=-1&end_s=1",
        ):
            assert site.client.get(f"/api/films/{video}/columns?{span}").status_code == 422


@pytest.mark.parametrize(
    ("parts", "label", "factor", "some"),
    [
        ([(10, "natural", 1.0), (1.2, "sped_up", 2.0)], "natural", 1.0, ["sped_up"]),
        ([(10, "natural", 1.0), (1, "sped_up", 2.0)], "natural", 1.0, []),
        (
            [(5, "slow_motion", 0.25), (5, "slow_motion", 0.5), (30, "not_sure", 1.0)],
            "slow_motion",
            0.35,
            [],
        ),
        ([(3, "not_sure", 1.0)], "not_sure", 1.0, []),
        ([], "not_sure", 1.0, []),
    ],
)
def test_a_video_is_called_what_most_of_it_is(
    parts: list[tuple[float, Label, float]], label: str, factor: float, some: list[str]
) -> None:
    start_s, segments = 0.0, []
    for length_s, part, speed in parts:
        segments.append(Segment(start_s, start_s + length_s, part, speed, 0.9))
        start_s += length_s
    assert verdict(segments) == {"label": label, "factor": factor, "some": some}
