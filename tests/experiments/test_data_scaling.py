import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest

from speediness.datasets.video_list import VideoItem, held_out
from speediness.evaluation.speed_accuracy import VideoScores
from speediness.experiments import row_run
from speediness.experiments.data_scaling import SHARES, data_scaling, expected, share_of_sources, table
from speediness.experiments.row_run import VideoSplits
from speediness.results.documents import markdown_table
from speediness.training.recipes import smoke
from speediness.training.tasks.playback_rate import PlaybackRateTask

pytestmark = pytest.mark.slow

BASE = dataclasses.replace(smoke(), steps=4, bf16=False, validation_share=0.4)
BASES = {
    "speed_class": BASE,
    "playback_rate": dataclasses.replace(BASE, task=PlaybackRateTask(), size_px=56, zoom=1.7),
}
MANY = [VideoItem(Path(f"{n}.mp4"), f"source-{n // 2}") for n in range(200)]


def test_shares_are_nested_whole_sources_and_the_same_are_always_held_out() -> None:
    kept, held = held_out(MANY, BASE.validation_share)
    for seed in range(3):
        before: set[VideoItem] = set()
        for share in SHARES:
            items = share_of_sources(MANY, BASE, share, seed)
            assert [item for item in items if item in held] == held
            trained = {item for item in items if item not in held}
            sources = {item.source for item in trained}
            assert trained == {item for item in kept if item.source in sources}
            assert len(sources) == pytest.approx(share * len({item.source for item in kept}), abs=1)
            assert before <= trained
            before = trained
        assert before == set(kept)
    assert share_of_sources(MANY, BASE, 0.1, 0) != share_of_sources(MANY, BASE, 0.1, 1)


def scores(right: float) -> list[VideoScores]:
    """Ten videos of five sources, of whose windows this share is right."""
    score = np.where(np.arange(10) < 10 * right, 1.0, -1.0).astype(np.float32)
    video = (-score, score, -score, score, score, score)
    return [VideoScores(f"{n}.mp4", str(n // 2), *video) for n in range(10)]


def test_the_line_goes_through_shares_that_lie_on_one() -> None:
    found = expected(np.array([10, 10, 100, 100]), [scores(right) for right in (0.6, 0.6, 0.7, 0.7)])
    windows = found["accuracy"]
    assert windows["at_most"] == pytest.approx(0.7, abs=1e-6)
    odds = (7 / 3) ** 2 / (6 / 4)  # grow as much from 100 to 1000 as from 10 to 100
    assert windows["at_tenfold"] == pytest.approx(odds / (1 + odds), abs=1e-6)
    assert windows["gain"] == pytest.approx(odds / (1 + odds) - 0.7, abs=1e-6)
    # Sources and networks of a share are all alike here, so that nothing is left to chance.
    np.testing.assert_allclose(windows["interval_95"]["at_tenfold"], windows["at_tenfold"])


def test_networks_that_differ_widen_the_interval() -> None:
    found = expected(np.array([10, 10, 100, 100]), [scores(right) for right in (0.5, 0.7, 0.6, 0.8)])
    low, high = found["accuracy"]["interval_95"]["gain"]
    alike = expected(np.array([10, 10, 100, 100]), [scores(right) for right in (0.6, 0.6, 0.7, 0.7)])
    assert low < alike["accuracy"]["interval_95"]["gain"][0] and low < 0 < high


@pytest.mark.parametrize("task", BASES)
def test_every_share_is_trained_once_and_drawn(
    task: str, walkers: list[VideoItem], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    base = BASES[task]
    monkeypatch.setattr(row_run, "OWN_CLIPS", 16)
    videos, out = VideoSplits(walkers, walkers[:2], []), tmp_path / "scaling"
    document = data_scaling(base, videos, out, 1, print)
    assert [network["share"] for network in document["networks"]] == list(SHARES)
    assert [look["clips"] for look in document["networks"][0]["held_out"]] == [
        n * base.clips for n in range(1, 5)
    ]
    for network, share in zip(document["networks"], SHARES, strict=True):
        kept, _ = held_out(share_of_sources(walkers, base, share, 0), base.validation_share)
        row = json.loads((out / f"share_{100 * share:.0f}" / "seed-0" / "row.json").read_text())
        videos_1x, videos_2x = (
            [video[f"score_{speed}"] for video in row["result"]["trained"]] for speed in ("1x", "2x")
        )
        assert [video["name"] for video in row["result"]["trained"]] == [item.path.name for item in kept]
        right = [s <= 0 for video in videos_1x for s in video] + [
            s > 0 for video in videos_2x for s in video
        ]
        assert network["trained_on"]["accuracy"] == pytest.approx(np.mean(right))
    assert document == json.loads((out / "data_scaling.json").read_text())
    assert (out / "data_scaling.md").read_text() == markdown_table(table(document))
    assert (out / "data_scaling.png").read_bytes().startswith(b"\x89PNG")

    def never(*args: object, **kwargs: object) -> None:
        raise AssertionError("a finished network was trained again")

    monkeypatch.setattr(row_run, "train", never)
    again = data_scaling(base, videos, out, 1, print)
    assert json.loads(json.dumps(again)) == document
