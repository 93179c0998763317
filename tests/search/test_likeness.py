import numpy as np
import pytest

from speediness.search.likeness import ALIKE, Likeness


def collection(n: int, seed: int = 0) -> np.ndarray:
    """Unit vectors that share most of what they are, as those of video do."""
    rng = np.random.default_rng(seed)
    common, wide = rng.uniform(1, 2, 48), rng.normal(0, 0.3, (12, 48))
    vectors = common + rng.normal(0, 0.3, (n, 12)) @ wide + rng.normal(0, 0.05, (n, 48))
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


def test_what_all_have_in_common_does_not_count() -> None:
    vectors = collection(2000)
    assert np.median(vectors[:100] @ vectors[100:].T) > 0.9
    similarity = np.array([Likeness.of(vectors).to(vectors[n : n + 1], vectors) for n in range(100)])
    assert similarity[np.arange(100), np.arange(100)] == pytest.approx(1, abs=1e-4)
    assert abs(np.median(similarity)) < 0.1 and (similarity > ALIKE).mean() < 0.05


def test_whitening_against_an_inverse_root_of_the_covariance() -> None:
    vectors = collection(5000).astype(np.float64)
    apart = vectors - vectors.mean(0)
    slow = apart @ np.linalg.inv(np.cov(apart.T)) @ apart.T
    slow /= np.sqrt(np.outer(np.diag(slow), np.diag(slow)))
    fast = Likeness.of(vectors.astype(np.float32)).to(
        vectors[:1].astype(np.float32), vectors[:50].astype(np.float32)
    )
    assert np.corrcoef(fast, slow[0, :50])[0, 1] > 0.95


def test_the_nearest_of_the_querys_windows_counts_and_few_windows_are_borne() -> None:
    vectors = collection(3)
    likeness = Likeness.of(vectors)
    assert likeness.to(vectors[:2], vectors)[:2] == pytest.approx(1, abs=1e-5)
    assert Likeness.of(vectors[:0]).to(vectors[:1], vectors[:1]) == pytest.approx(1, abs=1e-5)
    assert len(likeness.to(vectors[:1], vectors[:0])) == 0
