from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from scripted_runtime import runtime_by
from speediness.analysis.network import Network
from speediness.clip import ClipSpec
from speediness.datasets.video_list import VideoItem
from speediness.errors import DataError
from speediness.evaluation import audit as audit_module
from speediness.evaluation import audit_runner
from speediness.evaluation.audit import audit, sample
from speediness.evaluation.audit_runner import AuditRunner
from speediness.evaluation.video_changes import changes
from synthetic import steady, write_video

FPS = 24
SECONDS = 2.2
HIGH, WIDE = 96, 112
WIDTHS_PER_INTERVAL = 0.15  # speed of the box at 1x, in its own widths a sixteenth of a second


class Scripted(Network):
    """A network that answers by a rule of the test."""

    def __init__(self, score: Callable[[NDArray[np.float64], NDArray[np.float32]], float]) -> None:
        self.clip = ClipSpec(size_px=32)
        self.name, self.sha256 = "scripted", "0" * 64

        def runtime(
            clips: NDArray[np.uint8], intervals: NDArray[np.float32]
        ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
            scores = [score(c[..., 0].astype(float), i) for c, i in zip(clips, intervals, strict=True)]
            logits = np.array([[-s / 2, s / 2] for s in scores], np.float32)
            return logits, np.zeros_like(logits)

        self.runtime = runtime_by(runtime)


def follow(clip_THW: NDArray[np.float64]) -> tuple[NDArray[np.float64], float]:
    """Where the bright box is, column by frame, and how wide it is."""
    low, high = np.quantile(clip_THW, (0.5, 0.999))
    bright = np.clip((clip_THW - low) / max(high - low, 1) * 2 - 0.5, 0, 1).sum(1) + 1e-9
    columns = np.arange(bright.shape[1])
    centre = (bright * columns).sum(1) / bright.sum(1)
    spread = np.sqrt((bright * (columns - centre[:, None]) ** 2).sum(1) / bright.sum(1))
    return centre, float(np.median(spread)) * 12**0.5


def reads_motion(clip_THW: NDArray[np.float64], intervals: NDArray[np.float32]) -> float:
    """Speed in widths of the moving thing: neither light nor zoom nor coding has a say."""
    centre, width = follow(clip_THW)
    speed = np.abs(np.diff(centre)).sum() / max(intervals.sum(), 1e-6) / max(width, 1e-6)
    return float(1.5 * np.tanh(np.log2(max(speed, 1e-4) / WIDTHS_PER_INTERVAL) - 0.5))


def reads_artefacts(clip_THW: NDArray[np.float64], intervals: NDArray[np.float32]) -> float:
    """The same, and takes darkness, grain and nearness for speed."""
    score = reads_motion(clip_THW, intervals)
    _, width = follow(clip_THW)
    grain = np.median(np.abs(np.diff(clip_THW, axis=0)))
    return score + 2 * (clip_THW.mean() < 35) + 4 * (grain > 0) + 2 * (width > 7)


def box(number: int) -> NDArray[np.uint8]:
    """A bright box that goes to and fro before a dim wall."""
    wall = np.random.default_rng(0).integers(48, 60, (HIGH // 8, WIDE // 8, 1))
    frame = wall.repeat(8, 0).repeat(8, 1).repeat(3, 2).astype(float)
    swing = abs((number / FPS * 0.3 + 0.05) % 0.4 - 0.2) - 0.1  # a triangle of 0.3 heights a second
    side = HIGH / 8
    left = (WIDE - side) / 2 + HIGH * swing
    columns = np.arange(WIDE)
    cover = np.clip(np.minimum(columns + 1 - left, left + side - columns), 0, 1)[:, None]
    rows = slice(round((HIGH - side) / 2), round((HIGH + side) / 2))
    frame[rows] += cover * (230 - frame[rows])
    return frame.astype(np.uint8)


@pytest.fixture(scope="module")
def video(tmp_path_factory: pytest.TempPathFactory) -> VideoItem:
    path = tmp_path_factory.mktemp("audit") / "box.mp4"
    write_video(path, steady(round(SECONDS * FPS), FPS), width_px=WIDE, height_px=HIGH, draw_frame=box)
    return VideoItem(path, "boxes")


@pytest.fixture(autouse=True)
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audit_module, "FAST_WALKERS", 1)
    monkeypatch.setattr(audit_runner, "VIDEO_S", SECONDS)


def test_who_reads_motion_passes_every_row(video: VideoItem) -> None:
    seen: list[float] = []
    found = audit(Scripted(reads_motion), [video], progress=lambda done, total: seen.append(done / total))
    assert [row.name for row in found.rows if not row.passed] == []
    assert found.passed and found.videos == ("box.mp4",) and found.pairs_ranked == 1
    assert seen == sorted(seen) and seen[-1] == 1


def test_who_reads_artefacts_fails_the_rows_that_show_them(video: VideoItem) -> None:
    found = audit(Scripted(reads_artefacts), [video])
    failed = {row.name for row in found.rows if not row.passed}
    assert failed == {"half the light", "noise", "still frame with noise", "zoomed in by 2"}
    assert not found.passed


def test_videos_that_cannot_be_used_are_named_and_not_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audit_module, "FAST_WALKERS", 0)
    items = []
    for name in ("a.mp4", "b.mp4"):
        (tmp_path / name).write_text("no video")
        items.append(VideoItem(tmp_path / name, name))
    unreadable: dict[str, str] = {}
    runner = AuditRunner(Scripted(reads_motion), tmp_path)
    assert list(runner.videos(items, unreadable)) == [] and set(unreadable) == {"a.mp4", "b.mp4"}
    with pytest.raises(DataError, match="none of the videos can be used"):
        audit(Scripted(reads_motion), items)


@pytest.mark.parametrize("seconds", [0.4, 1.9, 2.0, 2.1, 3.0, 4.0, 4.1, 6.0])
def test_no_change_of_a_frame_decides_how_many_windows_fit(
    seconds: float, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audit_runner, "MASTER_PX", 64)
    monkeypatch.setattr(audit_runner, "VIDEO_S", 9.0)
    network = Scripted(lambda clip, intervals: 0.0)
    runner = AuditRunner(network, tmp_path)
    path = write_video(tmp_path / "film.mp4", steady(round(seconds * 10) + 1, 10))
    (audited,) = runner.videos([VideoItem(path, "s")], {})
    original = runner.score(audited.original)
    wanted = {"every frame stored twice", "wrong frame rate in the header", "VP9, quality 40"}
    for change in (c for c in changes(network.clip) if c.name in wanted):
        before, after = runner.compare(audited, change, 0, original)
        assert len(before.score_1x) == len(after.score_1x)


def test_the_beginning_of_a_fast_video_is_thinned_and_keeps_its_times(tmp_path: Path) -> None:
    path = write_video(tmp_path / "fast.mp4", steady(900, 300))
    (audited,) = AuditRunner(Scripted(reads_motion), tmp_path).videos([VideoItem(path, "s")], {})
    assert audited.fps == pytest.approx(100)
    np.testing.assert_allclose(audited.master.times_s, np.arange(0, SECONDS, 0.01), atol=1e-4)
    np.testing.assert_array_equal(audited.master.times_s, audited.original.times_s)


def test_a_sample_takes_one_of_every_source_in_turn_and_minds_names_alone() -> None:
    items = [VideoItem(Path(f"{source}{n}.mp4"), source) for source in "abc" for n in range(4)]
    chosen = sample(items, 7)
    assert [sorted(item.source for item in chosen[i : i + 3]) for i in (0, 3)] == [["a", "b", "c"]] * 2
    assert len(set(chosen)) == 7
    assert sample(items[::-1], 7) == chosen
    assert sample(items, 100) == sample(items, 12)
