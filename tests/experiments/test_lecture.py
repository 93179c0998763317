"""The lecture's table in its smoke form, and the drawings."""

import dataclasses
import json
from pathlib import Path

import pytest
import torch

from speediness.cli.main import main
from speediness.datasets.video_list import VideoItem
from speediness.errors import DataError, SpeedinessError
from speediness.experiments import lecture as engine
from speediness.experiments import row_run
from speediness.experiments.architecture_plot import plot_networks, stages
from speediness.experiments.lecture import Lecture, find_networks, lecture
from speediness.experiments.lecture_networks import NETWORKS, TRAJECTORIES
from speediness.experiments.lecture_tables import markdown, table, views
from speediness.models.backbones import BACKBONES, find_backbone
from speediness.models.checkpoint import save_network
from speediness.models.cost import count_saved_bytes
from speediness.models.encoder import Encoder
from speediness.results.documents import markdown_table
from speediness.training.recipes import smoke

FEW = dataclasses.replace(
    smoke(),
    backbone="single_frame",
    width=0.0625,
    steps=1,
    evaluate_every=1,
    recompressed=0,
    validation_share=0.4,
)


@pytest.fixture
def work(walkers: list[VideoItem]) -> Lecture:
    labelled = [dataclasses.replace(item, label="ab"[n % 2]) for n, item in enumerate(walkers)]
    networks = find_networks(["temporal_stream", TRAJECTORIES, "single_frame"])
    return Lecture(FEW, labelled[:6], labelled[6:], networks)


@pytest.mark.slow
def test_every_network_is_trained_once_and_stands_in_one_table(
    work: Lecture, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []
    document = lecture(work, tmp_path, 1, said.append)
    single, tracks, temporal = document["rows"]  # in the lecture's order
    assert single["published"]["sports_1m"] == 59.3 and single["sense"]["order"] is False
    assert temporal["sense"] == {"order": True, "direction": True, "frames": 16, "still": False}
    assert "cost" not in tracks and tracks["action"][0]["tracks_a_video"] > 0
    for row in document["rows"]:
        assert 0 <= row["action"][0]["accuracy"] <= 1 and len(row["action"][0]["films"]) == 2
    assert single["cost"]["macs"] > 0 and single["cost"]["clips_per_s"]["training"] > 0
    head, *rows = table(document)
    assert [row[0] for row in rows] == ["single frame", "dense trajectories, SVM", "temporal stream"]
    assert {len(row) for row in rows} == {len(head)} and rows[0][head.index("order")] == "no"
    assert markdown_table(table(document)) in markdown(document)
    right, sense, costs = views(document)
    assert right[0] == ["network", "action right", "Sports-1M", "UCF101", "from"]
    assert sense[1] == ["single frame", "no", "no", "16"] and len(costs[0]) == 8

    monkeypatch.setattr(engine, "finetune", None)
    monkeypatch.setattr(engine, "clip_trajectories", None)
    assert lecture(work, tmp_path, 1, said.append) == document
    other = dataclasses.replace(work, base=dataclasses.replace(FEW, steps=2))
    with pytest.raises(DataError, match="choose another --out"):
        lecture(other, tmp_path, 1, said.append)


def test_the_command_trains_for_both_tasks_from_weights(
    walkers: list[VideoItem],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(row_run, "OWN_CLIPS", 8)
    lines = [
        f"{item.path},{item.source},{'ab'[n % 2]},{'train' if n < 6 else 'test'}"
        for n, item in enumerate(walkers)
    ]
    (tmp_path / "list.csv").write_text("\n".join(["file,source,label,split", *lines]) + "\n")
    torch.manual_seed(0)
    save_network(tmp_path / "start.safetensors", Encoder(FEW.config), {})
    command = [
        "reproduce",
        "lecture",
        "--data",
        str(tmp_path / "list.csv"),
        "--out",
        str(tmp_path / "out"),
    ]
    command += [
        "--recipe",
        "smoke",
        "--budget",
        "1",
        "--tasks",
        "both",
    ]
    command += [
        "--set",
        "width=0.0625",
        "--set",
        "validation_share=0.4",
        "--networks",
        "single_frame",
        "--json",
    ]
    assert main([*command, "--weights", f"single_frame={tmp_path / 'start.safetensors'}"]) == 0
    document = json.loads(capsys.readouterr().out)
    (row,) = document["rows"]
    assert len(row["action"]) == len(row["speed"]) == 1
    assert all(Path(path).stat().st_size for path in document["outputs"].values())
    assert document["made_by"]["weights"] == {"single_frame": str(tmp_path / "start.safetensors")}
    refused = [*command, "--networks", "single-frame"]
    assert main(refused) == 2 and "did you mean single_frame?" in capsys.readouterr().err


def test_the_lecture_names_networks_that_exist() -> None:
    assert {network.name for network in NETWORKS} <= {*BACKBONES, TRAJECTORIES}
    assert find_networks([]) == list(NETWORKS)
    with pytest.raises(SpeedinessError, match="no network alexnet"):
        find_networks(["alexnet"])


def test_a_drawing_shows_where_time_is_used_up(tmp_path: Path) -> None:
    def frames(name: str) -> dict[str, list[int]]:
        stem, make = find_backbone(name)
        with torch.device("meta"):
            backbone = make(stem.out_channels, 0.0625)
        return {
            stream: [stage.frames for stage in row]
            for stream, row in stages(backbone, stem.out_channels).items()
        }

    assert set(frames("single_frame")[""]) == {16}
    assert frames("early_fusion")[""][:2] == [16, 1]
    assert frames("late_fusion")[""] == [16, 2, 2, 2, 2, 1]
    assert frames("slow_fusion")[""] == [16, 7, 7, 3, 3, 2, 2]
    assert list(frames("two_stream")) == ["spatial", "temporal"]
    plot_networks(find_networks(["early_fusion", TRAJECTORIES]), tmp_path / "a.svg")
    assert "early fusion" in (tmp_path / "a.svg").read_text()


def test_saved_bytes_are_those_of_the_activations() -> None:
    """A linear layer keeps its input, ReLU its output; weights are not counted."""
    network = torch.nn.Sequential(torch.nn.Linear(10, 20), torch.nn.ReLU())
    assert count_saved_bytes(network, torch.zeros(7, 10, requires_grad=True)) == 4 * 7 * (10 + 20)
