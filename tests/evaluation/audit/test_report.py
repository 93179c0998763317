import json
from dataclasses import replace

import numpy as np
import pytest

from speediness.datasets.encoding import Encoding
from speediness.evaluation.audit.report import (
    FLIPPED,
    HIGHEST,
    KEPT,
    MATCHED,
    MOVE,
    RISE,
    Audit,
    Measure,
    Row,
    change_row,
    speed_effect,
    zoom_row,
)
from speediness.evaluation.audit.video_changes import changes
from speediness.evaluation.speed_accuracy import VideoScores

CHANGES = {change.name: change for change in changes()}


def video(p_1x: list[float], p_2x: list[float], p_magnified: list[float] | None = None) -> VideoScores:
    """Scores of given probabilities."""

    def scores(p: list[float]) -> np.ndarray:
        return np.log(np.array(p) / (1 - np.array(p))).astype(np.float32)

    flow = np.zeros(len(p_1x), np.float32)
    return VideoScores("f", "s", scores(p_1x), scores(p_2x), scores(p_magnified or p_1x), flow, flow, flow)


def values(row: Row) -> dict[str, tuple[float, float]]:
    return {measure.name: (measure.value, measure.limit) for measure in row.measures}


def approximately(**expected: tuple[float, float]) -> dict[str, object]:
    return {name: pytest.approx(pair, abs=1e-6) for name, pair in expected.items()}


def test_same_answers_by_hand() -> None:
    pairs = [
        (video([0.2, 0.42], [0.9, 0.55]), video([0.2, 0.54], [0.8, 0.55])),  # one flip, order kept
        (video([0.3], [0.65]), video([0.4], [0.3])),  # one flip, order lost
        (video([0.7], [0.48]), video([0.7], [0.9])),  # one flip; was not ranked right: nothing to keep
    ]
    row = change_row(CHANGES["blur"], pairs, 0.3)
    assert row.videos == 3 and row.passed is False
    assert values(row) == approximately(
        **{
            MOVE: (np.mean([0, 0.12, 0.1, 0, 0.1, 0.35, 0, 0.42]), 0.1),
            FLIPPED: (3 / 8, 3 / 8 / 2),  # 0.42, 0.55 and 0.48 lie within 0.1 of 0.5
            KEPT: (1 / 2, 0.9),
        }
    )


def test_the_limit_of_flips_follows_the_share_of_undecided_windows() -> None:
    def limit(p: list[float]) -> float:
        same = video(p, [0.99] * len(p))
        return values(change_row(CHANGES["blur"], [(same, same)], 0.3))[FLIPPED][1]

    assert limit([0.45, 0.55, 0.5, 0.52]) == pytest.approx(0.25)  # half of the four of eight
    assert limit([0.01, 0.02, 0.03, 0.04]) == pytest.approx(0.05)


@pytest.mark.parametrize(
    ("effect", "limit"), [(0.4, 0.1), (0.2, 0.1), (0.1, 0.05), (0.0, 0.0), (-0.1, 0.0)]
)
def test_what_is_tolerated_shrinks_with_a_network_that_hardly_sees_speed(
    effect: float, limit: float
) -> None:
    pair = video([0.3], [0.6]), video([0.34], [0.64])
    row = change_row(CHANGES["blur"], [pair], effect)
    assert values(row)[MOVE] == pytest.approx((0.04, limit), abs=1e-6)
    assert row.passed is (limit > 0.04)


def test_windows_of_a_reversed_video_are_compared_in_reverse() -> None:
    forwards, backwards = video([0.1, 0.2], [0.7, 0.8]), video([0.2, 0.1], [0.8, 0.7])
    assert values(change_row(CHANGES["played backwards"], [(forwards, backwards)], 0.3))[MOVE][0] < 1e-6
    assert values(change_row(CHANGES["mirrored"], [(forwards, backwards)], 0.3))[MOVE][0] == pytest.approx(
        0.1
    )


