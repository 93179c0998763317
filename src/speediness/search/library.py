"""Videos that were analysed and the vectors of their windows, in two tables of a LanceDB database.

A video is in the library once its row in ``films`` is: its windows are written before, all in one
version of their table, and rows in ``windows`` whose ``film`` is not named in ``films`` are not yet
or no longer part of it. So a reader sees a video whole, as it was or as it is, whatever happens to
the writer, and what a killed writer left is known by having no video.
"""

# N windows, D features

import hashlib
import os
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from speediness.corpus.analysed_video import AnalysedVideo, WindowVectors
from speediness.errors import DataError, OutputError
from speediness.packages import load
from speediness.results.curve import LABELS, Segment
from speediness.video.listing import VideoFile

SCHEMA = "speediness.library/1"
INDEXED_FROM = 100_000
"""Vectors from which on an index pays; fewer are compared one by one in 50 ms."""

# Of 100 000 x 1024 built once each on a busy machine: this in 16 s; IvfHnswSq in 93 and 163 s, with
# other work beside it; IvfPq was stopped unfinished after some two minutes. No fair race: see
# benchmarks/search.py --kinds.
INDEX = "IvfSq"
ROWS_A_PART = 4_000  # of the index
PROBES, REFINED = 10, 5  # parts that are looked into; times as many rows as wanted are compared exactly

TIDIED_EVERY = 200  # videos: every commit leaves a small file and a version that slow down the next
VERSIONS_KEPT = timedelta(minutes=10)  # for readers that have an earlier one open


@dataclass(frozen=True)
class VideoRow:
    """What the table ``films`` says of a file (docs/formats.md)."""

    root: str
    path: str
    video: str
    """Names the windows of this file with this content."""
    sha256: str
    size_bytes: int
    mtime_ns: int
    duration_s: float = 0.0
    frame_rate: float = 0.0
    windows: int = 0
    share_natural: float = 0.0
    share_sped_up: float = 0.0
    share_slow_motion: float = 0.0
    share_not_sure: float = 0.0
    network_sha256: str = ""
    error: str = ""
    """Why it is no video; empty for one that is."""

    @property
    def file(self) -> Path:
        """The full path."""
        return Path(self.root, self.path)


def video_row(
    file: VideoFile, sha256: str, analysed: AnalysedVideo | None, network: str, error: str = ""
) -> VideoRow:
    """The row of a listed file whose content was analysed by a network (its SHA-256), or could not be.

    ``analysed`` is None where ``error``, a line for people, says why nothing was seen.
    """
    named = "\0".join((file.root, file.path, sha256))
    seen: dict[str, Any] = {}
    if analysed is not None:
        seconds = dict.fromkeys(LABELS, 0.0)
        for segment in analysed.segments:
            seconds[segment.label] += segment.end_s - segment.start_s
        whole_s = sum(seconds.values()) or 1.0
        seen = {f"share_{label}": part_s / whole_s for label, part_s in seconds.items()} | {
            "duration_s": analysed.duration_s,
            "frame_rate": analysed.frame_rate,
            "windows": len(analysed.windows.spans_s) if analysed.windows else 0,
        }
    return VideoRow(
        **vars(file),
        video=hashlib.sha256(named.encode()).hexdigest()[:32],
        sha256=sha256,
        network_sha256=network,
        error=error,
        **seen,
    )


class Library:
    """A library that exists; for what changes it use :func:`writing`.

    Attributes:
        uri: where it is.
        network: name of the network that made the vectors.
        network_sha256: its SHA-256.
        videos: the table of that name.
        windows: the table of that name, None until there is a video with vectors.

    Args:
        uri: a folder, or an object store that LanceDB knows (``s3://``, ``gs://``, ``az://``).

    Raises:
        DataError: LanceDB is not installed, or there is no library of this version.
    """

    def __init__(self, uri: str | os.PathLike[str]) -> None:
        self.uri = os.fspath(uri)
        if _is_local(self.uri) and not os.path.isdir(self.uri):
            raise DataError(f"there is no library in {self.uri}; make one with speediness index")
        try:
            self._db = load("lancedb").connect(self.uri)
            self.videos = self._db.open_table("films")
            named = self._db.list_tables().tables
            self.windows = self._db.open_table("windows") if "windows" in named else None
        except DataError:
            raise
        except Exception as error:  # LanceDB's errors share no base class
            raise DataError(
                f"there is no library in {self.uri}; make one with speediness index ({_line(error)})"
            ) from error
        about = {k.decode(): v.decode() for k, v in (self.videos.schema.metadata or {}).items()}
        if about.get("schema") != SCHEMA:
            raise DataError(
                f"{self.uri} is a library of kind {about.get('schema')}, this program knows {SCHEMA}; "
                "index into another"
            )
        self.network, self.network_sha256 = about["network"], about["network_sha256"]

    def check_network(self, name: str, sha256: str) -> None:
        """Vectors of different networks cannot be compared.

        Raises:
            DataError: this one did not make the library.
        """
        if sha256 != self.network_sha256:
            raise DataError(
                f"{self.uri} was made with the network {self.network} ({self.network_sha256[:12]}), "
                f"not with {name} ({sha256[:12]}); give that one with --model, or another --db"
            )

    def video_rows(self, where: str | None = None) -> list[VideoRow]:
        """Rows of the table ``films``, all or those for which an SQL condition holds."""
        query = self.videos.search().limit(None)
        table = (query.where(where) if where else query).to_arrow()
        return [VideoRow(video=row.pop("film"), **row) for row in table.to_pylist()]


