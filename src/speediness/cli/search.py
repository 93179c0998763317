"""``speediness search``."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Group, Parameter
from cyclopts.validators import mutually_exclusive

from speediness.analysis.options import AnalysisOptions
from speediness.cli.options import Analysis, Force, Json, features_of
from speediness.cli.outputs import check_folder, make_folder
from speediness.cli.terminal import print_error, print_json, print_outputs, print_table, stamp
from speediness.errors import OutputError, SpeedinessError
from speediness.results.labels import Label

if TYPE_CHECKING:
    from speediness.results.features import MotionFeatures
    from speediness.search.hits import Hit

RANGE = re.compile(r"(\d+(?:\.\d*)?)-(\d+(?:\.\d*)?)")
ONE_PLACE = Group(validator=mutually_exclusive, show=False)


def search(
    video: Path,
    /,
    *,
    query: Annotated[str | None, Parameter(metavar="A-B|CLIP")] = None,
    other: Annotated[Path | None, Parameter(name="--in", metavar="OTHER", group=ONE_PLACE)] = None,
    db: Annotated[str | None, Parameter(metavar="PATH", group=ONE_PLACE)] = None,
    top: Annotated[int, Parameter(metavar="K")] = 10,
    label: Label | None = None,
    folder: str | None = None,
    out: Annotated[Path | None, Parameter(name="-o", metavar="DIR")] = None,
    json: Json = False,
    force: Force = False,
    options: Analysis = AnalysisOptions(),
) -> None:
    """Find where things move as they do in a stretch of video.

    Args:
        video: video to search, and to take the query from
        query: seconds of VIDEO such as 12.0-12.6, or a video, whole (default with --db: all of VIDEO)
        other: search this video instead of VIDEO
        db: search a library made by speediness index
        top: finds at most
        label: with --db: only such video
        folder: with --db: only below this folder of the library
        out: where graph.png, hits.html and previews go (default: VIDEO.search beside it)
    """
    from speediness.search.contact_sheet import contact_sheet, earlier_previews, previews

    narrowing = [f"--{name}" for name, value in (("label", label), ("folder", folder)) if value is not None]
    if narrowing and db is None:
        raise SpeedinessError(
            f"{' and '.join(narrowing)} only narrow the search of a library; name one with --db"
        )
    if top < 1:
        raise SpeedinessError(f"--top {top}: ask for at least one")
    out = out or video.with_name(f"{video.stem}.search")
    if video.exists():  # a missing video is the better complaint
        check_folder(out.parent, "choose another with -o")
    if out.exists() and not (out.is_dir() and (force or not any(out.iterdir()))):
        raise OutputError(f"{out} exists; add --force to replace it, or choose another with -o")
    if db:
        hits = _search_library(db, video, query, options, top, label, folder)
    else:
        hits = _search_video(video, query, other, options, top, out)
    make_folder(out)
    page = out / "hits.html"
    earlier = earlier_previews(page)
    contact_sheet(hits, page)
    shown, failed = previews(hits, out)
    for reason in failed.values():
        print_error(f"no short video of a find: {reason}")
    for clip in earlier.difference(shown):
        clip.unlink(missing_ok=True)
    if json:
        print_json([_to_json(hit) for hit in hits])
        return
    _print_hits(hits)
    graph = {} if db else {"graph": str(out / "graph.png")}
    print_outputs(graph | {"hits": str(page), "clips": f"{out} ({len(shown)})"})


def _query(
    video: Path, given: str | None, options: AnalysisOptions, whole: bool
) -> tuple[MotionFeatures, tuple[float, float], bool]:
    """Where the query comes from: features, the stretch in seconds, whether it is of VIDEO."""
    if given is None:
        if not whole:
            raise SpeedinessError("say what to look for: --query 12.0-12.6, or --query CLIP.mp4")
        features = features_of(video, options)
        return features, (0.0, features.duration_s), True
    if match := RANGE.fullmatch(given):
        return features_of(video, options), (float(match[1]), float(match[2])), True
    if not Path(given).exists():
        raise SpeedinessError(f"--query {given}: neither seconds such as 12.0-12.6 nor a video that exists")
    features = features_of(Path(given), options)
    return features, (0.0, features.duration_s), False


def _search_video(
    video: Path, query: str | None, other: Path | None, options: AnalysisOptions, top: int, out: Path
) -> list[Hit]:
    from speediness.search.graph_plot import plot_graph
    from speediness.search.within import compare, cut_query, peaks

    source, query_s, own = _query(video, query, options, whole=False)
    query_QD = cut_query(source, *query_s)
    searched_path = other or video
    inside = own and other is None
    searched = source if inside else features_of(searched_path, options)
    graph = compare(query_QD, searched)
    if not len(graph.starts_s):
        raise SpeedinessError(
            f"no shot of {searched_path} is as long as the query, {graph.length_s:.2f} s;"
            " give a shorter one"
        )
    hits = peaks(graph, searched_path, top, query_s if inside else None)
    make_folder(out)
    plot_graph(graph, hits, searched.duration_s, out / "graph.png", query_s if inside else None)
    return hits


def _search_library(
    db: str,
    video: Path,
    query: str | None,
    options: AnalysisOptions,
    top: int,
    label: Label | None,
    folder: str | None,
) -> list[Hit]:
    from speediness.corpus.vectors import query_vectors
    from speediness.search.library import Library
    from speediness.search.query import Where, search_library

    library, network = Library(db), options.network()
    library.check_network(network.name, network.sha256)  # before the query is analysed
    source, query_s, _ = _query(video, query, options, whole=True)
    return search_library(library, query_vectors(source, *query_s), top, Where(label, folder))


def _to_json(hit: Hit) -> dict[str, object]:
    return {
        "path": str(hit.path),
        "start_s": round(hit.start_s, 3),
        "end_s": round(hit.end_s, 3),
        "similarity": round(hit.similarity, 4),
    }


def _print_hits(hits: list[Hit]) -> None:
    if not hits:
        print("nothing moves like this")
        return
    rows = [
        [str(place), stamp(hit.start_s), stamp(hit.end_s), f"{hit.similarity:.2f}", hit.path.name]
        for place, hit in enumerate(hits, 1)
    ]
    print_table(("", "start", "end", "similarity", "video"), rows, left=(4,))
