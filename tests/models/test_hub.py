import copy
import json
import shutil
import socket
from collections.abc import Callable
from itertools import permutations
from pathlib import Path
from typing import Any

import pytest
import torch
from huggingface_hub import HfApi, ModelCard, constants
from safetensors.torch import save_file

from speediness.clip import ClipSpec
from speediness.errors import OutputError, WeightsError
from speediness.models.checkpoint import load_checkpoint, load_speednet
from speediness.models.encoder import Encoder, EncoderConfig
from speediness.models.recogniser import Recogniser
from speediness.models.rspnet import RSPNet
from speediness.models.speednet import SpeedNet

CONFIG = EncoderConfig(ClipSpec(8, size_px=64), "motion", 0.125)
KINDS: dict[type[Encoder], Callable[[], Encoder]] = {
    Encoder: lambda: Encoder(CONFIG),
    SpeedNet: lambda: SpeedNet(CONFIG),
    RSPNet: lambda: RSPNet(CONFIG),
    Recogniser: lambda: Recogniser(CONFIG, ["golf", "läuft | ```"]),
}
MADE_BY = {"speediness": "0.1.0", "recipe": {"backbone": "motion"}, "steps": 810}


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        pytest.fail("a test of folders went to the network")

    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    monkeypatch.setattr(socket.socket, "connect", refuse)


@pytest.fixture
def offline(monkeypatch: pytest.MonkeyPatch) -> None:
    """What HF_HUB_OFFLINE=1 does; huggingface_hub reads the variable once, when it is imported."""
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)


def assert_same(network: Encoder, other: Encoder) -> None:
    """Equal to what float16 keeps."""
    assert type(network) is type(other)
    assert (network.config, network.arguments) == (other.config, other.arguments)
    expected = {
        k: v.half().float() if v.is_floating_point() else v for k, v in network.state_dict().items()
    }
    torch.testing.assert_close(dict(other.state_dict()), expected, rtol=0, atol=0)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("hub", ["online", "offline"])
