"""``speediness reproduce``."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from cyclopts import App, Parameter

from speediness.cli.options import Json, LabelledVideos, Model, Settings
from speediness.cli.outputs import check_file, make_folder
from speediness.cli.terminal import console, log, print_json, print_outputs, print_table
from speediness.cli.transfer import (
    NamedWeights,
    OutFolder,
    Seeds,
    TransferOptions,
    check_seeds,
    named_weights,
    transferred,
)
from speediness.errors import SpeedinessError, suggest
from speediness.experiments import EXPERIMENTS

if TYPE_CHECKING:
    from speediness.training.recipe import Recipe

reproduce = App(name="reproduce", help="Repeat an experiment of the paper.")

Plot = Annotated[Path, Parameter(name="-o", metavar="OUT.png", help="plot to write")]


@Parameter(name="*")
@dataclass(frozen=True)
class RecipeOptions:
    """By what the networks of an experiment are trained, and how many of them."""

    recipe: str = "speednet_small"
    """what all networks are trained by"""
    budget: int | None = None
    """steps a network"""
    settings: Settings = ()
    seeds: Seeds = 1

    def load(self, *settings: str) -> Recipe:
        """The recipe that was asked for, with further settings.

        Raises:
            SpeedinessError: no such recipe or setting, or fewer than one network a row.
        """
        from speediness.training.recipes import find_recipe

        check_seeds(self.seeds)
        budget = [] if self.budget is None else [f"steps={self.budget}"]
        return find_recipe(self.recipe, [*self.settings, *budget, *settings])


@Parameter(name="*")
@dataclass(frozen=True)
class LectureRecipe(RecipeOptions):
    """The same, of networks that recognise actions."""

    recipe: str = "finetune_small"
    """what all networks are trained by"""


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class TrainingOptions:
    """On which videos networks are trained and tested."""

    data: str
    """videos to train on: a folder, a manifest CSV or NAME:ROOT, such as kinetics400:/data/kinetics"""
    test: str
    """videos of the same kind, of other sources"""
    ood: str | None = None
    """videos of another kind, such as nfs:/data/nfs"""
    out: OutFolder
    json: Json = False


@reproduce.command(help=EXPERIMENTS["table1"])
def table1(*, options: TrainingOptions, recipe: RecipeOptions = RecipeOptions()) -> None:
    """Table 1."""
    from speediness.experiments.table1 import table, table1

    _trained("table1", table1, table, options, recipe)


@reproduce.command(help=EXPERIMENTS["table2"])
def table2(*, options: TransferOptions) -> None:
    """Table 2."""
    _transfer("table2", ("probe", "finetune"), options)


@reproduce.command(help=EXPERIMENTS["table3"])
def table3(*, options: TransferOptions) -> None:
    """Table 3."""
    _transfer("table3", ("probe",), options)


@reproduce.command(help=EXPERIMENTS["rspnet"])
def rspnet(*, options: TransferOptions) -> None:
    """RSPNet."""
    _transfer("rspnet", ("pretext", "probe", "finetune"), options)


@reproduce.command(help=EXPERIMENTS["pretext"])
def pretext(*, options: TransferOptions, starts: str = "", minutes: float | None = None) -> None:
    """The pretext tasks of a lecture.

    Args:
        starts: some of the starts, with commas between (default: all)
        minutes: of pretraining a network, at most
    """
    from speediness.experiments.pretext import STARTS, recipes, table
    from speediness.results.documents import markdown_table, write_text

    weights = named_weights(options.weights)
    asked = [name.strip() for name in starts.split(",") if name.strip()]
    for name in asked:
        if name not in (*STARTS, *weights):
            raise SpeedinessError(f"there is no start {name}; {suggest(name, (*STARTS, *weights))}")
    if minutes is not None and minutes <= 0:
        raise SpeedinessError("--minutes is the length of a pretraining: give more than 0")
    chosen = asked or [*STARTS, *(name for name in weights if name not in STARTS)]
    by = recipes(options.scale)
    document = transferred("pretext", ("task", "frozen"), options, chosen, weights, by, minutes)
    outputs = _outputs("pretext", options.out)
    del outputs["png"]
    rows = table(document)
    write_text(Path(outputs["md"]), markdown_table(rows))
    if options.json:
        print_json(document | {"outputs": outputs})
        return
    for columns in ((0, 1, 2, 3, 4), (0, 5, 6, 7)):
        _print_rows([[row[n] for n in columns] for row in rows if columns[1] == 1 or row[5]])
        console().print()
    print_outputs(outputs)


@reproduce.command(help=EXPERIMENTS["lecture"])
def lecture(
    *,
    data: LabelledVideos,
    test: str | None = None,
    out: OutFolder,
    networks: str = "",
    tasks: Literal["action", "speed", "both"] = "action",
    weights: NamedWeights = (),
    recipe: LectureRecipe = LectureRecipe(),
    json: Json = False,
) -> None:
    """The networks of a lecture.

    Args:
        test: videos with labels, of other groups (default: the test list of --data)
        networks: some of the networks, with commas between (default: all)
        tasks: recognise the labels, tell 1x from 2x, or both
    """
    from speediness.datasets import find_videos
    from speediness.experiments.architecture_plot import plot_networks
    from speediness.experiments.lecture import Lecture, find_networks, lecture
    from speediness.experiments.lecture_tables import markdown, views
    from speediness.results.documents import write_text

    # The backbone is each network's own; naming one here makes the clips RGB for all.
    base = recipe.load("backbone=single_frame")
    starts = named_weights(weights)
    find_networks(starts)
    work = Lecture(
        base,
        find_videos(data, "train"),
        find_videos(test or data, "test"),
        find_networks(filter(None, networks.split(","))),
        starts,
        ("action", "speed") if tasks == "both" else (tasks,),
    )
    make_folder(out)
    document = lecture(work, out, recipe.seeds, log)
    outputs = _outputs("lecture", out)
    write_text(Path(outputs["md"]), markdown(document))
    plot_networks(work.networks, Path(outputs["png"]))
    _print_all(document, views(document), outputs, json)


@reproduce.command(name="data_scaling", help=EXPERIMENTS["data_scaling"])
def data_scaling(*, options: TrainingOptions, recipe: RecipeOptions = RecipeOptions()) -> None:
    """Shares of the sources."""
    from speediness.experiments.data_scaling import data_scaling, table

    _trained("data_scaling", data_scaling, table, options, recipe)


@reproduce.command(help=EXPERIMENTS["fig2"])
def fig2(*, out: Plot, model: Model = None, json: Json = False) -> None:
    """Fig. 2."""
    from speediness.experiments.fig2 import speediness_against_magnitude
    from speediness.progress import progress_bar
    from speediness.runtime.network import DEFAULT_NETWORK, load_network

    check_file(out, force=True)
    network = load_network(model or DEFAULT_NETWORK)
    with progress_bar("analysing walkers near and far") as progress:
        found = speediness_against_magnitude(network, out, progress)
    if json:
        print_json(found)
        return
    print(
        f"{found['pairs']} pairs of a walk far away at 2x and one nearby at 1x: ranked right"
        f" by the network {found['ranked_by_network']:.0%}, by mean flow {found['ranked_by_flow']:.0%}"
    )
    print_outputs({"plot": out})


@reproduce.command(help=EXPERIMENTS["fig4"])
def fig4(videos: list[Path], /, *, out: Plot, model: Model = None, json: Json = False) -> None:
    """Fig. 4.

    Args:
        videos: videos that play at natural speed
    """
    from speediness.experiments.fig4 import prediction_curves
    from speediness.progress import progress_bar
    from speediness.runtime.network import DEFAULT_NETWORK, load_network

    check_file(out, force=True)
    network = load_network(model or DEFAULT_NETWORK)
    with progress_bar(f"analysing {len(videos)} videos at 1x and 2x", "videos") as progress:
        found = prediction_curves(videos, network, out, progress)
    if json:
        print_json(found)
        return
    for video in found["films"]:
        print(
            f"{Path(video['video']).name}: mean score {video['mean_1x']:.2f} at 1x,"
            f" {video['mean_2x']:.2f} at 2x; 2x above 1x for {video['ranked_right']:.0%} of the time"
        )
        for note in video["notes"]:
            print(f"note: {note}")
    print_outputs({"plot": out})


def _trained(
    name: str,
    experiment: Callable[..., dict[str, Any]],
    table: Callable[[dict[str, Any]], list[list[str]]],
    options: TrainingOptions,
    recipe: RecipeOptions,
) -> None:
    from speediness.datasets import find_videos
    from speediness.experiments.row_run import VideoSplits

    base = recipe.load()
    videos = VideoSplits(
        find_videos(options.data, "train"),
        find_videos(options.test, "test"),
        [] if options.ood is None else find_videos(options.ood, "test"),
    )
    make_folder(options.out)
    document = experiment(base, videos, options.out, recipe.seeds, log)
    _print_all(document, [table(document)], _outputs(name, options.out), options.json)


def _print_all(
    document: dict[str, Any], tables: Iterable[list[list[str]]], outputs: dict[str, str], json: bool
) -> None:
    if json:
        print_json(document | {"outputs": outputs})
        return
    out = console()
    for table in tables:
        _print_rows(table)
        out.print()
    for name, found in document.get("expected", {}).items():
        if isinstance(found, dict):
            low, high = found["interval_95"]["gain"]
            out.print(
                f"{name}: ten times the sources would bring {100 * found['gain']:+.1f} points"
                f" ({100 * low:+.1f} to {100 * high:+.1f}), if the line goes on"
            )
    for note in document.get("notes", ()):
        out.print(f"note: {note}")
    for line in document.get("left_out", ()):
        out.print(f"left out: {line}")
    print_outputs(outputs)


def _transfer(name: str, measures: tuple[str, ...], options: TransferOptions) -> None:
    from speediness.experiments.transfer import STARTS, recipes
    from speediness.experiments.transfer_tables import gains, plot_shares, published, table
    from speediness.results.documents import markdown_table, write_text

    weights = named_weights(options.weights)
    starts = [start for start in STARTS if start != "speednet" or name != "rspnet"]
    starts += [start for start in weights if start not in starts]
    document = transferred(name, measures, options, starts, weights, recipes(options.scale))
    rows = table(name, document)
    outputs = _outputs(name, options.out)
    ours = [rows] if name == "table3" else [rows, gains(document)]
    write_text(Path(outputs["md"]), "\n".join(markdown_table(part) for part in [*ours, published(name)]))
    if name == "table3":
        del outputs["png"]
    else:
        plot_shares(document, Path(outputs["png"]))
    if options.json:
        print_json(document | {"outputs": outputs})
    else:
        for part in ours:
            _print_rows(part)
            console().print()
        console().print("the papers, in percent")
        _print_rows(published(name))
        print_outputs(outputs)


def _print_rows(rows: list[list[str]]) -> None:
    print_table(rows[0], rows[1:], left=(0, 1))


def _outputs(name: str, folder: Path) -> dict[str, str]:
    return {kind: str(folder / f"{name}.{kind}") for kind in ("json", "md", "png")}
