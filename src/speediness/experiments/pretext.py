"""The pretext tasks of a lecture side by side: what each learns, and what that is worth.

The engine is :mod:`speediness.experiments.transfer`, with more starts. Tasks on motion train a 3D network,
tasks on frames and places a network of single frames; each kind has its own random start.
"""

import dataclasses
from typing import Any

from speediness.experiments.transfer import Scale
from speediness.experiments.transfer import recipes as transfer_recipes
from speediness.experiments.transfer_tables import mean_text, share_text
from speediness.training.recipe import Recipe
from speediness.training.recipes import find_recipe

ON_CLIPS = ("speednet", "rspnet", "odd_one_out", "arrow_of_time")
ON_FRAMES = ("shuffle_and_learn", "time_cycle", "colorization", "random_walk")
STARTS = ("random", *ON_CLIPS, "random_frames", "imagenet", *ON_FRAMES)
TITLES = {
    "random": "random start, 3D",
    "speednet": "SpeedNet",
    "rspnet": "RSPNet",
    "odd_one_out": "odd-one-out",
    "arrow_of_time": "arrow of time",
    "random_frames": "random start, frames",
    "imagenet": "ImageNet",
    "shuffle_and_learn": "shuffle and learn",
    "time_cycle": "TimeCycle",
    "colorization": "colorization",
    "random_walk": "random walk",
}
CHANCE = {"speednet": 0.5, "rspnet": 0.5}
"""Where the task does not say it with its accuracy; and what stands for it with tasks on places."""
FLOORS = ("chance", "stay_still", "commonest")
CONTROLS = {
    "odd_one_out": {"pixel_rule": "pixels alone"},
    "shuffle_and_learn": {"pairs_ranked": "pairs", "pixel_rule": "pixels alone"},
    "arrow_of_time": {
        "pairs_ranked": "pairs",
        "palindromes": "palindromes called forwards",
        "with_bars": "with bars",
        "stored_anew": "stored anew",
    },
    "colorization": {"same_place": "same place"},
}
HEAD = ("linear probe", "10 nearest neighbours", "R@1", "own task, unseen", "chance", "controls")


def recipes(scale: Scale) -> dict[str, Recipe]:
    """A recipe for every start; of those that are not trained, what says how the network is built.

    paper: each as published, as far as it can be, on networks of their own. small: narrow networks for two
    CPU cores. smoke: a few steps of the same code.
    """
    found = transfer_recipes(scale)
    for name in (*ON_CLIPS[2:], *ON_FRAMES):
        published = scale == "paper" and name != "odd_one_out"
        found[name] = find_recipe(name if published else f"{name}_small", [])
        if scale == "paper" and not published:
            found[name] = dataclasses.replace(found[name], width=1.0)
        if scale == "smoke":
            shared = ["steps", "windows", "evaluate_every", "warmup_steps", "width"]
            shared += [] if name in ON_FRAMES else ["size_px", "frame_rate"]
            few: dict[str, Any] = {key: getattr(found["rspnet"], key) for key in shared}
            found[name] = dataclasses.replace(found[name], **few)
    frames = dataclasses.replace(found["colorization"], init="")
    return found | {
        "random_frames": frames,
        "imagenet": dataclasses.replace(frames, backbone="lite0", width=1.0),
    }


def table(document: dict[str, Any]) -> list[list[str]]:
    """A row of text for every start, the first the head; percent, 95 % intervals over sources.

    Args:
        document: of :func:`speediness.experiments.transfer.transfer` with the measures task and frozen.
    """
    made_by = document["made_by"]["recipes"]
    rows: list[list[str]] = [["pretraining", "network", *HEAD]]
    for row in document["rows"]:
        start, probed, tasks = row["start"], row["frozen"], row["task"]
        # Without a recipe of its own it is the random start of RSPNet's network.
        recipe: dict[str, Any] = made_by.get(start, made_by["rspnet"])
        given = start in document["made_by"]["weights"]
        title = TITLES.get(str(start), str(start))
        network = "given" if given else f"{recipe['backbone']}, {recipe['width']:g}"
        rows.append(
            [
                title,
                network,
                *(share_text([one[name] for one in probed]) for name in ("linear", "neighbours")),
                mean_text([one["recall"]["1"] for one in probed]),
                share_text([one["accuracy"] for one in tasks]),
                _floor(start, tasks),
                ", ".join(
                    f"{title} {share_text([one[name] for one in tasks])}"
                    for name, title in CONTROLS.get(start, {}).items()
                    if tasks
                ),
            ]
        )
    return rows


def _floor(start: str, tasks: list[dict[str, Any]]) -> str:
    """What whoever learned nothing gets right."""
    if not tasks:
        return ""
    for name in FLOORS:
        if name in tasks[0]:
            return mean_text([one[name]["accuracy"] for one in tasks])
    return mean_text([CHANCE[start]])
