import numpy as np
import pytest
import torch

from speediness.models.motion import CELL_PX, LEAST_CONFIDENCE, MotionCells


def texture(seed: int, lowest: float = 0.05) -> np.ndarray:
    """Noise that can be sampled anywhere: random waves, as in frames the stronger the longer."""
    rng = np.random.default_rng(seed)
    number, angle = np.exp(rng.uniform(np.log(lowest), np.log(1), 96)), rng.uniform(0, 2 * np.pi, 96)
    phase = rng.uniform(0, 2 * np.pi, 96)
    return np.stack([number * np.cos(angle), number * np.sin(angle), phase], 1)


def render(waves: np.ndarray, dx: float, dy: float, size: int = 64, zoom: float = 1.0) -> torch.Tensor:
    y, x = np.mgrid[0:size, 0:size].astype(np.float64)
    u, v = (x - dx) / zoom, (y - dy) / zoom
    frame = np.cos(waves[:, 0, None, None] * u + waves[:, 1, None, None] * v + waves[:, 2, None, None])
    frame /= np.hypot(waves[:, 0], waves[:, 1])[:, None, None]
    frame = 0.5 + 0.5 * frame.sum(0) / np.abs(frame.sum(0)).max()
    return torch.tensor(frame, dtype=torch.float32)[None, None]


@pytest.mark.parametrize("shift", [(0.0, 0.0), (0.3, -0.2), (1.0, 0.5), (-2.5, 1.5)])
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_a_known_shift_is_measured_to_a_tenth_of_a_pixel(shift: tuple[float, float], seed: int) -> None:
    waves = texture(seed)
    flow, _ = MotionCells().flow(render(waves, 0, 0), render(waves, *shift))
    inner = flow[0, :, 12:-12, 12:-12].flatten(1)
    error = (inner - torch.tensor(shift)[:, None]).abs().mean(1)
    assert (error < 0.1 + 0.03 * np.hypot(*shift)).all(), error


def test_the_flow_of_a_zoom_points_away_from_its_centre() -> None:
    waves = texture(3)
    flow, _ = MotionCells().flow(render(waves, 0, 0), render(waves, 0, 0, zoom=1.03))
    y, x = torch.meshgrid(torch.arange(64.0), torch.arange(64.0), indexing="ij")
    expected = 0.03 * torch.stack([x, y])
    error = (flow[0] - expected)[:, 8:-8, 8:-8].abs().mean()
    assert error < 0.12


def test_a_still_frame_has_no_motion_at_all() -> None:
    frame = render(texture(4), 0, 0)
    flow, _ = MotionCells().flow(frame, frame)
    assert flow.abs().max() < 1e-4


def test_sensor_noise_on_a_plain_wall_is_not_taken_for_motion() -> None:
    torch.manual_seed(0)
    wall = torch.full((1, 1, 64, 64), 0.5)
    flow, seen = MotionCells().flow(
        wall + 0.004 * torch.randn_like(wall), wall + 0.004 * torch.randn_like(wall)
    )
    assert flow.norm(dim=1).mean() < 0.1
    assert seen.mean() < 0.25


def test_confidence_is_high_on_texture_and_at_its_floor_without_any() -> None:
    _, textured = MotionCells().flow(render(texture(5, 0.4), 0, 0), render(texture(5, 0.4), 0.5, 0))
    _, plain = MotionCells().flow(torch.full((1, 1, 64, 64), 0.3), torch.full((1, 1, 64, 64), 0.3))
    assert textured.mean() > 0.5
    torch.testing.assert_close(plain, torch.full_like(plain, LEAST_CONFIDENCE))


def test_confidence_is_low_along_a_straight_edge() -> None:
    """The aperture problem: along stripes nobody can see the motion."""
    stripes = 0.5 + 0.5 * torch.cos(torch.arange(64.0) * 0.5).expand(1, 1, 64, 64)
    _, seen = MotionCells().flow(stripes, stripes)
    torch.testing.assert_close(seen, torch.full_like(seen, LEAST_CONFIDENCE), atol=1e-3, rtol=0)


@pytest.mark.parametrize("channels", [1, 3])
def test_cells_are_means_of_the_dense_flow(channels: int) -> None:
    rng = np.random.default_rng(0)
    frames = torch.from_numpy(rng.integers(0, 256, (2, 3, 32, 64, channels), np.uint8))
    weights = torch.tensor([1.0] if channels == 1 else [0.299, 0.587, 0.114])
    before, after = ((part.float() / 255 * weights).sum(3)[:, None] for part in frames)
    flow, seen = MotionCells().flow(before, after)
    cells = MotionCells()(*frames)
    assert cells.shape == (3, 4, 32 // CELL_PX, 64 // CELL_PX)
    for row in range(cells.shape[2]):
        for column in range(cells.shape[3]):
            rows, columns = (slice(CELL_PX * n, CELL_PX * (n + 1)) for n in (row, column))
            cell = (slice(None), slice(None), rows, columns)
            expected = torch.stack(
                [
                    flow[cell][:, 0].mean((1, 2)),
                    flow[cell][:, 1].mean((1, 2)),
                    torch.hypot(flow[cell][:, 0], flow[cell][:, 1]).mean((1, 2)),
                    seen[cell][:, 0].mean((1, 2)),
                ],
                1,
            )
            torch.testing.assert_close(cells[:, :, row, column], expected, rtol=1e-4, atol=1e-4)
