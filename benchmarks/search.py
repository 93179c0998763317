"""How long does a search in a library take, and what does its index miss?

    pip install "speediness[search]"
    python benchmarks/search.py [--db LIBRARY] [--largest N] [--kinds] [-o DIR]

Vectors of the library's windows (without --db: of the bundled clip), each taken many times with noise added
that is as long as vectors of different videos are apart, so that a million differ; 96 features as
speednet-small has them, and 1024, as the paper's network, by a random projection. Noise fills all
dimensions, which real videos do not: recall on these is easier. For each number of vectors: building
the index, size on disk, recall@10 against comparing all, latency of 100 queries, one at a time, and the
highest memory of the process. --kinds compares kinds of index at the middle size.
"""

from __future__ import annotations

import multiprocessing
import resource
import tempfile
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import lancedb
import numpy as np
import pyarrow as pa
from matplotlib.figure import Figure
from numpy.typing import NDArray

from report import Results, arguments, markdown, report
from speediness.analysis.analyse import embed
from speediness.corpus.vectors import unit_vectors
from speediness.search import library
from speediness.search.library import INDEXED_FROM, Library, build_index, nearest

SIZES, FEATURES = (10_000, 100_000, 1_000_000), (96, 1024)
QUERIES, TOP, BATCH = 100, 10, 50_000
NOISE = 0.2  # length of what is added to a vector of length 1
BESIDE = {"xycoords": ("axes fraction", "data"), "textcoords": "offset points"}
CLIP = Path(__file__).parent.parent / "examples" / "bikes.mp4"


def main() -> None:
    """Measure, print, draw."""
    parser = arguments(__doc__)
    parser.add_argument("--db", metavar="LIBRARY")
    parser.add_argument("--largest", type=int, default=SIZES[-1], metavar="N")
    parser.add_argument("--kinds", action="store_true")
    given = parser.parse_args()
    report("search", given, partial(measure, given.db, given.largest, given.kinds), tables, draw)


def measure(db: str | None, largest: int, kinds: bool) -> Results:
    """All sizes, each in a process of its own."""
    if db:
        windows = Library(db).windows
        assert windows is not None
        real_ND = np.stack(windows.search().select(["vector"]).limit(None).to_arrow()["vector"].to_numpy())
    else:
        real_ND = unit_vectors(embed(CLIP))
    cases = [(n, d, library.INDEX) for d in FEATURES for n in SIZES if n <= largest]
    if kinds:
        other = "IvfHnswSq"
        cases += [(SIZES[1], d, other) for d in FEATURES]
    with multiprocessing.get_context("spawn").Pool(1, maxtasksperchild=1) as pool:
        return {"real": len(real_ND), "rows": [pool.apply(measured, (real_ND, *case)) for case in cases]}


def measured(real_ND: NDArray[np.float32], n: int, n_features: int, kind: str) -> Results:
    """One table."""
    library.INDEX = kind
    vectors = Vectors(real_ND, n_features)
    queries_QD = next(vectors.batches(QUERIES, seed=1))
    best = np.zeros((QUERIES, 0), np.float32)
    numbers = np.zeros((QUERIES, 0), np.int64)
    with tempfile.TemporaryDirectory() as folder:
        table, done = None, 0
        for batch_ND in vectors.batches(n, seed=0):
            rows = pa.table(
                {
                    "film": pa.array(np.arange(done, done + len(batch_ND)).astype(str)),
                    "vector": pa.FixedSizeListArray.from_arrays(pa.array(batch_ND.ravel()), n_features),
                }
            )
            if table is None:
                table = lancedb.connect(folder).create_table("windows", rows)
            else:
                table.add(rows)
            best = np.concatenate([best, queries_QD @ batch_ND.T], 1)
            here = np.tile(np.arange(done, done + len(batch_ND)), (QUERIES, 1))
            numbers = np.concatenate([numbers, here], 1)
            kept = np.argsort(-best, 1)[:, :TOP]
            best, numbers = np.take_along_axis(best, kept, 1), np.take_along_axis(numbers, kept, 1)
            done += len(batch_ND)
        began_s = time.perf_counter()
        if n >= INDEXED_FROM:
            build_index(table)
        built_s = time.perf_counter() - began_s
        table = lancedb.connect(folder).open_table("windows")
        for query_D in queries_QD[:5]:
            nearest(table, query_D, TOP).select(["film", "_distance"]).to_arrow()
        taken_s, found = [], 0
        for query_D, right in zip(queries_QD, numbers, strict=True):
            began_s = time.perf_counter()
            videos = (
                nearest(table, query_D, TOP).select(["film", "_distance"]).to_arrow()["film"].to_pylist()
            )
            taken_s.append(time.perf_counter() - began_s)
            found += len(set(map(int, videos)) & set(right.tolist()))
        size = sum(path.stat().st_size for path in Path(folder).rglob("*") if path.is_file())
    return {
        "vectors": n,
        "features": n_features,
        "index": kind if n >= INDEXED_FROM else "none",
        "built_s": built_s,
        "bytes": size,
        "recall": found / QUERIES / TOP,
        "median_ms": 1e3 * float(np.median(taken_s)),
        "p95_ms": 1e3 * float(np.quantile(taken_s, 0.95)),
        "peak_gb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6,
    }


