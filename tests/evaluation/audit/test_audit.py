from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from speediness.clip import ClipSpec
from speediness.datasets.video_list import VideoItem
from speediness.errors import DataError
from speediness.evaluation.audit import audit as audit_module
from speediness.evaluation.audit import audit as audit_runner
from speediness.evaluation.audit.audit import AuditRunner, audit, sample
from speediness.evaluation.audit.video_changes import changes
from speediness.runtime.network import Network
from speediness.runtime.protocol import BOUNDARY, Outputs, Runtime
from synthetic import steady, write_video

FPS = 24
SECONDS = 2.2
HIGH, WIDE = 96, 112
WIDTHS_PER_BIN = 0.3  # speed of the box at 1x, in its own widths an eighth of a second

Artefacts = Callable[[np.ndarray, np.ndarray, float], float]
See = Callable[[np.ndarray], np.ndarray]


def no_artefacts(before_HW: np.ndarray, after_HW: np.ndarray, width: float) -> float:
    """Reads motion alone."""
    return 0.0


class Scripted(Network):
    """A network that sees how far the box moves, in its own widths, and takes ``artefacts`` for speed.

    Args:
        artefacts: what is added to the log-odds, told from two neighbouring frames and the width of
            the box in pixels.
        see: see :class:`Runtime`.
    """

    def __init__(self, artefacts: Artefacts = no_artefacts, see: See | None = None) -> None:
        self.clip = ClipSpec(8, Fraction(8), 56)
        self.name, self.sha256 = "scripted", "0" * 64

        def measure(before: np.ndarray, after: np.ndarray) -> np.ndarray:
            pairs = [
                told(a.astype(float), b.astype(float))
                for a, b in zip(before[..., 0], after[..., 0], strict=True)
            ]
            return np.array(pairs, np.float32)[:, :, None, None]

        def told(before_HW: np.ndarray, after_HW: np.ndarray) -> tuple[float, ...]:
            (start, width), (end, _) = follow(before_HW), follow(after_HW)
            return (end - start) / width, 0.0, 0.0, artefacts(before_HW, after_HW, width)

        def classify(
            motion_BL4hw: np.ndarray,
            scene_NKhw: np.ndarray | None = None,
            scene_BL: np.ndarray | None = None,
        ) -> Outputs:
            of_bins = np.abs(motion_BL4hw[:, :, 0, 0, 0]), motion_BL4hw[:, :, 3, 0, 0]
            speed, added = (
                np.stack([np.convolve(r, np.full(8, 1 / 8), "valid") for r in x]) for x in of_bins
            )
            odds = 1.5 * np.tanh(np.log2(np.maximum(speed, 1e-4) / WIDTHS_PER_BIN) - 0.5) + added
            rate = np.stack([odds + BOUNDARY, np.zeros_like(odds)], -1).astype(np.float32)
            return Outputs(rate, motion_BL4hw[:, :, :, 0, 0], motion_BL4hw[:, :, 2])

        self.runtime = Runtime(measure, classify, see)


def follow(frame_HW: np.ndarray) -> tuple[float, float]:
    """Column at which the bright box is, and how wide it is."""
    low, high = np.quantile(frame_HW, (0.5, 0.999))
    bright = np.clip((frame_HW - low) / max(high - low, 1) * 2 - 0.5, 0, 1).sum(0) + 1e-9
    columns = np.arange(len(bright))
    centre = (bright * columns).sum() / bright.sum()
    spread = np.sqrt((bright * (columns - centre) ** 2).sum() / bright.sum())
    return float(centre), float(max(spread * 12**0.5, 1e-3))


def many_artefacts(before_HW: np.ndarray, after_HW: np.ndarray, width: float) -> float:
    """Darkness, grain and nearness."""
    grain = np.median(np.abs(after_HW - before_HW)) > 0
    return 2.0 * (after_HW.mean() < 35) + 4.0 * grain + 2.0 * (width > 12)


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


@pytest.mark.slow
def test_who_reads_motion_passes_every_row(video: VideoItem) -> None:
    seen: list[float] = []
    found = audit(Scripted(), [video], progress=lambda done, total: seen.append(done / total))
    assert [row.name for row in found.rows if not row.passed] == []
    assert found.passed and found.videos == ("box.mp4",) and found.pairs_ranked == 1
    assert seen == sorted(seen) and seen[-1] == 1


@pytest.mark.slow
def test_who_reads_artefacts_fails_the_rows_that_show_them(video: VideoItem) -> None:
    found = audit(Scripted(many_artefacts), [video])
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
    runner = AuditRunner(Scripted(), tmp_path)
    assert list(runner.videos(items, unreadable)) == [] and set(unreadable) == {"a.mp4", "b.mp4"}
    with pytest.raises(DataError, match="none of the videos can be used"):
        audit(Scripted(), items)


@pytest.mark.parametrize("seconds", [2.1, 2.6, 4.0])
def test_no_change_of_a_frame_decides_how_many_windows_fit(
    seconds: float, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audit_runner, "MASTER_PX", 64)
    monkeypatch.setattr(audit_runner, "VIDEO_S", 9.0)
    runner = AuditRunner(Scripted(), tmp_path)
    path = write_video(tmp_path / "film.mp4", steady(round(seconds * 10) + 1, 10))
    (audited,) = runner.videos([VideoItem(path, "s")], {})
    wanted = {
        "every frame stored twice",
        "wrong frame rate in the header",
        "VP9, quality 40",
        "frames skipped at random",
    }
    for change in (c for c in changes() if c.name in wanted):
        before, after = runner.compare(audited, change, 0)
        assert len(before.score_1x) == len(after.score_1x) > 0


def test_a_video_without_a_window_at_2x_is_left_out_with_the_reason(tmp_path: Path) -> None:
    path = write_video(tmp_path / "short.mp4", steady(20, 10))
    unreadable: dict[str, str] = {}
    assert list(AuditRunner(Scripted(), tmp_path).videos([VideoItem(path, "s")], unreadable)) == []
    assert unreadable == {"short.mp4": "no window at 2x fits into its first 6 s"}


def test_who_sees_the_scene_is_shown_it_in_every_copy(
    video: VideoItem, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[tuple[int, ...]] = []

    def see(frames: np.ndarray) -> np.ndarray:
        seen.append(frames.shape)
        return np.zeros((len(frames), 32, 2, 2), np.float32)

    runner = AuditRunner(Scripted(see=see), tmp_path)
    (audited,) = runner.videos([video], {})
    assert audited.master.frames_FHWC.shape[-1] == 3 and audited.original.frames_FHWC.shape[-1] == 1
    times_s = audited.original.times_s[list(audited.original.scenes)]
    np.testing.assert_allclose(times_s, [0.5, 1.5], atol=1 / FPS)
    assert seen == [(2, 224, 256, 3), (1, 224, 256, 3), (2, 224, 256, 3)]
    seen.clear()
    (mirrored,) = (change for change in changes() if change.name == "mirrored")
    runner.compare(audited, mirrored, 0)
    assert [shape[0] for shape in seen] == [2, 1, 2]


def test_the_beginning_of_a_fast_video_is_thinned_and_keeps_its_times(tmp_path: Path) -> None:
    path = write_video(tmp_path / "fast.mp4", steady(900, 300))
    (audited,) = AuditRunner(Scripted(), tmp_path).videos([VideoItem(path, "s")], {})
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
