"""The script for a GPU, rehearsed on the CPU along the same path."""

import os
import subprocess
import sys
import tarfile
import time
from pathlib import Path

import numpy as np
import pytest

from speediness.datasets.video_list import VideoItem
from speediness.models.checkpoint import load_speednet
from speediness.runtime import open_runtime
from speediness.runtime.onnx import read_exported
from speediness.training.metrics import read_metrics
from speediness.training.recipes import find_recipe
from speediness.training.run import read_header

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]  # trains from start to end

SCRIPT = Path(__file__).parents[2] / "scripts" / "train_on_gpu.sh"


HERE = {**os.environ, "PYTHON": sys.executable, "OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""}


def start(*arguments: str) -> subprocess.Popen[str]:
    pipe = subprocess.PIPE
    return subprocess.Popen([str(SCRIPT), *arguments], env=HERE, stdout=pipe, stderr=pipe, text=True)


@pytest.fixture(scope="module")
def pieces(walkers: list[VideoItem], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Videos in a tar, cut up anywhere."""
    folder = tmp_path_factory.mktemp("pieces")
    with tarfile.open(folder / "videos.tar", "w") as tar:
        for item in walkers:
            tar.add(item.path, item.path.name)
    whole = (folder / "videos.tar").read_bytes()
    (folder / "videos.tar").unlink()
    for n, start in enumerate(range(0, len(whole), 30_000)):
        (folder / f"videos.tar.{n:03}").write_bytes(whole[start : start + 30_000])
    return folder


SMALL = ("width=0.2", "frame_rate=25", "windows=2", "compiled=false")
"""A window is short enough for videos of two seconds."""


@pytest.mark.parametrize(("recipe", "settings"), [("smoke", ()), ("speednet_small", SMALL)])
def test_from_videos_in_pieces_to_weights_with_a_stop_on_the_way(
    recipe: str, settings: tuple[str, ...], pieces: Path, tmp_path: Path
) -> None:
    run = tmp_path / "run"
    given = (str(pieces), str(tmp_path), recipe, "5", "validation_share=0.4", "evaluate_every=1", *settings)
    stopped = start(*given, "steps=1000")
    while not read_metrics(run / "metrics.jsonl"):
        assert stopped.poll() is None, stopped.communicate()
        time.sleep(0.1)
    stopped.terminate()
    _, said = stopped.communicate()
    assert stopped.returncode == 130 and "continue with --resume" in said
    done_before = int(read_header(run / "checkpoint.safetensors")["step"])
    assert 1 <= done_before < 1000

    finished = start(*given, f"steps={done_before + 2}")
    out, said = finished.communicate()
    assert finished.returncode == 0, said
    assert out.splitlines()[-1] == str(run / "network.onnx")
    assert "accuracy" in said.splitlines()[-1]
    validated = [row["step"] for row in read_metrics(run / "metrics.jsonl") if "validation" in row]
    assert validated == list(range(1, done_before + 3))
    network = load_speednet(run / "network.safetensors")
    described = read_exported(run / "network.onnx").description
    assert "response" in described and "validation" in described
    assert network.config.clip.size_px == find_recipe(recipe, []).size_px
    runtime = open_runtime("onnx", run / "network.onnx")
    assert runtime.classify is not None and (runtime.see is not None) == (network.scene is not None)
    motion = np.random.default_rng(0).normal(size=(2, 17, 4, 14, 14)).astype(np.float32)
    assert runtime.classify(motion).rate.shape == (2, 2, 2)


def test_without_arguments_it_says_what_it_needs() -> None:
    asked = start()
    _, said = asked.communicate()
    assert asked.returncode == 2 and "PIECES" in said and "set -e" not in said
