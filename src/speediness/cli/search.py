"""speediness search: find where things move as they do in a stretch of video."""

from __future__ import annotations

import argparse
import re
from pathlib import Path
from typing import TYPE_CHECKING

from speediness.cli.analyse import print_outputs, stamp
from speediness.cli.analysis_options import add_analysis_arguments, features_of
from speediness.cli.outputs import check_folder, make_folder
from speediness.cli.terminal import console, print_error, print_json
from speediness.errors import OutputError, SpeedinessError
from speediness.labels import LABELS

if TYPE_CHECKING:
    from speediness.features import MotionFeatures
    from speediness.search.hits import Hit

RANGE = re.compile(r"(\d+(?:\.\d*)?)-(\d+(?:\.\d*)?)")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of this verb."""
    parser.add_argument(
        "video", metavar="VIDEO", type=Path, help="video to search, and to take the query from"
    )
    parser.add_argument(
        "--query",
        metavar="A-B|CLIP",
        help="seconds of VIDEO such as 12.0-12.6, or a video, whole (default with --db: all of VIDEO)",
    )
    where = parser.add_mutually_exclusive_group()
    where.add_argument(
        "--in", dest="other", metavar="OTHER", type=Path, help="search this video instead of VIDEO"
    )
    where.add_argument("--db", metavar="PATH", help="search a library made by speediness index")
    parser.add_argument("--top", type=int, default=10, metavar="K", help="finds at most (default: 10)")
    parser.add_argument("--label", choices=LABELS, help="with --db: only such video")
    parser.add_argument("--folder", metavar="F", help="with --db: only below this folder of the library")
    parser.add_argument(
        "--min-duration", type=float, metavar="S", help="with --db: only videos as long as this"
    )
    parser.add_argument(
        "-o",
        dest="out",
        metavar="DIR",
        type=Path,
        help="where graph.png, hits.html and previews go (default: VIDEO.search beside it)",
    )
    parser.add_argument("--json", action="store_true", help="print one JSON list instead of a table")
    parser.add_argument("--force", action="store_true", help="replace results that exist")
    add_analysis_arguments(parser)


def run(arguments: argparse.Namespace) -> int:
    """Search, then show what was found."""
    from speediness.search.contact_sheet import contact_sheet, earlier_previews, previews

    narrowing = ("label", "folder", "min_duration")
    given = [f"--{name.replace('_', '-')}" for name in narrowing if getattr(arguments, name) is not None]
    if given and arguments.db is None:
        raise SpeedinessError(
            f"{' and '.join(given)} only narrow the search of a library; name one with --db"
        )
    if arguments.top < 1:
        raise SpeedinessError(f"--top {arguments.top}: ask for at least one")
    video = arguments.video
    out = arguments.out or video.with_name(f"{video.stem}.search")
    if video.exists():  # a missing video is the better complaint
        check_folder(out.parent, "choose another with -o")
    if out.exists() and not (out.is_dir() and (arguments.force or not any(out.iterdir()))):
        raise OutputError(f"{out} exists; add --force to replace it, or choose another with -o")
    hits = _search_library(arguments) if arguments.db else _search_video(arguments, out)
    make_folder(out)
    page = out / "hits.html"
    earlier = earlier_previews(page)
    contact_sheet(hits, page)
    shown, failed = previews(hits, out)
    for reason in failed.values():
        print_error(f"no short video of a find: {reason}")
    for clip in earlier.difference(shown):
        clip.unlink(missing_ok=True)
    if arguments.json:
        print_json(
            [
                {
                    "path": str(hit.path),
                    "start_s": round(hit.start_s, 3),
                    "end_s": round(hit.end_s, 3),
                    "similarity": round(hit.similarity, 4),
                }
                for hit in hits
            ]
        )
        return 0
    _print_hits(hits)
    graph = {} if arguments.db else {"graph": str(out / "graph.png")}
    print_outputs(graph | {"hits": str(page), "clips": f"{out} ({len(shown)})"})
    return 0


def _query(arguments: argparse.Namespace, whole: bool) -> tuple[MotionFeatures, tuple[float, float], bool]:
    """Where the query comes from: features, the stretch in seconds, whether it is of VIDEO."""
    given = arguments.query
    if given is None:
        if not whole:
            raise SpeedinessError("say what to look for: --query 12.0-12.6, or --query CLIP.mp4")
        features = features_of(arguments.video, arguments)
        return features, (0.0, features.duration_s), True
    if match := RANGE.fullmatch(given):
        return features_of(arguments.video, arguments), (float(match[1]), float(match[2])), True
    if not Path(given).exists():
        raise SpeedinessError(f"--query {given}: neither seconds such as 12.0-12.6 nor a video that exists")
    features = features_of(Path(given), arguments)
    return features, (0.0, features.duration_s), False


def _search_video(arguments: argparse.Namespace, out: Path) -> list[Hit]:
    from speediness.search.graph_plot import plot_graph
    from speediness.search.within import compare, cut_query, peaks

    source, query_s, own = _query(arguments, whole=False)
    query_QD = cut_query(source, *query_s)
    video_path = arguments.other or arguments.video
    inside = own and arguments.other is None
    video = source if inside else features_of(video_path, arguments)
    graph = compare(query_QD, video)
    if not len(graph.starts_s):
        raise SpeedinessError(
            f"no shot of {video_path} is as long as the query, {graph.length_s:.2f} s; give a shorter one"
        )
    hits = peaks(graph, video_path, arguments.top, query_s if inside else None)
    make_folder(out)
    plot_graph(graph, hits, video.duration_s, out / "graph.png", query_s if inside else None)
    return hits


def _search_library(arguments: argparse.Namespace) -> list[Hit]:
    from speediness.analysis.network import load_network
    from speediness.search.library import Library
    from speediness.search.query import Where, search_library
    from speediness.search.vectors import query_vectors

    library, network = Library(arguments.db), load_network(arguments.model, arguments.engine)
    library.check_network(network.name, network.sha256)  # before the query is analysed
    source, query_s, _ = _query(arguments, whole=True)
    where = Where(arguments.label, arguments.folder, arguments.min_duration)
    return search_library(library, query_vectors(source, *query_s), arguments.top, where)


def _print_hits(hits: list[Hit]) -> None:
    from rich.table import Table

    if not hits:
        print("nothing moves like this")
        return
    table = Table(box=None, padding=(0, 1), header_style="bold")
    for column in ("", "start", "end", "similarity", "video"):
        table.add_column(column, justify="left" if column == "video" else "right")
    for place, hit in enumerate(hits, 1):
        table.add_row(
            str(place), stamp(hit.start_s), stamp(hit.end_s), f"{hit.similarity:.2f}", hit.path.name
        )
    console().print(table)