class Writer(Library):
    """A library that this process alone changes."""

    def commit(self, row: VideoRow, analysed: AnalysedVideo | None) -> None:
        """Put a video in, in place of what was known of this path; all of it is seen at once."""
        if analysed is not None and analysed.windows is not None and len(analysed.windows.spans_s):
            self._add(_window_table(row, analysed.segments, analysed.windows))
        self._drop_windows(old.video for old in self._switch(row))

    def commit_copy(self, row: VideoRow, source: VideoRow) -> list[VideoRow]:
        """Put a video in whose content is known under another name, or of before.

        Returns:
            What it replaces, whose windows are still there to be copied from; to :meth:`remove`
            after the last copy.
        """
        if row.video != source.video and self.windows is not None:
            pa = load("pyarrow")
            known = self.windows.search().where(f"film = '{source.video}'").limit(None).to_arrow()
            for name, value in (("film", row.video), ("root", row.root), ("path", row.path)):
                at = known.schema.get_field_index(name)
                known = known.set_column(at, name, pa.array([value] * len(known), pa.string()))
            self._add(known)
        return self._switch(row)

    def _add(self, rows: Any) -> None:
        if self.windows is None:
            self.windows = self._db.create_table("windows", rows)
        else:
            self.windows.add(rows)

    def _switch(self, row: VideoRow) -> list[VideoRow]:
        """Let a video be seen; what was seen before in its place and has windows."""
        pa = load("pyarrow")
        before = self.video_rows(f"root = {quoted(row.root)} AND path = {quoted(row.path)}")
        values = {_column(name): value for name, value in asdict(row).items()}
        rows = pa.Table.from_pylist([values], schema=self.videos.schema)
        upsert = self.videos.merge_insert(["root", "path"])
        upsert.when_matched_update_all().when_not_matched_insert_all().execute(rows)
        return [old for old in before if old.video != row.video and old.windows]

    def remove(self, rows: Iterable[VideoRow]) -> None:
        """Take videos out."""
        rows = list(rows)
        for some in _parts([row.video for row in rows]):
            self.videos.delete(f"film IN ({', '.join(map(quoted, some))})")
        self._drop_windows(row.video for row in rows)

    def _drop_windows(self, videos: Iterable[str]) -> None:
        if self.windows is None:
            return
        for some in _parts(list(videos)):
            self.windows.delete(f"film IN ({', '.join(map(quoted, some))})")

    def recover(self) -> None:
        """Drop what a writer left that was killed."""
        if self.windows is None:
            return
        known = {row.video for row in self.video_rows()}
        column = self.windows.search().select(["film"]).limit(None).to_arrow()["film"]
        self._drop_windows(video for video in column.unique().to_pylist() if video not in known)

    def tidy(self) -> None:
        """Put small files together, forget old versions, and keep the index up with the rows."""
        self.videos.optimize(cleanup_older_than=VERSIONS_KEPT)
        if self.windows is None:
            return
        self.windows.optimize(cleanup_older_than=VERSIONS_KEPT)
        if self.windows.count_rows() >= INDEXED_FROM and not self.windows.list_indices():
            build_index(self.windows)