class Vectors:
    """Real vectors with noise, as many as asked for."""

    def __init__(self, real_ND: NDArray[np.float32], n_features: int) -> None:
        d = real_ND.shape[1]
        rng = np.random.default_rng(0)
        turned = np.eye(d) if n_features == d else rng.standard_normal((d, n_features)) / n_features**0.5
        real_ND = real_ND @ turned.astype(np.float32)
        self._real_ND = real_ND / np.linalg.norm(real_ND, axis=1, keepdims=True)

    def batches(self, n: int, seed: int) -> Iterator[NDArray[np.float32]]:
        """(at most BATCH, D) unit vectors, n in all."""
        rng = np.random.default_rng(seed)
        d = self._real_ND.shape[1]
        for at in range(0, n, BATCH):
            count = min(BATCH, n - at)
            noise_ND = rng.standard_normal((count, d), np.float32) * np.float32(NOISE / d**0.5)
            batch_ND = self._real_ND[rng.integers(0, len(self._real_ND), count)] + noise_ND
            yield batch_ND / np.linalg.norm(batch_ND, axis=1, keepdims=True)


def tables(results: Results) -> str:
    """A row a table."""
    columns = (
        "vectors x features",
        "index",
        "built in s",
        "GB on disk",
        "recall@10",
        "median ms",
        "p95 ms",
        "GB RAM",
    )
    rows = [
        [
            f"{row['vectors']:,} x {row['features']}",
            row["index"],
            f"{row['built_s']:.0f}",
            f"{row['bytes'] / 1e9:.2f}",
            f"{row['recall']:.3f}",
            f"{row['median_ms']:.1f}",
            f"{row['p95_ms']:.1f}",
            f"{row['peak_gb']:.1f}",
        ]
        for row in results["rows"]
    ]
    return f"{results['real']:,} real vectors with noise\n\n{markdown(columns, rows)}"


def draw(figure: Figure, results: Results) -> None:
    """Latency and recall against the number of vectors."""
    figure.set_size_inches(9, 3.6)
    left, right = figure.subplots(1, 2)
    for d, mark, size in zip(FEATURES, "os", (9, 5), strict=True):  # both seen where they are the same
        rows = [r for r in results["rows"] if r["features"] == d and r["index"] in (library.INDEX, "none")]
        sizes = [row["vectors"] for row in rows]
        style = {"marker": mark, "markersize": size, "label": f"{d} features"}
        (line,) = left.plot(sizes, [row["median_ms"] for row in rows], **style)
        left.plot(sizes, [row["p95_ms"] for row in rows], ":", marker=mark, color=line.get_color())
        right.plot(sizes, [row["recall"] for row in rows], **style)
    for axes, bar in ((left, 100), (right, 0.95)):
        axes.axhline(bar, color="0.6", linewidth=0.8)
        axes.annotate("wanted", (1, bar), (-3, 3), ha="right", color="0.5", fontsize=8, **BESIDE)
    left.set_title("ms a query: median, and 95 % (dotted)", fontsize=10)
    left.set(xscale="log", yscale="log", xlabel="vectors")
    right.set_title("recall@10", fontsize=10)
    right.set(xscale="log", xlabel="vectors", ylim=(0.8, 1.01))
    left.legend(frameon=False)


if __name__ == "__main__":
    main()
