"""The table of :mod:`speediness.experiments.lecture`."""

from __future__ import annotations

from typing import Any

from speediness.experiments.transfer_tables import share_text
from speediness.results.documents import markdown_table

HEAD = {
    "action": "action right",
    "speed": "1x or 2x right",
    "sense": ("order", "direction", "frames"),
    "cost": ("parameters", "GMAC", "training clips/s", "inference clips/s", "memory a clip"),
    "published": ("Sports-1M", "UCF101", "from", "parameters published", "GMAC published"),
}


def table(document: dict[str, Any]) -> list[list[str]]:
    """Rows as text, the first the head; accuracies in percent, 95 % intervals over groups."""
    tasks = [task for task in ("action", "speed") if task in document["rows"][0]]
    head = ["network", *(str(HEAD[task]) for task in tasks)]
    rows = [[*head, *HEAD["sense"], *HEAD["cost"], *HEAD["published"]]]
    for row in document["rows"]:
        published = row["published"]
        rows.append(
            [
                published["title"],
                *(share_text(row[task]) for task in tasks),
                *_sense(row.get("sense")),
                *_cost(row.get("cost")),
                *(_number(published[name]) for name in ("sports_1m", "ucf101")),
                published["start"],
                _number(published["parameters_m"], " M"),
                _number(published["gmacs"]),
            ]
        )
    return rows


def views(document: dict[str, Any]) -> list[list[list[str]]]:
    """The table in parts that fit a terminal: what was right, what is seen in time, what it costs."""
    head, *rows = table(document)
    right = [*(str(HEAD[task]) for task in ("action", "speed")), *HEAD["published"][:3]]
    parts = (right, HEAD["sense"], (*HEAD["cost"], *HEAD["published"][3:]))
    shown = ([0, *(head.index(name) for name in part if name in head)] for part in parts)
    return [[[row[n] for n in columns] for row in (head, *rows)] for columns in shown]


def markdown(document: dict[str, Any]) -> str:
    """The table and its notes."""
    return markdown_table(table(document)) + "\n" + "".join(f"- {note}\n" for note in document["notes"])


def _sense(sense: dict[str, Any] | None) -> list[str]:
    if sense is None:
        return [""] * len(HEAD["sense"])
    return [*("yes" if sense[name] else "no" for name in ("order", "direction")), str(sense["frames"])]


def _cost(cost: dict[str, Any] | None) -> list[str]:
    if cost is None:
        return [""] * len(HEAD["cost"])
    speed = cost["clips_per_s"]
    return [
        f"{cost['parameters'] / 1e6:.2f} M",
        f"{cost['macs'] / 1e9:.2f}",
        *(f"{speed[name]:.1f}" for name in ("training", "inference")),
        f"{cost['saved_bytes'] / 1e6:.1f} MB",
    ]


def _number(value: float | None, unit: str = "") -> str:
    return "" if value is None else f"{value:.4g}{unit}"