@contextmanager
def writing(uri: str | os.PathLike[str], network: str, network_sha256: str) -> Iterator[Writer]:
    """Open a library (:class:`Library`) of vectors of a network to change it; it is made if missing.

    Raises:
        DataError: made with another network or by another version, or LanceDB is not installed.
        OutputError: another process is writing, or nothing can be written there.
    """
    uri = os.fspath(uri)
    with _alone(uri):
        _make(uri, network, network_sha256)
        writer = Writer(uri)
        writer.check_network(network, network_sha256)
        writer.recover()
        yield writer


def build_index(windows: Any) -> None:
    """Make the nearest vectors quick to find; which kind of index: benchmarks/search.py."""
    kinds = load("lancedb.index")
    parts = max(round(windows.count_rows() / ROWS_A_PART), 1)
    windows.create_index(
        "vector", config=getattr(kinds, INDEX)(distance_type="cosine", num_partitions=parts)
    )
    windows.create_index("film", config=kinds.BTree())


def nearest(windows: Any, vector_D: NDArray[np.float32], most: int) -> Any:
    """The query for the ``most`` rows whose vectors are most like one, by cosine."""
    query = windows.search(vector_D, vector_column_name="vector").distance_type("cosine").limit(most)
    return query.nprobes(PROBES).refine_factor(REFINED)


def quoted(text: str) -> str:
    """A string as SQL has it."""
    return "'" + text.replace("'", "''") + "'"


def _column(field: str) -> str:
    """Where a field of :class:`VideoRow` is stored; libraries call a video ``film``."""
    return "film" if field == "video" else field


def _make(uri: str, network: str, network_sha256: str) -> None:
    """The table of videos, which says what kind of library this is, if it is not there."""
    pa = load("pyarrow")
    kinds = {str: pa.string(), int: pa.int64(), float: pa.float64()}
    columns = [(_column(name), kinds[kind]) for name, kind in VideoRow.__annotations__.items()]
    about = {"schema": SCHEMA, "network": network, "network_sha256": network_sha256}
    lancedb = load("lancedb")
    try:
        db = lancedb.connect(uri)
        if "films" not in db.list_tables().tables:
            db.create_table("films", schema=pa.schema(columns, about))
    except Exception as error:  # LanceDB's errors share no base class
        raise OutputError(f"cannot make a library in {uri}: {_line(error)}; choose another --db") from error


def _window_table(row: VideoRow, segments: tuple[Segment, ...], windows: WindowVectors) -> Any:
    """Rows of the table ``windows`` (docs/formats.md)."""
    pa = load("pyarrow")
    n, n_features = windows.vectors.shape
    starts_s = np.array([segment.start_s for segment in segments])
    around = [segments[max(k - 1, 0)] for k in np.searchsorted(starts_s, windows.spans_s.mean(1), "right")]
    vectors = pa.FixedSizeListArray.from_arrays(pa.array(windows.vectors.ravel()), n_features)
    return pa.table(
        {
            "film": [row.video] * n,
            "root": [row.root] * n,
            "path": [row.path] * n,
            "sha256": [row.sha256] * n,
            "duration_s": [row.duration_s] * n,
            "frame_rate": [row.frame_rate] * n,
            "start_s": windows.spans_s[:, 0],
            "end_s": windows.spans_s[:, 1],
            "label": [segment.label for segment in around],
            "factor": [segment.factor for segment in around],
            "confidence": [segment.confidence for segment in around],
            "motion": windows.motion,
            "picture": pa.array(windows.images, pa.binary()),
            "vector": vectors,
        }
    )


@contextmanager
def _alone(uri: str) -> Iterator[None]:
    """Hold a folder so that no second process writes into it; of an object store nothing is known."""
    if not _is_local(uri):
        yield
        return
    try:
        os.makedirs(uri, exist_ok=True)
        # The system lets go of SQLite's lock whatever happens to this process.
        lock = sqlite3.connect(os.path.join(uri, "writer.lock"), timeout=0, isolation_level=None)
    except (OSError, sqlite3.Error) as error:
        raise OutputError(f"cannot make a library in {uri}: {_line(error)}; choose another --db") from error
    try:
        lock.execute("BEGIN EXCLUSIVE")
    except sqlite3.OperationalError as error:
        lock.close()
        raise OutputError(
            f"cannot write into {uri} ({error}); if another speediness index does, wait for it"
        ) from error
    try:
        yield
    finally:
        lock.close()


def _is_local(uri: str) -> bool:
    return "://" not in uri


def _parts(items: list[str], size: int = 500) -> Iterator[list[str]]:
    for at in range(0, len(items), size):
        yield items[at : at + size]


def _line(error: Exception) -> str:
    return " ".join(str(error).split())[:200]