def test_a_video_that_turns_back_is_compared_with_what_it_shows_again() -> None:
    reference = video([0.8, 0.2, 0.1], [0.9, 0.7, 0.6])  # fast at first, and so again at the end
    turned = video([0.8, 0.2, 0.8], [0.9, 0.75, 0.9])
    row = change_row(CHANGES["played there and back"], [(reference, turned)], 0.3)
    assert values(row) == approximately(**{RISE: (0.05, 0.1)}) and row.passed
    faster = video([0.8, 0.7, 0.8], [0.9, 0.7, 0.9])  # than a toss of a coin, while it turns
    row = change_row(CHANGES["played there and back"], [(reference, faster)], 0.3)
    assert values(row) == approximately(**{RISE: (0.2, 0.1)}) and row.passed is False


def test_a_network_that_ranks_nothing_right_keeps_nothing() -> None:
    same = video([0.6], [0.4])
    row = change_row(CHANGES["blur"], [(same, same)], 0.3)
    assert values(row)[KEPT][0] == 0 and row.passed is False


def test_videos_that_stand_still_must_not_alarm() -> None:
    before = video([0.9, 0.2], [0.95, 0.7])
    after = video([0.55, 0.3], [0.2, 0.1])
    still = change_row(CHANGES["still frame"], [(before, after)], 0.3)
    assert values(still) == approximately(**{HIGHEST: (0.55, 0.6)}) and still.passed
    # Windows that looked fast before may stay so when the video stops; those that did not must not.
    stops = change_row(CHANGES["stops half-way"], [(before, video([0.92, 0.64], [0.9, 0.5]))], 0.3)
    assert values(stops) == approximately(**{RISE: (0.14, 0.1)}) and stops.passed is False


def test_an_answer_that_is_no_number_is_the_worst_there_is() -> None:
    broken = video([0.1], [0.9])
    broken = replace(broken, score_1x=np.array([np.nan], np.float32))
    assert change_row(CHANGES["still frame"], [(broken, broken)], 0.3).passed is False
    row = change_row(CHANGES["blur"], [(video([0.1], [0.9]), broken)], 0.3)
    assert values(row)[KEPT][0] == 0 and values(row)[MOVE][0] == pytest.approx(0.45)


@pytest.mark.parametrize(
    ("magnified", "passes"), [(0.3, True), (0.45, True), (0.55, False), (0.7, False), (0.05, False)]
)
def test_zoom_may_do_half_of_what_speed_does(magnified: float, passes: bool) -> None:
    videos = [video([0.3], [0.7], [magnified])] * 4
    assert speed_effect(videos) == pytest.approx(0.4)
    row = zoom_row(videos)
    assert values(row)[MOVE] == pytest.approx((abs(magnified - 0.3), 0.2), abs=1e-6)
    assert row.passed is passes


def test_zoomed_videos_must_rank_below_fast_ones() -> None:
    videos = [video([0.3], [0.7], [0.3]), video([0.3], [0.7], [0.8])]
    row = zoom_row(videos)
    assert values(row)[MATCHED] == (0.5, 0.75) and row.passed is False


def test_a_missing_encoder_makes_a_row_not_applicable() -> None:
    change = replace(CHANGES["H.265, quality 32"], encoding=Encoding("no-such-encoder"))
    row = change_row(change, [], 0.3)
    assert row.passed is None and row.not_applicable == "this FFmpeg has no no-such-encoder"


def test_the_whole_passes_if_no_row_fails_and_becomes_json() -> None:
    good = Row("a", "why", 1, (Measure(MOVE, 0.01, 0.1), Measure(KEPT, 1.0, 0.9, at_least=True)))
    absent = Row("b", "why", 0, not_applicable="no encoder")
    audit = Audit("net", "0", ("f",), {}, 2, 0.2, 1.0, (good, absent))
    assert audit.passed
    bad = replace(audit, rows=(good, Row("c", "why", 1, (Measure(KEPT, 0.8, 0.9, at_least=True),))))
    assert not bad.passed
    document = json.loads(json.dumps(bad.to_json(), allow_nan=False))
    assert document["schema"] == "speediness.audit/1" and document["passed"] is False
    assert [row["passed"] for row in document["rows"]] == [True, False]
    assert document["rows"][0]["measures"][1] == {
        "name": KEPT,
        "value": 1.0,
        "limit": 0.9,
        "at_least": True,
        "passed": True,
    }
    assert json.loads(json.dumps(audit.to_json()))["rows"][1]["not_applicable"] == "no encoder"
