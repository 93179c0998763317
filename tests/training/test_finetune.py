import csv
import dataclasses
import json
from pathlib import Path

import pytest
import torch

from speediness.cli.main import main
from speediness.datasets.video_list import VideoItem
from speediness.errors import DataError, WeightsError
from speediness.models.checkpoint import load_checkpoint, save_network, start_from
from speediness.models.encoder import Encoder, EncoderConfig
from speediness.models.recogniser import Recogniser
from speediness.models.rspnet import RSPNet
from speediness.training.finetune import finetune, with_classes
from speediness.training.recipe import like_weights
from speediness.training.recipes import smoke

pytestmark = pytest.mark.slow

LABELS = ("fast", "slow")


@pytest.fixture
def labelled(walkers: list[VideoItem]) -> list[VideoItem]:
    return [dataclasses.replace(item, label=LABELS[n < 4]) for n, item in enumerate(walkers)]


@pytest.fixture
def manifest(labelled: list[VideoItem], tmp_path: Path) -> Path:
    path = tmp_path / "films.csv"
    with path.open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["file", "split", "source", "label"])
        for n, item in enumerate(labelled):
            rows.writerow([item.path, "test" if n in (3, 7) else "train", item.source, item.label])
    return path


def test_classes_come_from_the_training_list(labelled: list[VideoItem]) -> None:
    assert with_classes(smoke(), labelled).task.classes == LABELS  # pyright: ignore
    with pytest.raises(DataError, match="names 1 class"):
        with_classes(smoke(), labelled[:3])


def test_a_test_video_of_an_unknown_class_is_refused(labelled: list[VideoItem], tmp_path: Path) -> None:
    recipe = with_classes(smoke(), labelled)
    strange = [dataclasses.replace(labelled[0], label="fly")]
    with pytest.raises(DataError, match="the test list shows fly"):
        finetune(recipe, labelled, strange, tmp_path / "run", tmp_path / "cache")


def test_finetune_and_probe_from_weights_on_the_command_line(
    manifest: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    torch.manual_seed(0)
    weights, out = tmp_path / "rspnet.safetensors", tmp_path / "run"
    save_network(weights, RSPNet(dataclasses.replace(smoke(), width=0.125).config), {})
    settings = ["--set", "validation_share=0.4", "--set", "steps=2", "--set", "size_px=32"]
    settings += ["--set", "windows=2", "--set", "compiled=false"]
    command = [
        "finetune",
        "finetune_small",
        "--data",
        str(manifest),
        "--init",
        str(weights),
        "--out",
        str(out),
    ]
    assert main([*command, *settings, "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["classes"] == list(LABELS) and len(document["films"]) == 2
    assert sum(map(sum, document["confusion"])) == 2 and 0 <= document["accuracy"] <= 1
    assert document["made_by"]["recipe"]["init"] == str(weights)
    assert json.loads((out / "test.json").read_text())["schema"] == "speediness.recognition/1"
    assert (out / "confusion.png").read_bytes().startswith(b"\x89PNG")
    network = load_checkpoint(out / "network.safetensors", Recogniser)
    assert network.classes == LABELS and network.config.width == 0.125

    assert main([*command, *settings, "--resume"]) == 0
    printed = capsys.readouterr().out
    assert "of 2 test videos recognised" in printed and "confusion.png" in printed

    probe = ["probe", str(out / "network.safetensors"), "--data", str(manifest)]
    for protocol in ("clean", "released"):
        assert main([*probe, "--cache", str(out / "cache"), "--protocol", protocol, "--json"]) == 0
        found = json.loads(capsys.readouterr().out)
        assert found["films"] == {"train": 6, "test": 2} and found["protocol"] == protocol
        assert found["recall"]["50"] == 1.0


def test_random_features_need_a_recipe(
    manifest: Path, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    probe = ["probe", "random", "--data", str(manifest), "--cache", str(tmp_path / "cache")]
    assert main(probe) == 2
    assert "with --recipe NAME" in capsys.readouterr().err


def test_a_backbone_is_taken_over_and_no_other(tmp_path: Path) -> None:
    torch.manual_seed(0)
    config = smoke().config
    trained, weights = RSPNet(config), tmp_path / "w.safetensors"
    save_network(weights, trained, {})
    fresh = Recogniser(config, LABELS)
    start_from(fresh, weights)
    for name, tensor in trained.backbone.state_dict().items():
        torch.testing.assert_close(fresh.backbone.state_dict()[name], tensor, rtol=1e-3, atol=1e-4)
    other = Recogniser(EncoderConfig(config.clip, "motion", 0.5), LABELS)
    with pytest.raises(WeightsError, match=r"width 0\.2, another than motion of width 0\.5"):
        start_from(other, weights)
    assert load_checkpoint(weights, Encoder).config == config
    recipe = like_weights(dataclasses.replace(smoke(), width=1.0), weights)
    assert recipe.width == smoke().width and recipe.init == str(weights)
