"""speediness reproduce: repeat an experiment of the paper."""

from __future__ import annotations

import argparse
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from speediness.cli.analyse import print_outputs
from speediness.cli.outputs import check_folder, check_new, make_folder
from speediness.cli.terminal import console, print_json
from speediness.cli.train import add_settings
from speediness.errors import SpeedinessError
from speediness.reproduce import EXPERIMENTS

if TYPE_CHECKING:
    from speediness.training.recipe import Recipe


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the experiments and their options."""
    experiments = parser.add_subparsers(metavar="EXPERIMENT", required=True)
    for name, (add, run_one) in PARTS.items():
        summary = EXPERIMENTS[name]
        experiment = experiments.add_parser(
            name, help=summary, description=f"{summary[0].upper()}{summary[1:]}.", allow_abbrev=False
        )
        add(experiment)
        experiment.add_argument(
            "--json", action="store_true", help="print one JSON document instead of a table"
        )
        experiment.set_defaults(experiment=run_one)


def run(arguments: argparse.Namespace) -> int:
    """Run the experiment that was named."""
    return arguments.experiment(arguments)


def _trained_arguments(parser: argparse.ArgumentParser) -> None:
    where = "a folder, a manifest CSV or NAME:ROOT, such as kinetics400:/data/kinetics"
    parser.add_argument("--data", metavar="WHERE", required=True, help=f"videos to train on: {where}")
    parser.add_argument(
        "--test", metavar="WHERE", required=True, help="videos of the same kind, of other sources"
    )
    parser.add_argument("--ood", metavar="WHERE", help="videos of another kind, such as nfs:/data/nfs")
    parser.add_argument(
        "--out",
        metavar="DIR",
        type=Path,
        required=True,
        help="folder of the rows and the table, made if missing; rows found there are not done again",
    )
    _add_recipe_arguments(parser, "speednet_small")


def _add_recipe_arguments(parser: argparse.ArgumentParser, default: str) -> None:
    """By what the networks of an experiment are trained, and how many of them."""
    parser.add_argument(
        "--recipe",
        metavar="NAME",
        default=default,
        help=f"what all networks are trained by (default: {default})",
    )
    parser.add_argument(
        "--budget", metavar="STEPS", type=int, help="steps a network, for --set steps=STEPS"
    )
    add_settings(parser)
    parser.add_argument("--seeds", metavar="N", type=int, default=1, help="networks a row (default: 1)")


def _recipe(arguments: argparse.Namespace, *settings: str) -> Recipe:
    """The recipe that :func:`_add_recipe_arguments` asked for, with further settings."""
    from speediness.training.recipe import find_recipe

    if arguments.seeds < 1:
        raise SpeedinessError("--seeds is the number of networks a row: give 1 or more")
    budget = [] if arguments.budget is None else [f"steps={arguments.budget}"]
    return find_recipe(arguments.recipe, [*arguments.settings, *budget, *settings])


def _trained(name: str, arguments: argparse.Namespace) -> int:
    from speediness.datasets import find_videos
    from speediness.reproduce.data_scaling import data_scaling
    from speediness.reproduce.row_run import VideoSplits
    from speediness.reproduce.table1 import table1

    base = _recipe(arguments)
    videos = VideoSplits(
        find_videos(arguments.data, "train"),
        find_videos(arguments.test, "test"),
        [] if arguments.ood is None else find_videos(arguments.ood, "test"),
    )
    make_folder(arguments.out)
    experiment = {"table1": table1, "data_scaling": data_scaling}[name]
    document = experiment(base, videos, arguments.out, arguments.seeds, _log)
    outputs = {kind: str(arguments.out / f"{name}.{kind}") for kind in ("json", "md", "png")}
    if arguments.json:
        print_json(document | {"outputs": outputs})
    else:
        {"table1": _print_table1, "data_scaling": _print_scaling}[name](document)
        print_outputs(outputs)
    return 0


def _print_scaling(document: dict[str, Any]) -> None:
    from speediness.reproduce.data_scaling import table

    _print_rows(table(document))
    console().print()
    for name, found in document["expected"].items():
        if isinstance(found, dict):
            low, high = found["interval_95"]["gain"]
            print(
                f"{name}: ten times the sources would bring {100 * found['gain']:+.1f} points"
                f" ({100 * low:+.1f} to {100 * high:+.1f}), if the line goes on"
            )


def _print_table1(document: dict[str, Any]) -> None:
    from rich.table import Table

    def cell(figures: dict[str, Any] | None) -> str:
        if figures is None:
            return ""
        low, high = figures["interval_95"]["accuracy"]
        return f"{100 * figures['accuracy']:.1f} ({100 * low:.0f}-{100 * high:.0f})"

    out = console()
    out.print("accuracy of single windows in percent, 95 % interval over sources\n")
    table = Table(box=None, padding=(0, 1), header_style="bold")
    table.add_column("")
    for column in ("own sampling", "in domain", "out of domain", "paper"):
        table.add_column(column, justify="right", no_wrap=True)
    for row in document["rows"]:
        table.add_row(
            row["title"],
            *(cell(row[part]) for part in ("own_sampling", "in_domain", "out_of_domain")),
            " / ".join(f"{100 * share:.1f}" for share in (row["paper"] or {}).values()),
        )
    out.print(table)
    for note in document["notes"]:
        out.print(f"note: {note}")
    for line in document["left_out"]:
        out.print(f"left out: {line}")


def _transfer_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--data",
        metavar="WHERE",
        required=True,
        help="videos with labels: ucf101:ROOT, hmdb51:ROOT, or a manifest CSV with the column label",
    )
    parser.add_argument(
        "--pretrain",
        metavar="WHERE",
        help="videos to pretrain on, such as kinetics400:ROOT (default: the training list of --data)",
    )
    parser.add_argument(
        "--unseen",
        metavar="WHERE",
        help="videos the pretext tasks are measured on (default: the test list of --data)",
    )
    parser.add_argument(
        "--weights",
        metavar="NAME=FILE",
        action="append",
        default=[],
        help="weights trained before, a row of their own; for random, speednet or rspnet in its place",
    )
    parser.add_argument(
        "--out",
        metavar="DIR",
        type=Path,
        required=True,
        help="folder of the runs and tables, made if missing; what is found there is not done again",
    )
    scale = parser.add_mutually_exclusive_group()
    scale.add_argument(
        "--small",
        dest="scale",
        action="store_const",
        const="small",
        default="paper",
        help="a narrow 3D ResNet-18 for two CPU cores, instead of the paper's networks",
    )
    scale.add_argument(
        "--smoke", dest="scale", action="store_const", const="smoke", help="a few steps of the same code"
    )
    parser.add_argument("--seeds", metavar="N", type=int, default=1, help="networks a row (default: 1)")


def _transfer(name: str, measures: tuple[str, ...], arguments: argparse.Namespace) -> int:
    from speediness.datasets import find_videos
    from speediness.documents import markdown_table, write_text
    from speediness.reproduce.transfer import STARTS, Data, estimate_s, transfer
    from speediness.reproduce.transfer_tables import gains, plot_shares, published, table

    if arguments.seeds < 1:
        raise SpeedinessError("--seeds is the number of networks a row: give 1 or more")
    weights = _named_weights(arguments.weights)
    starts = [start for start in STARTS if start != "speednet" or name != "rspnet"]
    starts += [start for start in weights if start not in starts]
    train, test = (find_videos(arguments.data, split) for split in ("train", "test"))
    data = Data(
        pretrain=find_videos(arguments.pretrain, "train") if arguments.pretrain else train,
        unseen=find_videos(arguments.unseen, "test") if arguments.unseen else test,
        train=train,
        test=test,
    )
    make_folder(arguments.out)
    seconds = estimate_s(arguments.scale, [start for start in starts if start not in weights], measures)
    _log(
        f"training takes about {_long(seconds * arguments.seeds)} on this machine; --small and --smoke less"
    )
    document = transfer(
        data,
        arguments.out,
        arguments.scale,
        arguments.seeds,
        _log,
        starts=starts,
        weights=weights,
        measures=measures,
        where=(arguments.pretrain or arguments.data, arguments.data),
        name=name,
    )
    rows = table(name, document)
    outputs = {kind: str(arguments.out / f"{name}.{kind}") for kind in ("md", "png", "json")}
    ours = [rows] if name == "table3" else [rows, gains(document)]
    write_text(Path(outputs["md"]), "\n".join(markdown_table(part) for part in [*ours, published(name)]))
    if name == "table3":
        del outputs["png"]
    else:
        plot_shares(document, Path(outputs["png"]))
    if arguments.json:
        print_json(document | {"outputs": outputs})
    else:
        for part in ours:
            _print_rows(part)
            console().print()
        console().print("the papers, in percent")
        _print_rows(published(name))
        print_outputs(outputs)
    return 0


def _lecture_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--data",
        metavar="WHERE",
        required=True,
        help="videos with labels: ucf101:ROOT, hmdb51:ROOT, or a manifest CSV with the column label",
    )
    parser.add_argument(
        "--test",
        metavar="WHERE",
        help="videos with labels, of other groups (default: the test list of --data)",
    )
    parser.add_argument(
        "--out",
        metavar="DIR",
        type=Path,
        required=True,
        help="folder of the networks and the table, made if missing; what is found there is not done again",
    )
    parser.add_argument(
        "--networks",
        metavar="NAMES",
        default="",
        help="some of the networks, with commas between (default: all)",
    )
    parser.add_argument(
        "--tasks",
        choices=("action", "speed", "both"),
        default="action",
        help="recognise the labels, tell 1x from 2x, or both (default: action)",
    )
    parser.add_argument(
        "--weights",
        metavar="NAME=FILE",
        action="append",
        default=[],
        help="weights that a network starts from, such as inflated_lite0=imagenet.safetensors",
    )
    _add_recipe_arguments(parser, "finetune_small")


def _lecture(arguments: argparse.Namespace) -> int:
    from speediness.datasets import find_videos
    from speediness.documents import write_text
    from speediness.reproduce.architecture_plot import plot_networks
    from speediness.reproduce.lecture import Lecture, find_networks, lecture
    from speediness.reproduce.lecture_tables import markdown, views

    # The backbone is each network's own; naming one here makes the clips RGB for all.
    recipe = _recipe(arguments, "backbone=single_frame")
    weights = _named_weights(arguments.weights)
    find_networks(weights)
    work = Lecture(
        recipe,
        find_videos(arguments.data, "train"),
        find_videos(arguments.test or arguments.data, "test"),
        find_networks(filter(None, arguments.networks.split(","))),
        weights,
        ("action", "speed") if arguments.tasks == "both" else (arguments.tasks,),
    )
    make_folder(arguments.out)
    document = lecture(work, arguments.out, arguments.seeds, _log)
    outputs = {kind: str(arguments.out / f"lecture.{kind}") for kind in ("json", "md", "png")}
    write_text(Path(outputs["md"]), markdown(document))
    plot_networks(work.networks, Path(outputs["png"]))
    if arguments.json:
        print_json(document | {"outputs": outputs})
    else:
        for view in views(document):
            _print_rows(view)
            console().print()
        for note in document["notes"]:
            console().print(f"note: {note}")
        print_outputs(outputs)
    return 0


def _named_weights(given: list[str]) -> dict[str, Path]:
    weights = {}
    for one in given:
        name, equals, path = one.partition("=")
        if not equals or not Path(path).exists():
            raise SpeedinessError(f"--weights {one}: give NAME=FILE, a .safetensors file that exists")
        weights[name] = Path(path)
    return weights


def _long(seconds: float) -> str:
    for unit, length_s in (("days", 86400), ("hours", 3600), ("minutes", 60)):
        if seconds >= 2 * length_s:
            return f"{seconds / length_s:.0f} {unit}"
    return f"{seconds:.0f} seconds"


def _print_rows(rows: list[list[str]]) -> None:
    from rich.table import Table

    table = Table(box=None, padding=(0, 1), header_style="bold")
    for n, column in enumerate(rows[0]):
        table.add_column(column, justify="right" if n > 1 else "left")
    for row in rows[1:]:
        table.add_row(*row)
    console().print(table)


def _plot_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("-o", dest="out", metavar="OUT.png", type=Path, required=True, help="plot to write")
    parser.add_argument(
        "--model", metavar="NAME", help="shipped network or weights file (default: the shipped one)"
    )


def _fig2(arguments: argparse.Namespace) -> int:
    from speediness.analysis.network import DEFAULT_NETWORK, load_network
    from speediness.progress import progress_bar
    from speediness.reproduce.fig2 import speediness_against_magnitude

    _check_plot(arguments.out)
    network = load_network(arguments.model or DEFAULT_NETWORK)
    with progress_bar("analysing walkers near and far") as progress:
        found = speediness_against_magnitude(network, arguments.out, progress)
    if arguments.json:
        print_json(found)
    else:
        print(
            f"{found['pairs']} pairs of a walk far away at 2x and one nearby at 1x: ranked right"
            f" by the network {found['ranked_by_network']:.0%}, by mean flow {found['ranked_by_flow']:.0%}"
        )
        print_outputs({"plot": str(arguments.out)})
    return 0


def _fig4_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "videos", metavar="VIDEO", nargs="+", type=Path, help="videos that play at natural speed"
    )
    _plot_arguments(parser)


def _fig4(arguments: argparse.Namespace) -> int:
    from speediness.analysis.network import DEFAULT_NETWORK, load_network
    from speediness.progress import progress_bar
    from speediness.reproduce.fig4 import prediction_curves

    _check_plot(arguments.out)
    network = load_network(arguments.model or DEFAULT_NETWORK)
    with progress_bar(f"analysing {len(arguments.videos)} videos at 1x and 2x", "videos") as progress:
        found = prediction_curves(arguments.videos, network, arguments.out, progress)
    if arguments.json:
        print_json(found)
        return 0
    for video in found["films"]:
        print(
            f"{Path(video['video']).name}: mean score {video['mean_1x']:.2f} at 1x,"
            f" {video['mean_2x']:.2f} at 2x; 2x above 1x for {video['ranked_right']:.0%} of the time"
        )
        for note in video["notes"]:
            print(f"note: {note}")
    print_outputs({"plot": str(arguments.out)})
    return 0


def _check_plot(out: Path) -> None:
    check_folder(out.parent, "choose another with -o")
    check_new(out, force=True)


def _log(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


PARTS = {
    "table1": (_trained_arguments, partial(_trained, "table1")),
    "table2": (_transfer_arguments, partial(_transfer, "table2", ("probe", "finetune"))),
    "table3": (_transfer_arguments, partial(_transfer, "table3", ("probe",))),
    "rspnet": (_transfer_arguments, partial(_transfer, "rspnet", ("pretext", "probe", "finetune"))),
    "lecture": (_lecture_arguments, _lecture),
    "data_scaling": (_trained_arguments, partial(_trained, "data_scaling")),
    "fig2": (_plot_arguments, _fig2),
    "fig4": (_fig4_arguments, _fig4),
}
