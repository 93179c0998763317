import dataclasses
import json
import shlex
from pathlib import Path
from typing import get_args

import numpy as np
import pytest

from speediness.cli.main import app
from speediness.datasets.video_list import VideoItem
from speediness.errors import DataError
from speediness.experiments import transfer as engine
from speediness.experiments.transfer import Data, Scale, estimate_s, recipes, transfer
from speediness.experiments.transfer_tables import TABLE3, gains, plot_shares, published, table
from speediness.models.checkpoint import save_network
from speediness.models.encoder import Encoder
from speediness.results.documents import markdown_table
from speediness.training.recipes import find_recipe

pytestmark = pytest.mark.slow

SMOKE = {
    name: dataclasses.replace(recipe, validation_share=0.4, steps=2, evaluate_every=2)
    for name, recipe in recipes("smoke").items()
}


@pytest.fixture
def data(walkers: list[VideoItem]) -> Data:
    labelled = [dataclasses.replace(item, label="ab"[n % 2]) for n, item in enumerate(walkers)]
    return Data(walkers[:6], walkers[6:], labelled[:6], labelled[6:])


def test_every_start_is_pretrained_tuned_and_probed_once(
    data: Data, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "recipes", lambda scale: SMOKE)
    said: list[str] = []
    document = transfer(data, tmp_path, "smoke", 1, said.append)
    assert [row["start"] for row in document["rows"]] == ["random", "speednet", "rspnet"]
    for row in document["rows"]:
        assert len(row["finetune"]) == len(row["probe"]) == 1
        assert 0 <= row["finetune"][0]["accuracy"] <= 1
        assert set(row["probe"][0]["recall"]) == {"1", "5", "10", "20", "50"}
    assert [len(row["pretext"]) for row in document["rows"]] == [1, 0, 1]
    tuned = json.loads((tmp_path / "rspnet/seed-0/finetune/test.json").read_text())
    assert tuned["made_by"]["recipe"]["init"].endswith("rspnet/seed-0/pretrain/network.safetensors")
    commands = (tmp_path / "commands.txt").read_text().splitlines()
    assert len(commands) == 5 and all("--set seed=0" in line for line in commands)
    for line in commands:
        _, given, _ = app.parse_args(shlex.split(line)[1:])
        run = given.arguments["run"]
        recipe = find_recipe(given.arguments["recipe"], run.settings)
        made_as = run.out.parents[1].name if run.out.name == "pretrain" else "finetune"
        assert recipe == dataclasses.replace(SMOKE[made_as], init=recipe.init)
    assert "looking at" in (tmp_path / "log.txt").read_text()

    monkeypatch.setattr(engine, "train", None)
    monkeypatch.setattr(engine, "finetune", None)
    monkeypatch.setattr(engine, "probe", None)
    assert transfer(data, tmp_path, "smoke", 1, said.append) == document
    other = dataclasses.replace(data, test=data.test[:1])
    with pytest.raises(DataError, match="choose another --out"):
        transfer(other, tmp_path, "smoke", 1, said.append)

    for name in ("table2", "rspnet", "table3"):
        rows = table(name, document)
        assert len(rows) == (7 if name == "table3" else 4)
        assert len({len(row) for row in rows}) == 1
        assert markdown_table(rows).count("\n") == len(rows) + 1
    head, *gained = gains(document)
    assert [row[0] for row in gained] == ["SpeedNet", "RSPNet"]
    random, *others = ([row["probe"][0]["linear"]["accuracy"]] for row in document["rows"])
    for row, (share,) in zip(gained, others, strict=True):
        assert row[head.index("linear probe")].startswith(f"{100 * (share - random[0]):+.1f} (")
    plot_shares(document, tmp_path / "shares.png")
    assert (tmp_path / "shares.png").read_bytes().startswith(b"\x89PNG")


def test_weights_trained_before_are_a_row_of_their_own(
    data: Data, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "recipes", lambda scale: SMOKE)
    first = tmp_path / "first"
    transfer(data, first, "smoke", 1, lambda line: None, starts=["rspnet"], measures=["pretext"])
    weights = {"mine": first / "rspnet/seed-0/pretrain/network.safetensors"}
    document = transfer(
        data,
        tmp_path / "second",
        "smoke",
        1,
        lambda line: None,
        starts=["mine"],
        weights=weights,
        measures=["pretext"],
    )
    again = json.loads((first / "transfer.json").read_text())
    assert document["rows"][0]["pretext"] == again["rows"][0]["pretext"]


def test_weights_of_another_network_and_backbone_are_probed_and_tuned_as_they_are(
    data: Data, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "recipes", lambda scale: SMOKE)
    converted = Encoder(dataclasses.replace(SMOKE["finetune"].config, width=0.125))
    save_network(tmp_path / "theirs.safetensors", converted, {})
    weights = {"theirs": tmp_path / "theirs.safetensors"}
    document = transfer(
        data, tmp_path, "smoke", 1, lambda line: None, starts=["theirs"], weights=weights, name="rspnet"
    )
    assert document == json.loads((tmp_path / "rspnet.json").read_text())
    (row,) = document["rows"]
    assert [len(row[measure]) for measure in ("pretext", "probe", "finetune")] == [0, 1, 1]
    assert json.loads((tmp_path / "theirs/seed-0/finetune/test.json").read_text())["made_by"]["recipe"][
        "width"
    ] == pytest.approx(0.125)


def test_all_networks_of_a_scale_share_a_backbone() -> None:
    for scale in get_args(Scale):
        assert len({(recipe.backbone, recipe.width) for recipe in recipes(scale).values()}) == 1


def test_means_intervals_and_seeds_are_printed() -> None:
    made = [{"accuracy": a, "interval_95": (a - 0.1, a + 0.1)} for a in (0.5, 0.6)]
    probe = [{"linear": one, "neighbours": one} for one in made]
    document = {
        "rows": [{"start": "random", "finetune": made, "probe": probe}],
        "made_by": {"recipes": {"finetune": {"backbone": "r3d18", "width": 0.25}}},
    }
    assert table("table2", document)[1][1] == "55.0 (45 to 65) [50.0, 60.0]"
    assert len(published("table3")) == 1 + len(TABLE3)


def test_the_paper_takes_days_here_and_smoke_seconds() -> None:
    everything = ("pretext", "probe", "finetune")
    paper, smoke = (
        estimate_s(recipes(scale), ["random", "rspnet"], everything) for scale in ("paper", "smoke")
    )
    assert np.isfinite(paper) and paper > 1000 * smoke
