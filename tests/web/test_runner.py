from __future__ import annotations

import base64
import json
import sqlite3
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from speediness.analysis.analyse import analyse
from speediness.errors import OutputError
from speediness.results.curve import SpeedinessCurve
from speediness.results.plan import SpeedPlan
from speediness.results.store import ResultStore
from speediness.video.reader import VideoReader
from speediness.web.database import Database
from speediness.web.jobs import Jobs
from speediness.web.services import Services
from speediness.web.settings import Settings
from synthetic import steady, tone, write_video
from web_site import Site, made_up_curve, serving, settings_in, with_curve, workers

WISH = {"rate": 2, "locks": []}


def wait_for(what: str, condition) -> None:
    until_s = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < until_s, f"waited in vain until {what}"
        time.sleep(0.02)


def start(site: Site, video_id: str, kind: str) -> str:
    """Start a job and wait until its worker runs."""
    job_id = site.post(f"films/{video_id}/jobs", {"kind": kind})["id"]
    wait_for("it runs", lambda: site.get(f"jobs/{job_id}")["state"] == "running" and workers())
    return job_id


@pytest.fixture
def long_video(settings: Settings) -> str:
    """A video whose analysis takes longer than a test waits before it does something to it."""
    write_video(settings.folder / "long.mp4", steady(1500, 25))
    return "long.mp4"


def test_every_kind_of_job_makes_what_it_says(settings: Settings, small_video: Path) -> None:
    (settings.folder / "small.mp4").write_bytes(small_video.read_bytes())
    with serving(settings) as site:
        video = site.video_id("small.mp4")
        for kind in ("look", "analyse", "playable"):
            assert site.run_job(video, kind)["state"] == "done"
        render, study = (site.run_job(video, kind, WISH) for kind in ("render", "study"))
        assert (render["message"], study["message"]) == ("", "")
        info = site.get(f"films/{video}")["info"]
        assert (info["width_px"], info["height_px"], info["codec"]) == (96, 64, "h264")
        jobs = settings.state / "jobs"
        folder = jobs / render["id"]
        plan = SpeedPlan.load(folder / "plan.json")
        assert plan.output_duration_s == pytest.approx(1)
        made = {
            "film": jobs / site.get(f"films/{video}")["done"]["playable"] / "film.mp4",
            "adaptive": jobs / study["id"] / "adaptive.mp4",
            "uniform": jobs / study["id"] / "uniform.mp4",
            "render": folder / "film.mp4",
        }
        lengths_s = {name: VideoReader(path).info.duration_s for name, path in made.items()}
        assert lengths_s == {"film": 2, "adaptive": 1, "uniform": 1, "render": 1}

        def download(job_id: str, name: str) -> tuple[str, bytes]:
            answer = site.client.get(f"/api/jobs/{job_id}/files/{name}")
            assert answer.status_code == 200
            return answer.headers["content-disposition"], answer.content

        assert download(render["id"], "film")[0] == 'attachment; filename="small-2x.mp4"'
        assert json.loads(download(render["id"], "plan")[1])["rate"] == 2
        assert download(render["id"], "plot")[1].startswith(b"\x89PNG")
        name, drawing = download(render["id"], "drawing")
        assert name == 'attachment; filename="small-2x.plan.svg"' and b"data:image/png" in drawing
        (folder / "plot.svg").unlink()  # as in the results of an earlier version
        assert site.client.get(f"/api/jobs/{render['id']}/files/drawing").status_code == 404
        analysis = site.get(f"films/{video}")["done"]["analyse"]
        name, text = download(analysis, "curve")
        assert name == 'attachment; filename="small.speediness.json"'
        (settings.state / "curve.json").write_bytes(text)
        assert SpeedinessCurve.load(settings.state / "curve.json").made_by["video"] == "small.mp4"
    seen: list[float] = []  # the command line finds what the page analysed
    analyse(settings.folder / "small.mp4", store=ResultStore(), progress=lambda done, _: seen.append(done))
    assert not seen


