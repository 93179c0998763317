import numpy as np
import pytest

from speediness.evaluation.probes import VideoFeatures, linear_probe, nearest_neighbours, retrieved


def features(seed: int, count: int, apart: float, groups: int = 6) -> VideoFeatures:
    """Two classes whose first feature lies ``apart``, among noise."""
    rng = np.random.default_rng(seed)
    labels = np.array(["jump", "run"])[np.arange(count) % 2]
    vectors = rng.normal(size=(count, 8)).astype(np.float32)
    vectors[:, 0] += apart * (labels == "run")
    return VideoFeatures(vectors, tuple(labels), tuple(f"g{n % groups}" for n in range(count)))


def test_a_linear_probe_finds_what_is_there_and_nothing_else() -> None:
    assert linear_probe(features(0, 60, 6), features(1, 40, 6)).mean() > 0.95
    assert 0.3 < linear_probe(features(0, 60, 0), features(1, 40, 0)).mean() < 0.7


def test_one_group_is_enough_to_fit_on() -> None:
    assert linear_probe(features(0, 20, 9, groups=1), features(1, 20, 9)).mean() > 0.9


def test_neighbours_vote_by_cosine() -> None:
    train, test = features(0, 40, 8), features(1, 30, 8)
    right = nearest_neighbours(train, test)
    unit = [
        part.vectors_FD / np.linalg.norm(part.vectors_FD, axis=1, keepdims=True) for part in (train, test)
    ]
    for query, label, found in zip(unit[1], test.labels, right, strict=True):
        similarity = unit[0] @ query
        nearest = np.argsort(-similarity)[:10]
        votes: dict[str, float] = {}
        for n in nearest:
            votes[train.labels[n]] = votes.get(train.labels[n], 0) + 1 / (1 - similarity[n])
        assert found == (max(votes, key=lambda name: votes[name]) == label)


@pytest.mark.parametrize("seed", range(3))
def test_retrieval_equals_the_obvious_loop(seed: int) -> None:
    train, test = features(seed, 30, 1), features(seed + 9, 12, 1)
    found = retrieved(train, test, (1, 3, 7))
    for q, (query, label) in enumerate(zip(test.vectors_FD, test.labels, strict=True)):
        near = sorted(
            range(30),
            key=lambda n: (
                -float(
                    query
                    @ train.vectors_FD[n]
                    / np.linalg.norm(query)
                    / np.linalg.norm(train.vectors_FD[n])
                )
            ),
        )
        for k, at in enumerate((1, 3, 7)):
            assert found[q, k] == any(train.labels[n] == label for n in near[:at])
