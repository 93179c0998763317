"""Bringing a library up to date with the films on disk."""

from __future__ import annotations

import os
from dataclasses import dataclass, field, replace
from pathlib import Path

from speediness.analysis.network import find_weights
from speediness.analysis.store import file_sha256
from speediness.corpus.listing import FilmFile, list_films
from speediness.corpus.watching import Failed, Watching
from speediness.corpus.workers import Workers, here
from speediness.errors import WeightsError
from speediness.progress import Progress
from speediness.search.library import TIDIED_EVERY, FilmRow, Writer, film_row, writing


@dataclass
class Changes:
    """What an update did; paths are relative to the root."""

    watched: list[str] = field(default_factory=list)
    """New or changed, and watched."""
    known: list[str] = field(default_factory=list)
    """New, renamed or touched, but of known content: their rows were copied."""
    removed: list[str] = field(default_factory=list)
    unchanged: int = 0
    failed: dict[str, str] = field(default_factory=dict)
    """What is not in the library, and why."""


def update_library(
    source: Path,
    uri: str | os.PathLike[str],
    how: Watching,
    workers: Workers = here,
    progress: Progress = lambda done, whole: None,
) -> Changes:
    """Watch what is new or has changed below a folder or in a manifest, and forget what is gone.

    A file of the size and date it had is the same; one of known content is not watched again. It
    can be stopped anywhere, by ``kill -9`` too, and goes on when it is called again. Films of other
    roots stay as they are.

    Args:
        source: see :func:`speediness.corpus.listing.list_films`.
        uri: of the library, see :class:`speediness.search.library.Library`; made if missing.
        how: films are watched.
        workers: that watch them.
        progress: called with bytes of film watched and bytes in all.

    Raises:
        DataError: no films, a library of another network or version, or LanceDB is not installed.
        OutputError: the library cannot be written.
        WeightsError: no such network or engine.
        OSError: a folder cannot be read.
    """
    listing = list_films(source)
    weights = find_weights(how.model, ".onnx")
    try:
        network_sha256 = file_sha256(weights)
    except OSError as error:
        raise WeightsError(f"cannot read the network {weights}: {error.strerror}") from error
    with writing(uri, weights.stem, network_sha256) as library:
        changes = Changes(failed=dict(listing.skipped))
        rows = {row.path: row for row in library.film_rows() if row.root == listing.root}
        new, replaced = _without_watching(library, listing.films, rows, changes)
        # After the copies, which need the rows of what was renamed, or has the name of another now.
        there = {film.path for film in listing.films}
        gone = [
            row
            for path, row in rows.items()
            if path not in there and not (path in listing.skipped and row.file.exists())
        ]
        library.remove([*gone, *replaced])
        changes.removed = [row.path for row in gone]
        for n, (film, seen) in enumerate(workers(new, how, progress), 1):
            if isinstance(seen, Failed):
                changes.failed[film.path] = seen.reason
                if seen.sha256:
                    library.commit(film_row(film, seen.sha256, None, network_sha256, seen.reason), None)
            else:
                library.commit(film_row(film, seen.sha256, seen, network_sha256), seen)
                changes.watched.append(film.path)
            if n % TIDIED_EVERY == 0:
                library.tidy()
        if new or gone or changes.known:
            library.tidy()
    return changes


def _without_watching(
    library: Writer, films: list[FilmFile], rows: dict[str, FilmRow], changes: Changes
) -> tuple[list[FilmFile], list[FilmRow]]:
    """Do what can be done by size, date and content; the films that are left, the rows replaced."""
    known = library.film_rows()
    by_content = {row.sha256: row for row in known}
    sizes = {row.size_bytes for row in known}
    left, replaced = [], []
    for film in films:
        row = rows.get(film.path)
        if row and (row.size_bytes, row.mtime_ns) == (film.size_bytes, film.mtime_ns):
            changes.unchanged += 1
            if row.error:
                changes.failed[film.path] = row.error
            continue
        try:
            same = by_content.get(file_sha256(film.file)) if film.size_bytes in sizes else None
        except OSError as error:
            changes.failed[film.path] = f"{error.strerror}; check the name and its permissions"
            continue
        if same is None or (same.error and same.path != film.path):
            left.append(film)
            continue
        replaced += library.commit_copy(_same_film(film, same), same)
        if same.error:
            changes.failed[film.path] = same.error
        else:
            changes.known.append(film.path)
    return left, replaced


def _same_film(film: FilmFile, same: FilmRow) -> FilmRow:
    named = film_row(film, same.sha256, None, same.network_sha256)
    return replace(same, **vars(film), film=named.film)
