"""Networks as folders that the Hugging Face Hub understands: weights, configuration, model card."""

import inspect
import json
import os
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from huggingface_hub import HfApi, ModelCard, ModelCardData, hf_hub_download

from speediness.errors import OutputError, WeightsError
from speediness.models.checkpoint import description, save_network
from speediness.models.cost import count_parameters
from speediness.models.encoder import Encoder

WEIGHTS, CONFIG, CARD = "model.safetensors", "config.json", "README.md"  # the Hub's names for them


def write_folder(network: Encoder, folder: Path, name: str) -> None:
    """Write weights, what they say of themselves once more as JSON, and a model card by a name.

    Only the weights are read back: they describe themselves, and the other two, for people and for the
    Hub, cannot contradict them. The three files replace those in the folder, which is made if need be.

    Raises:
        OutputError: it cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        save_network(folder / WEIGHTS, network, network.made_by)
        document = json.dumps(description(network, network.made_by), indent=2)
        (folder / CONFIG).write_text(document + "\n", encoding="utf-8")
        model_card(network, name).save(folder / CARD)
    except OSError as error:
        raise OutputError(f"cannot write {folder}: {error}; choose another folder") from error


def download_weights(folder_or_repo_id: str | os.PathLike[str], **download: Any) -> Path:
    """The weights in a folder, or downloaded (once) from a repository by ``hf_hub_download``.

    Raises:
        WeightsError: the folder holds none, or the Hub gives none; the message says why.
    """
    if Path(folder_or_repo_id).is_dir():
        path = Path(folder_or_repo_id) / WEIGHTS
        if not path.exists():
            raise WeightsError(
                f"{folder_or_repo_id} holds no {WEIGHTS}; save_pretrained writes such a folder"
            )
        return path
    try:
        return Path(hf_hub_download(str(folder_or_repo_id), WEIGHTS, **download))
    except (OSError, ValueError) as error:
        why = " ".join(str(error).split())
        raise WeightsError(
            f"{folder_or_repo_id} is no folder, and the Hub gives no {WEIGHTS} of it: {why}"
        ) from error


def push(
    network: Encoder, repo_id: str, commit_message: str, private: bool | None, token: str | bool | None
) -> str:
    """See :meth:`Encoder.push_to_hub`."""
    api = HfApi(token=token)
    repo_id = api.create_repo(repo_id, private=private, exist_ok=True).repo_id
    with TemporaryDirectory() as folder:
        write_folder(network, Path(folder), repo_id)
        commit = api.upload_folder(repo_id=repo_id, folder_path=folder, commit_message=commit_message)
    return commit.commit_url


def model_card(network: Encoder, name: str) -> ModelCard:
    """What people should know before they use the weights.

    Args:
        network: its docstring's first line says what it is for.
        name: of the folder or repository.
    """
    kind, config, clip = type(network), network.config, network.config.clip
    colours = {1: "luma", 3: "RGB"}[clip.channels]
    data = ModelCardData(
        library_name="speediness",
        license="mit",
        pipeline_tag="video-classification",
        tags=["video", "speediness", kind.__name__.lower(), config.backbone],
    )
    made_by = json.dumps(network.made_by, indent=2) if network.made_by else "nothing is recorded"
    return ModelCard(f"""---
{data.to_yaml()}
---

# {name}

A {kind.__name__}: {(inspect.getdoc(kind) or "a network of speediness.").splitlines()[0]}

| | |
|---|---|
| clips | {clip.n_frames} frames at {clip.frame_rate} a second, short side {clip.size_px} px, {colours} |
| backbone | {config.backbone}, width {config.width:g}, {network.feature_dim} features |
| parameters | {count_parameters(network):,}, stored in float16 |

`{CONFIG}` repeats all that the weights say of themselves.

## How to load it

```
pip install "speediness[train]"
```

```python
from {kind.__module__} import {kind.__name__}

network = {kind.__name__}.from_pretrained("{name}")
```

It comes in evaluation mode and takes uint8 frames (B, {clip.n_frames}, H, W, {clip.channels}) of a size
divisible by {clip.unit_px}, and how far apart they were drawn.

## What it was trained by

```
{made_by}
```
""")
