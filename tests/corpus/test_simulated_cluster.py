"""The scheduler on a simulated cluster, in virtual time."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from speediness.analysis.options import AnalysisOptions
from speediness.corpus.analysed_video import Failed
from speediness.corpus.workers import RETRIES, ray_outcomes

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    return __import__("cluster")


def test_every_video_comes_out_once_and_only_those_that_kill_are_lost(cluster: Any) -> None:
    videos = cluster.drawn_videos(hours=50, deadly=0.02)
    deadly = {video.path for video in videos if video.path.startswith("deadly")}
    ray = cluster.SimulatedRay(8, life_s=3 * 3600)
    outcomes = list(ray_outcomes(ray, videos, AnalysisOptions(), False, lambda done, whole: None))
    assert Counter(video.path for video, _ in outcomes) == Counter(video.path for video in videos)
    failed = {video.path: outcome.reason for video, outcome in outcomes if isinstance(outcome, Failed)}
    lost = {path for path, reason in failed.items() if f"lost {RETRIES + 1} times" in reason}
    assert deadly and lost == deadly and ray.deaths > len(deadly) * (RETRIES + 1)


def test_no_worker_waits_for_a_long_video_that_came_last(cluster: Any) -> None:
    lengths_s = [60] * 100 + [1500]
    videos = [
        cluster.VideoFile("/", f"{k}.mp4", s * cluster.BYTES_PER_S, 0) for k, s in enumerate(lengths_s)
    ]
    ray = cluster.SimulatedRay(4, slow_disks=0, life_s=1e9)
    list(ray_outcomes(ray, videos, AnalysisOptions(), False, lambda done, whole: None))
    assert ray.now_s == pytest.approx(sum(lengths_s) / cluster.REAL_TIME / 4, rel=0.05)


def test_a_writer_that_is_too_slow_holds_the_workers_up(cluster: Any) -> None:
    videos = cluster.drawn_videos(hours=50, deadly=0)
    row = cluster.simulated(8, videos, 60.0, cluster.SimulatedRay(8))
    assert row["writer_busy"] > 0.95 and row["idle"] > 0.5