def test_a_cancelled_job_ends_at_once_and_leaves_nothing(settings: Settings, long_video: str) -> None:
    with serving(settings) as site:
        video = site.video_id(long_video)
        site.run_job(video, "look")
        job_id = start(site, video, "analyse")
        waiting = site.post(f"films/{video}/jobs", {"kind": "playable"})
        assert site.post(f"jobs/{waiting['id']}/cancel")["state"] == "cancelled"
        assert site.post(f"jobs/{job_id}/cancel")["state"] == "cancelled"
        wait_for("the worker is gone", lambda: not workers())
        wait_for("its folder is gone", lambda: not (settings.state / "jobs" / job_id).exists())
        assert site.get("jobs") == []
        assert site.run_job(video, "look")["state"] == "done"  # the next job is taken


def test_progress_is_told_with_the_time_left(
    settings: Settings, long_video: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("speediness.progress.SETTLED_S", 0.0)
    with serving(settings) as site:
        video = site.video_id(long_video)
        site.run_job(video, "look")
        job_id = start(site, video, "analyse")
        wait_for("there is progress", lambda: site.get(f"jobs/{job_id}")["left_s"] is not None)
        job = site.get(f"jobs/{job_id}")
        assert 0 < job["share"] < 1 and job["left_s"] > 0
        site.client.delete(f"/api/jobs/{job_id}")
        assert site.client.get(f"/api/jobs/{job_id}").status_code == 404


def test_a_stopped_server_ends_its_workers_and_the_next_says_so(
    settings: Settings, long_video: str
) -> None:
    with serving(settings) as site:
        video = site.video_id(long_video)
        site.run_job(video, "look")
        running = start(site, video, "analyse")
        waiting = site.post(f"films/{video}/jobs", {"kind": "playable"})["id"]
    assert not workers()
    with serving(settings) as site:
        assert site.get(f"jobs/{running}")["state"] == "interrupted"
        assert "start it again" in site.get(f"jobs/{running}")["message"]
        assert site.end_of(waiting)["state"] == "done"  # what had only waited goes on by itself


def test_what_a_killed_server_left_running_is_marked(settings: Settings, long_video: str) -> None:
    """After kill -9 nobody was there to write it down."""
    database = Database(settings.state / "speediness.db")
    job = Jobs(database).add("analyse", "some video", "film.mp4", {})
    assert Jobs(database).set_running(job.id)
    database.close()
    with serving(settings) as site:
        assert site.get(f"jobs/{job.id}")["state"] == "interrupted"


def failing(real: Callable[..., Any], times: int) -> Callable[..., Any]:
    """The same, but for the first calls, which find the disk full."""
    left = iter(range(times))

    def write(*values: Any, **named: Any) -> Any:
        if next(left, None) is not None:
            raise sqlite3.OperationalError("database or disk is full")
        return real(*values, **named)

    return write


@pytest.mark.parametrize("method", ["set_running", "finish"])
def test_an_error_of_the_server_fails_one_job_and_no_more(
    settings: Settings,
    small_video: Path,
    method: str,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr("speediness.web.runner.PAUSE_S", 0.01)
    (settings.folder / "small.mp4").write_bytes(small_video.read_bytes())
    with serving(settings) as site:
        video = site.video_id("small.mp4")
        monkeypatch.setattr(Jobs, method, failing(getattr(Jobs, method), times=1))
        job = site.run_job(video, "look")
        assert job["state"] == "failed" and "its terminal says why" in job["message"]
        assert "disk is full" in caplog.text
        assert not (settings.state / "jobs" / job["id"]).exists()
        assert site.run_job(video, "look")["state"] == "done"


def test_a_server_that_can_write_nothing_down_still_stops(
    settings: Settings, long_video: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch, serving(settings) as site:
        video = site.video_id(long_video)
        site.run_job(video, "look")
        running = start(site, video, "analyse")
        patch.setattr(Jobs, "finish", failing(Jobs.finish, times=1))
    assert not workers()
    with serving(settings) as site:  # which it could not if the first still had the state
        assert site.get(f"jobs/{running}")["state"] == "interrupted"


def test_a_playable_copy_ends_where_a_video_cut_short_does(settings: Settings) -> None:
    """The header of a video made for streaming comes first and promises all of it."""
    path = write_video(
        settings.folder / "cut.mp4", steady(100, 10), sound_CN=tone(10), options={"movflags": "+faststart"}
    )
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) * 2 // 5])
    reader = VideoReader(path)
    for _ in reader.decoded():
        pass
    assert reader.info.duration_s == 10 and 1 < reader.end_s < 6
    with serving(settings) as site:
        video = site.video_id("cut.mp4")
        site.run_job(video, "look")
        copy = site.run_job(video, "playable")
    made = VideoReader(settings.state / "jobs" / copy["id"] / "film.mp4")
    assert copy["state"] == "done" and made.info.duration_s == pytest.approx(float(reader.end_s))


def test_a_job_that_takes_too_long_is_stopped(tmp_path: Path, small_video: Path) -> None:
    settings = settings_in(tmp_path, look_s=0.05)
    (settings.folder / "small.mp4").write_bytes(small_video.read_bytes())
    with serving(settings) as site:
        job = site.run_job(site.video_id("small.mp4"), "look")
        assert job["state"] == "failed" and "far longer than it should take" in job["message"]
        wait_for("the worker is gone", lambda: not workers())


def test_a_job_that_takes_too_much_memory_is_stopped(tmp_path: Path, small_video: Path) -> None:
    settings = settings_in(tmp_path, memory_bytes=200 << 20)
    (settings.folder / "small.mp4").write_bytes(small_video.read_bytes())
    with serving(settings) as site:
        job = site.run_job(site.video_id("small.mp4"), "look")
        assert job["state"] == "failed"
        assert site.get("about")["version"]


def test_the_same_job_is_not_done_twice(settings: Settings, long_video: str) -> None:
    with serving(settings) as site:
        video = site.video_id(long_video)
        site.run_job(video, "look")
        job_id = start(site, video, "analyse")
        assert site.post(f"films/{video}/jobs", {"kind": "analyse"})["id"] == job_id
        site.post(f"jobs/{job_id}/cancel")


def test_work_is_refused_in_the_wrong_order(settings: Settings, small_video: Path) -> None:
    (settings.folder / "small.mp4").write_bytes(small_video.read_bytes())
    with serving(settings) as site:
        video = site.video_id("small.mp4")
        for order, message in (
            ({"kind": "analyse"}, "open it first"),
            ({"kind": "render"}, "a rate belongs to"),
            ({"kind": "look", "wish": WISH}, "a rate belongs to"),
        ):
            answer = site.client.post(f"/api/films/{video}/jobs", json=order)
            assert answer.status_code in (409, 422) and message in answer.json()["error"]
        site.run_job(video, "look")
        answer = site.client.post(f"/api/films/{video}/jobs", json={"kind": "render", "wish": WISH})
        assert answer.status_code == 409 and "analyse it first" in answer.json()["error"]
        assert site.client.get(f"/api/films/{video}/curve").status_code == 404


def test_two_servers_do_not_share_a_state(settings: Settings) -> None:
    services = Services.open(settings)
    with pytest.raises(OutputError, match="stop that one or choose another folder with --state"):
        Services.open(settings)
    services.database.close()
    Services.open(settings).database.close()


@pytest.mark.parametrize("content", [b"this is no database" * 100, None])
def test_a_state_of_another_kind_is_refused(settings: Settings, content: bytes | None) -> None:
    path = settings.state / "speediness.db"
    if content is None:
        database = Database(path)
        database.write("PRAGMA user_version = 99")
        database.close()
    else:
        path.write_bytes(content)
    with pytest.raises(OutputError, match=r"of version 99|is damaged"):
        Services.open(settings)


def test_a_slider_gets_the_plan_of_an_hour(settings: Settings, small_video: Path) -> None:
    """A video of an hour, 90 000 frames; the plan is the one that would be rendered."""
    (settings.folder / "small.mp4").write_bytes(small_video.read_bytes())
    curve = made_up_curve(3600)
    video = with_curve(settings, "small.mp4", curve)
    with serving(settings) as site:
        for rate in (2, 1.5, 3, 2.35, 4):
            plan = site.post(f"films/{video}/plan", {"rate": rate, "locks": [[10, 20]]})
            assert plan["output_duration_s"] == pytest.approx(3600 / rate, rel=1e-9)
            slowness = np.frombuffer(base64.b64decode(plan["slowness"]), "<f4").astype(np.float64)
            shown_s = np.trapezoid(slowness, dx=3600 / (len(slowness) - 1))
            assert shown_s == pytest.approx(3600 / rate, abs=1e-3)
