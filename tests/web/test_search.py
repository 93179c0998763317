"""Searching the analysed videos of a folder, through the server."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from speediness.corpus.vectors import query_vectors, unit_vectors, window_middles_s
from speediness.results.archive import features_to_arrays, to_bytes
from speediness.results.features import MotionFeatures
from speediness.search.likeness import Likeness
from speediness.search.query import _likeness
from speediness.search.within import STEP_S, Graph, compare, cut_query, peaks
from speediness.web.motion_search import COLUMNS, MOST_FOUND, MOST_QUERY_S, find_alike, graph_columns
from speediness.web.services import Services
from synthetic import steady, write_video
from web_site import Site, made_up_curve, made_up_features, serving, settings_in, with_curve

ASKED, OTHER = made_up_features(40, 1.5), made_up_features(5, 1.5, seed=1)
QUERY = {"start_s": 4.0, "end_s": 5.0}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    settings = settings_in(tmp_path_factory.mktemp("search"))
    (settings.folder / "below").mkdir()
    names = ("asked.mp4", "below/other.mp4", "damaged.mp4", "earlier.mp4", "new.mp4", "strange.mp4")
    for name in names:
        write_video(settings.folder / name, steady(5, 25))
    with_curve(settings, "asked.mp4", made_up_curve(40), ASKED)
    with_curve(settings, "below/other.mp4", made_up_curve(5), OTHER)
    with_curve(settings, "earlier.mp4", made_up_curve(5))
    with_curve(settings, "strange.mp4", made_up_curve(5), OTHER, network_sha256="another")
    damaged = with_curve(settings, "damaged.mp4", made_up_curve(5), OTHER)
    services = Services.open(settings)
    job = services.jobs.latest_done("analyse")[damaged]
    services.result(job.id, "features.npz").write_bytes(b"nonsense")
    services.database.close()
    with serving(settings) as site:
        yield site


def test_in_the_video_it_finds_what_search_finds(site: Site) -> None:
    answer = site.post(f"films/{site.video_id('asked.mp4')}/search", QUERY)
    expected = peaks(compare(cut_query(ASKED, 4, 5), ASKED), Path(), MOST_FOUND, (4.0, 5.0))
    found = [(hit["start_s"], hit["end_s"], hit["similarity"]) for hit in answer["here"]]
    wanted = [(hit.start_s, hit.end_s, hit.similarity) for hit in expected]
    np.testing.assert_allclose(found, wanted, atol=5e-4)
    assert len(answer["here"]) == MOST_FOUND
    assert {hit["film"] for hit in answer["here"]} == {"asked.mp4"}


def test_elsewhere_it_finds_what_a_library_of_the_same_videos_finds(tmp_path: Path) -> None:
    """To the digit: one meaning of similarity, one threshold."""
    pa, lancedb = pytest.importorskip("pyarrow"), pytest.importorskip("lancedb")
    rng = np.random.default_rng(0)
    common = rng.uniform(2, 3, 12)  # what all video has in common
    times_s = np.arange(160) / 8
    folders = [tmp_path / f"{name}.npz" for name in ("asked", "near", "far")]
    known = {}
    asked, other = rng.uniform(0, 1, (2, 10, 12))  # each for two seconds
    for path, own in zip(folders, (asked, asked[::-1], other), strict=True):
        vectors = (common + np.repeat(own, 16, 0)).astype(np.float16)
        known[path] = MotionFeatures(times_s, vectors, np.ones(160, np.float32), (0.0,), 20.0)
        path.write_bytes(to_bytes(features_to_arrays(known[path])))
    alike = find_alike(folders[0], folders[1:], 4.0, 8.0)
    vectors_ND = np.concatenate([unit_vectors(f, window_middles_s(f)) for f in known.values()])
    likeness = Likeness.of(vectors_ND)
    rows = [(path, middle_s) for path, f in known.items() for middle_s in window_middles_s(f)]
    scores = likeness.to(query_vectors(known[folders[0]], 4.0, 8.0), vectors_ND)
    best = max(score for score, (path, _) in zip(scores, rows, strict=True) if path != folders[0])
    assert alike.elsewhere[0].similarity == pytest.approx(float(best), abs=1e-5) and best > 0.9
    assert {hit.path for hit in alike.elsewhere} == {folders[1]}
    table = lancedb.connect(tmp_path / "db").create_table(
        "windows",
        pa.table(
            {
                "film": [str(path) for path, _ in rows],
                "start_s": [middle_s - 1 for _, middle_s in rows],
                "end_s": [middle_s + 1 for _, middle_s in rows],
                "label": ["natural"] * len(rows),
                "vector": pa.FixedSizeListArray.from_arrays(pa.array(vectors_ND.ravel()), 12),
            }
        ),
    )
    assert _likeness(table).whitening_DD == pytest.approx(likeness.whitening_DD)


def test_it_says_which_videos_it_did_not_search(site: Site) -> None:
    answer = site.post(f"films/{site.video_id('asked.mp4')}/search", QUERY)
    left = {video["name"] for video in answer["unsearched"]}
    assert left == {"damaged.mp4", "earlier.mp4", "new.mp4", "strange.mp4"}
    assert answer["searched"] == 2


@pytest.mark.parametrize("name", ["damaged.mp4", "earlier.mp4", "new.mp4"])
def test_a_video_without_features_is_to_be_analysed(site: Site, name: str) -> None:
    answer = site.client.post(f"/api/films/{site.video_id(name)}/search", json=QUERY)
    assert answer.status_code in (409, 422) and "analyse it" in answer.json()["error"]
    assert site.get(f"films/{site.video_id(name)}")["searchable"] == (name == "damaged.mp4")


def test_a_long_stretch_is_refused(site: Site) -> None:
    video = site.video_id("asked.mp4")
    longer = {"start_s": 1.0, "end_s": 1.5 + MOST_QUERY_S}
    answer = site.client.post(f"/api/films/{video}/search", json=longer)
    assert answer.status_code == 422 and "longer than" in answer.json()["error"]


@pytest.mark.parametrize("count", [0, 1, 40, 5000])
def test_the_columns_of_a_graph_are_the_highest_of_their_parts(count: int) -> None:
    rng = np.random.default_rng(0)
    starts_s = np.arange(count, dtype=np.float64) * STEP_S
    starts_s[count // 2 :] += 3  # a cut
    graph = Graph(starts_s, rng.uniform(-1, 1, count).astype(np.float32), 1.0)
    duration_s = count * STEP_S + 4
    columns = graph_columns(graph, duration_s)
    assert len(columns) == min(COLUMNS, int(duration_s / STEP_S))
    expected: list[float | None] = [None] * len(columns)
    for start_s, value in zip(starts_s, graph.similarity.tolist(), strict=True):
        k = int((start_s + 0.5) / duration_s * len(columns))
        expected[k] = max(expected[k] if expected[k] is not None else -1, round(value, 3))  # type: ignore[type-var]
    assert columns == expected
