import os
import signal
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from library_rows import rows
from speediness.analysis.options import AnalysisOptions
from speediness.corpus import workers
from speediness.corpus.analysed_video import AnalysedVideo, Failed, analyse_file
from speediness.errors import DataError, SpeedinessError, WeightsError
from speediness.search.index import update_library
from speediness.video.listing import VideoFile

pytestmark = pytest.mark.slow

ray: Any = pytest.importorskip("ray")

HOW = AnalysisOptions(no_cache=True)


@pytest.fixture(scope="module")
def cluster() -> Iterator[None]:
    """Two workers at a time, whatever this machine has."""
    os.environ["RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO"] = "0"
    ray.init(num_cpus=4, include_dashboard=False, log_to_driver=False, logging_level="ERROR")
    yield
    ray.shutdown()


def dying(folder: Path, path: str, times: int) -> Any:
    """Analyses videos, but takes its worker down with it the first times it is given one of them."""

    def watch_or_die(video: VideoFile, how: AnalysisOptions, windows: bool) -> AnalysedVideo | Failed:
        if video.path == path and len(list(folder.iterdir())) < times:
            (folder / str(os.getpid())).touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return analyse_file(video, how, windows)

    return watch_or_die


def test_a_cluster_that_is_not_there_is_said_at_once() -> None:
    assert not ray.is_initialized()  # this test comes first
    with socket.socket() as taken:  # but nobody listens
        taken.bind(("127.0.0.1", 0))
        with pytest.raises(DataError, match=r"no Ray cluster at .*refused"):
            workers.on_ray(f"127.0.0.1:{taken.getsockname()[1]}")


@pytest.mark.parametrize("deaths", [0, 2])
def test_the_same_rows_as_here_though_workers_are_killed(
    videos: Path, tmp_path: Path, cluster: None, monkeypatch: pytest.MonkeyPatch, deaths: int
) -> None:
    update_library(videos, tmp_path / "here", HOW)
    (tmp_path / "died").mkdir()
    monkeypatch.setattr(workers, "analyse_file", dying(tmp_path / "died", "film-1.mp4", deaths))
    changes = update_library(videos, tmp_path / "there", HOW, workers.on_ray(None))
    assert len(list((tmp_path / "died").iterdir())) == deaths
    assert not changes.failed and len(changes.analysed) == 4
    assert rows(tmp_path / "there") == rows(tmp_path / "here")


def test_a_video_that_kills_every_worker_is_reported(
    videos: Path, tmp_path: Path, cluster: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "died").mkdir()
    monkeypatch.setattr(workers, "analyse_file", dying(tmp_path / "died", "film-1.mp4", 99))
    changes = update_library(videos, tmp_path / "db", HOW, workers.on_ray(None))
    assert len(changes.analysed) == 3 and "lost 4 times" in changes.failed["film-1.mp4"]
    assert len(list((tmp_path / "died").iterdir())) == 1 + workers.RETRIES
    monkeypatch.undo()
    assert update_library(videos, tmp_path / "db", HOW).analysed == ["film-1.mp4"]


@pytest.mark.parametrize(
    ("broken", "kind", "says"),
    [
        (WeightsError("no network here"), WeightsError, "^no network here$"),
        (ImportError("no such module"), DataError, "no such module.*the same speediness"),
    ],
)
def test_what_no_worker_can_do_is_said_in_a_line(
    videos: Path,
    tmp_path: Path,
    cluster: None,
    monkeypatch: pytest.MonkeyPatch,
    broken: Exception,
    kind: type[SpeedinessError],
    says: str,
) -> None:
    def analyse_nothing(video: VideoFile, how: AnalysisOptions, windows: bool) -> AnalysedVideo | Failed:
        raise broken

    monkeypatch.setattr(workers, "analyse_file", analyse_nothing)
    with pytest.raises(kind, match=says):
        update_library(videos, tmp_path / "db", HOW, workers.on_ray(None))
