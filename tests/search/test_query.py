from pathlib import Path

import numpy as np
import pytest

from speediness.analysis.options import AnalysisOptions
from speediness.errors import DataError
from speediness.results.curve import LABELS
from speediness.search.hits import non_max_suppression
from speediness.search.index import update_library
from speediness.search.library import Library, build_index, nearest
from speediness.search.query import Where, search_library

HOW = AnalysisOptions()
OURS = "below/it's 100%_ours.mp4"


@pytest.fixture
def db(videos: Path, tmp_path: Path) -> Path:
    update_library(videos, tmp_path / "db", HOW)
    return tmp_path / "db"


def vectors_of(db: Path, path: str) -> np.ndarray:
    windows = Library(db).windows
    assert windows is not None
    table = windows.search().limit(None).to_arrow().to_pylist()
    return np.array([row["vector"] for row in table if row["path"] == path], np.float32)


def test_a_video_is_most_like_itself(db: Path, videos: Path) -> None:
    for path in ("film-0.mp4", OURS):
        best, *others = search_library(db, vectors_of(db, path), top=4, least=-1)
        assert best.path == videos / path and best.similarity == pytest.approx(1, abs=1e-4)
        assert (best.start_s, best.end_s) in ((0, 2), (0.5, 2.5)) and best.label is not None
        assert [hit.similarity for hit in others] == sorted(
            (hit.similarity for hit in others), reverse=True
        )
        assert len({hit.path for hit in (best, *others)}) == 4  # windows of one video overlap and merge


@pytest.mark.parametrize(
    ("where", "n"),
    [
        (Where(), 4),
        (Where(folder="below"), 1),
        (Where(folder="below/"), 1),
        (Where(folder="bel"), 0),
        (Where(folder="."), 4),
        (Where(folder="it's"), 0),
    ],
)
def test_filters(db: Path, where: Where, n: int) -> None:
    assert len(search_library(db, vectors_of(db, OURS), top=9, where=where, least=-1)) == n


def test_an_absolute_folder_and_labels(db: Path, videos: Path) -> None:
    query = vectors_of(db, OURS)
    assert len(search_library(db, query, where=Where(folder=str(videos / "below")), least=-1)) == 1
    found = 0
    for label in LABELS:
        hits = search_library(db, query, where=Where(label=label), least=-1)
        assert {hit.label for hit in hits} <= {label}
        found += len(hits)
    assert found >= 4


def test_refusals(db: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="vectors of 96 features, the query has 7"):
        search_library(db, np.ones((2, 7), np.float32))
    with pytest.raises(DataError, match="make one with speediness index"):
        search_library(tmp_path / "nowhere", np.ones((1, 96), np.float32))
    assert search_library(db, np.zeros((3, 96), np.float32)) == []


def test_windows_whose_video_is_not_in_are_not_seen(db: Path) -> None:
    library = Library(db)
    query = vectors_of(db, OURS)
    library.videos.delete("path = 'film-1.mp4'")  # as while it is taken out
    assert {hit.path.name for hit in search_library(db, query, least=-1)} == {
        "it's 100%_ours.mp4",
        "film-0.mp4",
        "film-2.mp4",
    }


def test_what_moves_otherwise_is_no_find(db: Path, videos: Path) -> None:
    hits = search_library(db, vectors_of(db, "film-0.mp4"))
    assert hits and {hit.path for hit in hits} == {videos / "film-0.mp4"}
    against = -vectors_of(db, "film-0.mp4")
    assert search_library(db, against) == []


def slow_apart(videos: list[int], spans: list[tuple[float, float]], similarity: list[float]) -> list[int]:
    left = sorted(range(len(videos)), key=lambda n: (-similarity[n], n))
    kept = []
    while left:
        best = left.pop(0)
        kept.append(best)
        left = [
            n
            for n in left
            if videos[n] != videos[best]
            or min(spans[n][1], spans[best][1]) - max(spans[n][0], spans[best][0]) <= 0
        ]
    return kept


@pytest.mark.parametrize("seed", range(20))
def test_suppression_against_an_oracle(seed: int) -> None:
    rng = np.random.default_rng(seed)
    n = int(rng.integers(0, 60))
    videos = rng.integers(0, 4, n).tolist()
    starts = rng.integers(0, 20, n) / 2
    spans = [
        (float(s), float(s + length)) for s, length in zip(starts, rng.integers(1, 5, n) / 2, strict=True)
    ]
    similarity = (rng.integers(0, 10, n) / 10).tolist()
    expected = slow_apart(videos, spans, similarity)
    assert non_max_suppression(videos, spans, similarity) == expected
    assert non_max_suppression(videos, spans, similarity, 3) == expected[:3]


def test_an_index_misses_next_to_nothing(tmp_path: Path) -> None:
    import lancedb
    import pyarrow as pa

    rng = np.random.default_rng(0)
    vectors = rng.standard_normal((3000, 16)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    columns = {
        "film": pa.array([f"video {n}" for n in range(len(vectors))]),
        "vector": pa.FixedSizeListArray.from_arrays(pa.array(vectors.ravel()), 16),
    }
    table = lancedb.connect(tmp_path).create_table("windows", pa.table(columns))
    build_index(table)
    assert {index.columns[0] for index in table.list_indices()} == {"film", "vector"}
    found = 0
    for vector in vectors[:50]:
        rows = nearest(table, vector, 10).select(["film", "_distance"]).to_list()
        best = np.argsort(-(vectors @ vector))[:10]
        found += len({row["film"] for row in rows} & {f"video {n}" for n in best})
    assert found >= 0.95 * 500
