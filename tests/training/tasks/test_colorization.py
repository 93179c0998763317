import cv2
import numpy as np
import pytest
import torch
import torch.nn.functional as F

from speediness.clip import ClipSpec
from speediness.errors import SpeedinessError
from speediness.models.colorizer import Colorizer, cell_colours, lab
from speediness.models.encoder import EncoderConfig
from speediness.training.tasks.colorization import ColorizationTask
from speediness.training.tasks.task import Batch

Parts = tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]


def published_example() -> Parts:
    """References and targets for which the loss was computed by other code: 1.51629154."""
    i, j, d = (torch.arange(1, n + 1, dtype=torch.float64) for n in (6, 4, 3))
    references, targets = torch.sin(0.7 * i[:, None] * d), torch.cos(0.7 * j[:, None] * d)
    return references[None], torch.tensor([[0, 1, 2, 0, 1, 2]]), targets[None], torch.tensor([[0, 1, 2, 0]])


def random_example(seed: int) -> Parts:
    generator = torch.Generator().manual_seed(seed)
    references, targets = (torch.randn(2, n, 5, generator=generator, dtype=torch.float64) for n in (7, 4))
    colours = torch.arange(14).reshape(2, 7) % 3
    return references, colours, targets, torch.randint(0, 3, (2, 4), generator=generator)


def loss_by_hand(parts: Parts, temperature: float) -> torch.Tensor:
    """Target by target, reference by reference."""
    references, colours, targets, wanted = parts
    losses = []
    for clip in range(len(references)):
        for place in range(targets.shape[1]):
            weights = [torch.exp(targets[clip, place] @ key / temperature) for key in references[clip]]
            right = [w for w, c in zip(weights, colours[clip], strict=True) if c == wanted[clip, place]]
            losses.append(-torch.log(sum(right, torch.zeros(())) / sum(weights, torch.zeros(()))))
    return torch.stack(losses).mean()


def test_the_loss_is_that_of_other_code_and_not_of_a_second_softmax() -> None:
    assert ColorizationTask().losses(*published_example())["loss"].item() == pytest.approx(
        1.51629154, abs=5e-9
    )


@pytest.mark.parametrize("temperature", [1.0, 0.3])
@pytest.mark.parametrize("seed", range(3))
def test_loss_and_gradients_equal_the_obvious_loops(seed: int, temperature: float) -> None:
    found = []
    for way in (
        lambda parts: ColorizationTask(temperature=temperature).losses(*parts)["loss"],
        lambda parts: loss_by_hand(parts, temperature),
    ):
        references, colours, targets, wanted = random_example(seed)
        references.requires_grad_()
        targets.requires_grad_()
        loss = way((references, colours, targets, wanted))
        loss.backward()
        found.append((loss.detach(), references.grad, targets.grad))
    for ours, expected in zip(*found, strict=True):
        torch.testing.assert_close(ours, expected, atol=1e-8, rtol=1e-6)


def test_colours_are_those_of_opencv() -> None:
    rgb = np.random.default_rng(0).random((20, 20, 3)).astype(np.float32)
    expected = cv2.cvtColor(rgb, cv2.COLOR_RGB2Lab)
    # OpenCV interpolates in tables.
    np.testing.assert_allclose(lab(torch.from_numpy(rgb)).numpy(), expected, atol=0.5)
    known = {(1, 1, 1): (100, 0, 0), (1, 0, 0): (53.24, 80.09, 67.20), (0, 0, 1): (32.30, 79.19, -107.86)}
    for colour, wanted in known.items():
        np.testing.assert_allclose(lab(torch.tensor(colour, dtype=torch.float64)), wanted, atol=0.02)


def small() -> Colorizer:
    torch.manual_seed(0)
    return Colorizer(EncoderConfig(ClipSpec(3, size_px=32, channels=3), "frame_resnet18", 0.125))


def test_the_network_is_blind_to_colours_of_the_same_luma() -> None:
    network = small().eval()
    grey = torch.full((1, 3, 32, 32, 3), 90, dtype=torch.uint8)
    green = grey.clone()
    green[..., 0], green[..., 1], green[..., 2] = 0, 144, 48  # luma of both is 90
    with torch.no_grad():
        torch.testing.assert_close(network.embed(grey), network.embed(green), atol=2e-3, rtol=1e-2)
    assert (cell_colours(grey) - cell_colours(green)).abs().max() > 20


def test_a_step_teaches_embeddings_and_takes_colours_from_the_clip() -> None:
    network, task = small().train(), ColorizationTask()
    generator = torch.Generator().manual_seed(0)
    network.palette_K2.copy_(torch.randn(16, 2, generator=generator) * 30)
    clips = torch.randint(0, 255, (2, 3, 32, 32, 3), dtype=torch.uint8, generator=generator)
    losses = task.step(network, network, task.memory(), Batch((clips,), torch.zeros(2), ("a", "b")))
    losses["loss"].backward()
    assert all(parameter.grad is not None for parameter in network.parameters())
    wanted = network.colours(clips)
    cell = clips[1, 2, 8:16, 24:32].float().mean((0, 1)) / 255
    nearest = (network.palette_K2 - lab(cell)[1:]).square().sum(1).argmin()
    assert wanted[1, 2, 1, 3] == nearest
    assert F.one_hot(wanted, 16).sum() == 2 * 3 * 4 * 4


def test_no_temperature_is_refused() -> None:
    with pytest.raises(SpeedinessError, match="temperature above 0"):
        ColorizationTask(temperature=0.0)
