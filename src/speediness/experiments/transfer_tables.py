"""The tables and the plot of :mod:`speediness.experiments.transfer`, beside the papers'."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from speediness.evaluation.intervals import gain_interval
from speediness.evaluation.probes import RECALL_AT
from speediness.plots import INK, new_figure, save_figure

Published = tuple[str, str, float, float, str]
"""A row of a table of a paper: pretraining, network, UCF101 and HMDB51 in percent, source."""

TABLE2: tuple[Published, ...] = (
    ("random start", "S3D-G", 73.8, 46.4, "SpeedNet Table 2"),
    ("SpeedNet, Kinetics-400", "S3D-G", 81.1, 48.8, "SpeedNet Table 2"),
    ("supervised, ImageNet", "S3D-G", 86.6, 57.7, "SpeedNet Table 2"),
    ("supervised, Kinetics-400", "S3D-G", 96.8, 74.5, "SpeedNet Table 2"),
    ("random start", "I3D", 47.9, 29.6, "SpeedNet Table 2"),
    ("SpeedNet, Kinetics-400", "I3D", 66.7, 43.7, "SpeedNet Table 2"),
)
RSPNET: tuple[Published, ...] = (
    ("RSPNet, Kinetics-400, 200 epochs", "C3D", 76.71, 44.58, "RSPNet, released code"),
    ("RSPNet, Kinetics-400, 200 epochs", "3D ResNet-18", 74.33, 41.83, "RSPNet, released code"),
    ("RSPNet, Kinetics-400, 200 epochs", "R(2+1)D (VCOP)", 81.1, 44.6, "RSPNet, released code"),
    ("RSPNet, Kinetics-400, 200 epochs", "S3D-G", 89.9, 59.6, "RSPNet, released code"),
    ("RSPNet, Kinetics-400, 1000 epochs", "S3D-G", 93.7, 64.7, "RSPNet, released code"),
)
"""UCF101 and HMDB51, split 1; the best epoch on the test list (datasets/classification of that code)."""

TABLE3: dict[str, tuple[float, ...]] = {
    "OPN": (19.9, 28.7, 34.0, 40.6, 51.6),
    "Büchler et al., CaffeNet": (25.7, 36.2, 42.2, 49.2, 59.5),
    "Clip order, R3D": (14.1, 30.3, 40.0, 51.1, 66.5),
    "SpeedNet, S3D-G": (13.0, 28.1, 37.5, 49.5, 65.0),
    "VCP, R(2+1)D": (19.9, 33.7, 42.0, 50.5, 64.4),
    "Pace, C3D": (31.9, 49.7, 59.2, 68.9, 80.2),
    "RSPNet, C3D": (36.0, 56.7, 66.5, 76.3, 87.7),
    "RSPNet, 3D ResNet-18": (41.1, 59.4, 68.4, 77.8, 88.7),
}
"""Recall at 1, 5, 10, 20 and 50 on UCF101, split 1 (RSPNet, supplement, Table 1; SpeedNet Table 3)."""

TITLES = {"random": "random start", "speednet": "SpeedNet", "rspnet": "RSPNet"}
COLOURS = ("#999999", "#0072B2", "#E69F00", "#009E73", "#CC79A7")  # Okabe and Ito
SHARES = {
    "finetune": "fine-tuned",
    "linear": "linear probe",
    "neighbours": "10 nearest neighbours",
}


def table(name: str, document: dict[str, Any]) -> list[list[str]]:
    """Our rows as text, the first the head; shares in percent, 95 % intervals over sources.

    Args:
        name: table2, table3 or rspnet.
        document: of :func:`speediness.experiments.transfer.transfer`.
    """
    if name == "table3":
        return _retrieval(document)
    recipe = document["made_by"]["recipes"]["finetune"]
    head: list[str] = [f"{recipe['backbone']}, width {recipe['width']:g}", *SHARES.values()]
    if name == "rspnet":
        head += ["ranked right", "same video", "same video, changed"]
    rows = [head]
    for row in document["rows"]:
        cells = [str(TITLES.get(row["start"], row["start"]))]
        cells += [share_text(values) for values in shares(row).values()]
        if name == "rspnet":
            pretext = row.get("pretext") or []
            keys = ("ranked_right", "same_film", "same_film_changed")
            cells += [mean_text([made[key] for made in pretext]) for key in keys]
        rows.append(cells)
    return rows


def published(name: str) -> list[list[str]]:
    """What the papers measured, the first row the head."""
    if name == "table3":
        head = ["on UCF101", *(f"R@{k}" for k in RECALL_AT)]
        return [head] + [[row, *(f"{value:.1f}" for value in values)] for row, values in TABLE3.items()]
    lines = TABLE2 if name == "table2" else RSPNET
    return [["fine-tuned", "network", "UCF101", "HMDB51", "source"]] + [
        [pretraining, network, f"{ucf101:g}", f"{hmdb51:g}", source]
        for pretraining, network, ucf101, hmdb51, source in lines
    ]


def shares(row: dict[str, Any]) -> dict[str, list[dict[str, Any]]]:
    """Of a row, by measure, the accuracies by seed."""
    return {
        "finetune": row.get("finetune") or [],
        "linear": [made["linear"] for made in row.get("probe") or []],
        "neighbours": [made["neighbours"] for made in row.get("probe") or []],
    }


def gains(document: dict[str, Any]) -> list[list[str]]:
    """Points gained over the random start on the same test videos, the first row the head.

    Intervals at 95 %: sources are resampled, and seeds.
    """
    random, *others = (_right(row) for row in document["rows"])
    rows = [["points above the random start", *SHARES.values()]]
    for row, right in zip(document["rows"][1:], others, strict=True):
        cells = [str(TITLES.get(row["start"], row["start"]))]
        for name in SHARES:
            if name in right and name in random:
                (right_SF, sources), (base_SF, _) = right[name], random[name]
                gain, (low, high) = gain_interval(right_SF, base_SF, sources)
                cells.append(f"{100 * gain:+.1f} ({100 * low:+.0f} to {100 * high:+.0f})")
            else:
                cells.append("")
        rows.append(cells)
    return rows


def _right(row: dict[str, Any]) -> dict[str, tuple[list[list[bool]], list[str]]]:
    """Of a row, by measure, which videos each network got right, and the sources of the videos."""
    right: dict[str, tuple[list[list[bool]], list[str]]] = {}
    if tuned := row.get("finetune"):
        said = [[video["said"] == video["label"] for video in made["films"]] for made in tuned]
        right["finetune"] = said, [video["source"] for video in tuned[0]["films"]]
    if probed := row.get("probe"):
        for name in ("linear", "neighbours"):
            right[name] = [made[name]["right"] for made in probed], probed[0]["test_sources"]
    return right


def _retrieval(document: dict[str, Any]) -> list[list[str]]:
    rows = [["pretraining, protocol", *(f"R@{k}" for k in RECALL_AT)]]
    for row in document["rows"]:
        title = TITLES.get(row["start"], row["start"])
        for protocol in ("clean", "released"):
            made = [one if protocol == "clean" else one["released"] for one in row["probe"]]
            recalls = [mean_text([one["recall"][str(k)] for one in made]) for k in RECALL_AT]
            rows.append([f"{title}, {protocol}", *recalls])
    return rows


def share_text(made: Sequence[dict[str, Any]]) -> str:
    """Mean over seeds, the seeds, and the interval over sources, itself a mean over seeds."""
    if not made:
        return ""
    values = [one["accuracy"] for one in made]
    low, high = np.mean([one["interval_95"] for one in made], axis=0)
    each = f" [{', '.join(f'{100 * value:.1f}' for value in values)}]" if len(values) > 1 else ""
    return f"{100 * np.mean(values):.1f} ({100 * low:.0f} to {100 * high:.0f}){each}"


def mean_text(values: Sequence[float]) -> str:
    """Mean over seeds, in percent."""
    return f"{100 * np.mean(values):.1f}" if values else ""


def plot_shares(document: dict[str, Any], out_png: Path) -> None:
    """Draw fine-tuning and probes by start: bars of means, 95 % intervals over sources, dots by seed.

    Raises:
        OutputError: the plot cannot be written.
    """
    figure = new_figure(8.5, 4.2)
    axes = figure.subplots()
    rows = [row for row in document["rows"] if row.get("finetune") or row.get("probe")]
    width = 0.8 / max(len(rows), 1)
    for n, row in enumerate(rows):
        for place, (name, made) in enumerate(shares(row).items()):
            if not made:
                continue
            values = [one["accuracy"] for one in made]
            low, high = np.mean([one["interval_95"] for one in made], axis=0)
            x = place + (n - (len(rows) - 1) / 2) * width
            title = TITLES.get(row["start"], row["start"]) if name == "linear" else None
            axes.bar(x, np.mean(values), 0.9 * width, color=COLOURS[n % len(COLOURS)], label=title)
            axes.vlines(x, low, high, color=INK, linewidth=1.2)
            if len(values) > 1:
                axes.plot([x] * len(values), values, "o", color="white", mec=INK, ms=4)
            axes.text(x, 0.02, f"{np.mean(values):.0%}", ha="center", fontsize=8.5, color="white")
    classes = (
        len(document["rows"][0]["finetune"][0]["confusion"]) if rows and rows[0].get("finetune") else 0
    )
    if classes:
        axes.axhline(1 / classes, color=INK, linewidth=0.8, linestyle="--")
    axes.set_xticks(range(len(SHARES)), list(SHARES.values()))
    axes.set_ylim(0, 1)
    axes.yaxis.set_major_formatter(lambda share, _: f"{share:.0%}")
    axes.set_ylabel("test videos right")
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(colors=INK, labelsize=10)
    axes.legend(loc="lower right", bbox_to_anchor=(1, 1.0), ncols=len(rows), frameon=False, fontsize=9)
    save_figure(figure, out_png)