def test_a_folder_gives_the_network_back(
    kind: type[Encoder], hub: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    if hub == "offline":
        request.getfixturevalue("offline")
    network = KINDS[kind]()
    network.made_by = MADE_BY
    network.save_pretrained(tmp_path / "new" / "folder")
    assert sorted(path.name for path in (tmp_path / "new" / "folder").iterdir()) == [
        "README.md",
        "config.json",
        "model.safetensors",
    ]
    loaded = kind.from_pretrained(tmp_path / "new" / "folder")
    assert_same(network, loaded)
    assert loaded.made_by == MADE_BY and not loaded.training


def test_provenance_goes_with_every_way_of_the_weights(tmp_path: Path) -> None:
    shipped = load_speednet("speednet-small")
    assert shipped.made_by["steps"] > 0
    shipped.save_pretrained(tmp_path)
    again = SpeedNet.from_pretrained(str(tmp_path))
    assert_same(shipped, again)
    assert again.made_by == shipped.made_by == copy.deepcopy(shipped).made_by
    assert load_checkpoint(tmp_path / "model.safetensors", Encoder).made_by == shipped.made_by
    assert SpeedNet(shipped.config).made_by == {}


def test_the_configuration_says_what_the_weights_say(tmp_path: Path) -> None:
    network = KINDS[Recogniser]()
    network.made_by = MADE_BY
    network.save_pretrained(tmp_path)
    document = json.loads((tmp_path / "config.json").read_text())
    assert document == {
        "network": "Recogniser",
        "config": CONFIG.to_json(),
        "arguments": {"classes": ["golf", "läuft | ```"]},
        "made_by": MADE_BY,
    }
    (tmp_path / "config.json").write_text("{}")  # for people; nothing is read from it
    assert_same(network, Recogniser.from_pretrained(tmp_path))


def test_the_card_says_what_it_is_and_how_to_load_it(tmp_path: Path) -> None:
    shipped = load_speednet("speednet-small")
    shipped.save_pretrained(tmp_path / "net")
    card = ModelCard.load(tmp_path / "net" / "README.md")
    assert card.data.to_dict() == {
        "library_name": "speediness",
        "license": "mit",
        "pipeline_tag": "video-classification",
        "tags": ["video", "speediness", "speednet", "motion"],
    }
    for said in (
        "A SpeedNet: Natural speed or faster?",
        "| clips | 16 frames at 8 a second, short side 56 px, luma |",
        "| backbone | motion, width 1, 96 features |",
        f"| parameters | {sum(p.numel() for p in shipped.parameters()):,}, stored in float16 |",
        json.dumps(shipped.made_by, indent=2),
        "from speediness.models.speednet import SpeedNet",
        'SpeedNet.from_pretrained("net")',
    ):
        assert said in card.text
    SpeedNet(CONFIG).save_pretrained(tmp_path / "net")
    assert "nothing is recorded" in (tmp_path / "net" / "README.md").read_text()


@pytest.mark.parametrize(("saved", "kind"), list(permutations((SpeedNet, RSPNet, Recogniser), 2)))
def test_another_network_is_refused_in_one_line(
    saved: type[Encoder], kind: type[Encoder], tmp_path: Path
) -> None:
    KINDS[saved]().save_pretrained(tmp_path)
    message = f"does not hold {kind.__name__} weights: they are of a {saved.__name__}$"
    with pytest.raises(WeightsError, match=message) as error:
        kind.from_pretrained(tmp_path)
    assert "\n" not in str(error.value)
    assert type(Encoder.from_pretrained(tmp_path)) is Encoder  # which leaves any head


def test_weights_that_do_not_name_their_network_are_refused_by_what_does_not_fit(tmp_path: Path) -> None:
    network = KINDS[SpeedNet]()
    path = tmp_path / "older.safetensors"
    save_file(network.state_dict(), path, {"config": json.dumps(CONFIG.to_json())})
    assert load_checkpoint(path, SpeedNet).config == CONFIG
    with pytest.raises(WeightsError, match=r'not hold RSPNet weights: .*"classifier\.weight"') as error:
        load_checkpoint(path, RSPNet)
    assert "\n" not in str(error.value)


def test_folders_that_are_not_ours_are_refused(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match=r"holds no model\.safetensors; save_pretrained writes"):
        SpeedNet.from_pretrained(tmp_path)
    (tmp_path / "file").touch()
    (tmp_path / "folder" / "model.safetensors.partial").mkdir(parents=True)
    for name in ("file", "folder"):
        with pytest.raises(OutputError, match=r"cannot write .*; choose another folder"):
            SpeedNet(CONFIG).save_pretrained(tmp_path / name)


@pytest.mark.parametrize("config", ["[", '{"clip": {"n_frames": 1, "frame_rate": "8"}}'])
def test_a_header_that_makes_no_sense_is_refused(config: str, tmp_path: Path) -> None:
    save_file({"classifier.bias": torch.zeros(2)}, tmp_path / "model.safetensors", {"config": config})
    with pytest.raises(WeightsError, match="does not hold SpeedNet weights"):
        SpeedNet.from_pretrained(tmp_path)


@pytest.mark.usefixtures("offline")
def test_downloaded_weights_need_no_network(tmp_path: Path) -> None:
    network, commit = SpeedNet(CONFIG), "a" * 40
    repository = tmp_path / "cache" / "models--me--net"
    network.save_pretrained(repository / "snapshots" / commit)
    (repository / "refs").mkdir()
    (repository / "refs" / "main").write_text(commit)
    cached: dict[str, Any] = {"cache_dir": tmp_path / "cache"}
    assert_same(network, SpeedNet.from_pretrained("me/net", **cached))
    assert_same(network, SpeedNet.from_pretrained("me/net", local_files_only=True, **cached))
    assert_same(network, SpeedNet.from_pretrained("me/net", revision=commit, **cached))
    for name in ("me/other", "no/such/folder"):
        with pytest.raises(WeightsError, match=f"^{name} is no folder, and the Hub gives no") as error:
            SpeedNet.from_pretrained(name, **cached)
        assert "\n" not in str(error.value)


def test_pushing_uploads_the_three_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Address:
        repo_id = "me/net"
        commit_url = "https://huggingface.co/me/net/commit/1"

    def create(api: HfApi, repo_id: str, **options: Any) -> Address:
        assert (api.token, repo_id, options) == ("secret", "net", {"private": True, "exist_ok": True})
        return Address()

    def upload(api: HfApi, *, repo_id: str, folder_path: str, commit_message: str) -> Address:
        assert (repo_id, commit_message) == ("me/net", "first")
        shutil.copytree(folder_path, tmp_path / "uploaded")
        return Address()

    monkeypatch.setattr(HfApi, "create_repo", create)
    monkeypatch.setattr(HfApi, "upload_folder", upload)
    network = KINDS[RSPNet]()
    address = network.push_to_hub("net", private=True, token="secret", commit_message="first")
    assert address == Address.commit_url
    assert sorted(path.name for path in (tmp_path / "uploaded").iterdir()) == [
        "README.md",
        "config.json",
        "model.safetensors",
    ]
    assert 'RSPNet.from_pretrained("me/net")' in (tmp_path / "uploaded" / "README.md").read_text()
    assert_same(network, RSPNet.from_pretrained(tmp_path / "uploaded"))
