import numpy as np
import pytest

from speediness.errors import SpeedinessError
from speediness.propagate.affinity import AffinitySettings, LabelCarrier


def directions(rng: np.random.Generator, height: int, width: int, depth: int = 6) -> np.ndarray:
    values = rng.normal(size=(height, width, depth))
    return (values / np.linalg.norm(values, axis=-1, keepdims=True)).astype(np.float32)


def carried_by_hand(
    known: list[tuple[np.ndarray, np.ndarray]], features: np.ndarray, settings: AffinitySettings
) -> np.ndarray:
    """Place by place over every place of every frame."""
    height, width = features.shape[:2]
    result = np.zeros((height, width, known[0][1].shape[-1]))
    for row in range(height):
        for column in range(width):
            seen = []
            for keys, labels in known:
                for r in range(height):
                    for c in range(width):
                        if np.hypot(r - row, c - column) <= settings.radius:
                            seen.append((float(keys[r, c] @ features[row, column]), labels[r, c]))
            seen.sort(key=lambda pair: -pair[0])
            best = seen[: settings.top_k]
            weights = np.exp(np.array([cosine for cosine, _ in best]) / settings.temperature)
            result[row, column] = weights @ np.array([labels for _, labels in best]) / weights.sum()
    return result


@pytest.mark.parametrize(
    "settings",
    [
        AffinitySettings(recent=2, top_k=5, radius=3.5, temperature=0.1),
        AffinitySettings(recent=0, top_k=3, radius=1, temperature=0.5),
        AffinitySettings(recent=3, top_k=40, radius=1, temperature=0.2),
        AffinitySettings(recent=1, top_k=4, radius=30, temperature=0.05),
    ],
)
@pytest.mark.parametrize("size", [(5, 11), (9, 8)])
def test_labels_equal_the_obvious_loops(settings: AffinitySettings, size: tuple[int, int]) -> None:
    rng = np.random.default_rng(1)
    frames = [directions(rng, *size) for _ in range(6)]
    labels = rng.dirichlet(np.ones(3), size).astype(np.float32)
    carrier, context = LabelCarrier(frames[0], labels, settings), []
    for frame in frames[1:]:
        known = [(frames[0], labels), *context[len(context) - min(settings.recent, len(context)) :]]
        found = carrier.carry(frame)
        np.testing.assert_allclose(found, carried_by_hand(known, frame, settings), atol=2e-5)
        context.append((frame, found))


def test_what_moves_takes_its_label_along() -> None:
    rng = np.random.default_rng(0)
    ground, thing = directions(rng, 20, 30, 32), directions(rng, 4, 4, 32)

    def frame(at: int) -> tuple[np.ndarray, np.ndarray]:
        features, labels = ground.copy(), np.zeros((20, 30, 2), np.float32)
        features[8:12, at : at + 4] = thing
        labels[..., 0] = 1
        labels[8:12, at : at + 4] = (0, 1)
        return features, labels

    first, labels = frame(2)
    # One best place: with more of them distinct places of the thing's surroundings take part.
    carrier = LabelCarrier(first, labels, AffinitySettings(recent=2, top_k=1, radius=6))
    for at in range(4, 26, 2):
        features, wanted = frame(at)
        # What is uncovered for the first time was never seen, and may be taken for anything.
        assert (carrier.carry(features)[8:12, at : at + 4].argmax(-1) == 1).all()
        assert wanted[8:12, at : at + 4, 1].all()


def test_memory_holds_the_context_alone() -> None:
    rng = np.random.default_rng(0)
    carrier = LabelCarrier(
        directions(rng, 6, 6), np.ones((6, 6, 1), np.float32), AffinitySettings(recent=3, radius=2)
    )
    for _ in range(9):
        carrier.carry(directions(rng, 6, 6))
    assert len(carrier._recent) == 3


@pytest.mark.parametrize("bad", [{"recent": -1}, {"top_k": 0}, {"radius": -1.0}, {"temperature": 0.0}])
def test_settings_without_meaning_are_refused(bad: dict) -> None:
    with pytest.raises(SpeedinessError, match="top_k >= 1"):
        AffinitySettings(**bad)
