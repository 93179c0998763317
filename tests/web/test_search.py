"""Searching the analysed videos of a folder, through the server."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from speediness.search.within import STEP_S, Graph, compare, cut_query, peaks
from speediness.web.motion_search import COLUMNS, MOST_FOUND, MOST_QUERY_S, graph_columns
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


def test_it_finds_what_comparing_video_by_video_finds(site: Site) -> None:
    answer = site.post(f"films/{site.video_id('asked.mp4')}/search", QUERY)
    query_QD = cut_query(ASKED, 4, 5)
    for place, video, but in (("here", ASKED, (4.0, 5.0)), ("elsewhere", OTHER, None)):
        expected = peaks(compare(query_QD, video), Path(), MOST_FOUND, but)
        found = [(hit["start_s"], hit["end_s"], hit["similarity"]) for hit in answer[place]]
        wanted = [(hit.start_s, hit.end_s, hit.similarity) for hit in expected]
        np.testing.assert_allclose(found, wanted, atol=5e-4)
    assert len(answer["here"]) == MOST_FOUND and len(answer["elsewhere"]) > 1
    assert {hit["film"] for hit in answer["here"]} == {"asked.mp4"}
    assert {hit["film"] for hit in answer["elsewhere"]} == {"below/other.mp4"}


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
