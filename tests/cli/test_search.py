import json
from pathlib import Path

import numpy as np
import pytest

from speediness.cli.main import main
from synthetic import Image, steady, write_video

PERIOD_S = 1.2


def swinging(number: int) -> Image:
    """A textured square that swings over a textured wall, fast one way and slowly back."""
    rng = np.random.default_rng(1)
    wall = rng.integers(60, 120, (9, 16)).repeat(8, 0).repeat(8, 1).astype(np.uint8)
    phase = number / 25 / PERIOD_S % 1
    left = round(80 * (phase / 0.3 if phase < 0.3 else (1 - phase) / 0.7))
    wall[20:52, left : left + 32] = rng.integers(120, 255, (8, 8)).repeat(4, 0).repeat(4, 1)
    return np.repeat(wall[:, :, None], 3, 2)


@pytest.fixture(scope="module")
def video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("films") / "swing.mp4"
    return write_video(path, steady(200), width_px=128, height_px=72, draw_frame=swinging)


def search(*words: object) -> int:
    return main(["search", *map(str, words)])


def test_repetitions_are_found_and_shown(
    video: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "found"
    assert search(video, "--query", "2.5-3.7", "-o", out, "--json", "--no-cache") == 0
    hits = json.loads(capsys.readouterr().out)
    assert [set(hit) for hit in hits] == [{"path", "start_s", "end_s", "similarity"}] * len(hits)
    wanted = [2.5 + k * PERIOD_S for k in (-2, -1, 1, 2, 3)]
    starts = [hit["start_s"] for hit in hits]
    assert all(min(abs(start - time_s) for start in starts) < 0.2 for time_s in wanted)
    assert len(starts) <= len(wanted) + 1
    assert hits[0]["similarity"] > 0.8
    names = {path.name for path in out.iterdir()}
    assert {"graph.png", "hits.html"} < names and sum(name.endswith(".mp4") for name in names) == len(hits)


def test_another_video_is_searched_and_a_clip_is_looked_for(
    video: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    clip = write_video(tmp_path / "clip.mp4", steady(40), width_px=128, height_px=72, draw_frame=swinging)
    for words in ([clip, "--query", "0-1.2", "--in", video], [video, "--query", clip]):
        assert search(*words, "-o", tmp_path / "found", "--force", "--json") == 0
        hits = json.loads(capsys.readouterr().out)
        assert len(hits) >= 4 and {hit["path"] for hit in hits} == {str(video)}
    assert search(video, "--query", clip, "-o", tmp_path / "found", "--force", "--top", "2") == 0
    assert "similarity" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ([], "say what to look for: --query 12.0-12.6"),
        (["--query", "3"], "neither seconds such as 12.0-12.6 nor a video"),
        (["--query", "gone.mp4"], "neither seconds"),
        (["--query", "7-9.5"], None),  # up to the end
        (["--query", "9-10"], "no stretch of a video of 8.00 s"),
        (["--query", "2-3", "--top", "0"], "ask for at least one"),
        (["--query", "2-3", "--db", "gone"], "gone"),
        (["--query", "2-3", "--label", "natural"], "--label only narrow"),
        (["--query", "2-3", "--folder", "a", "--label", "natural"], "--label and --folder only"),
    ],
)
def test_what_cannot_be_searched_is_refused_in_a_line(
    video: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], words: list[str], says: str | None
) -> None:
    code = search(video, *words, "-o", tmp_path / "found")
    assert code == (0 if says is None else 2)
    if says is not None:
        (line,) = [
            line for line in capsys.readouterr().err.splitlines() if not line.startswith("analysing")
        ]
        assert says in line
        assert not (tmp_path / "found").exists()


def test_results_are_not_replaced_unasked(
    video: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "found").mkdir()
    (tmp_path / "found" / "hits.html").write_text("mine")
    assert search(video, "--query", "2-3", "-o", tmp_path / "found") == 2
    assert "add --force" in capsys.readouterr().err
    assert (tmp_path / "found" / "hits.html").read_text() == "mine"
    assert search(tmp_path / "gone.mp4", "--query", "2-3") == 2
