"""The one file in which jobs, uploads and votes outlive the server."""

import sqlite3
import threading
from pathlib import Path
from typing import Any

from speediness.errors import OutputError

VERSION = 1  # of the tables below, kept in the file
TABLES = """
CREATE TABLE uploads (id TEXT PRIMARY KEY, name TEXT NOT NULL, added_s REAL NOT NULL);
CREATE TABLE jobs (
    id TEXT PRIMARY KEY, kind TEXT NOT NULL, film_id TEXT NOT NULL, film_name TEXT NOT NULL,
    params TEXT NOT NULL, state TEXT NOT NULL, message TEXT NOT NULL, result TEXT NOT NULL,
    created_s REAL NOT NULL, finished_s REAL
);
CREATE TABLE trials (
    id TEXT PRIMARY KEY, job_id TEXT NOT NULL, film_id TEXT NOT NULL, film_name TEXT NOT NULL,
    rate REAL NOT NULL, adaptive_side TEXT NOT NULL, first_side TEXT NOT NULL,
    shown_s REAL NOT NULL, choice TEXT, voted_s REAL
);
"""


class Database:
    """A SQLite file, made if missing, of one server at a time; safe to use from several threads.

    Raises:
        OutputError: another server has it, it is damaged, or of another version.
    """

    def __init__(self, path: Path) -> None:
        self._lock = threading.Lock()
        try:
            self._connection = sqlite3.connect(
                path, timeout=0, check_same_thread=False, isolation_level=None
            )
            self._connection.row_factory = sqlite3.Row
            # The lock is kept until the file is closed: two servers would run each other's jobs.
            self._connection.execute("PRAGMA locking_mode = EXCLUSIVE")
            self._connection.execute("BEGIN EXCLUSIVE")
            (version,) = self._connection.execute("PRAGMA user_version").fetchone()
            self._connection.execute("COMMIT")
            if version == 0:
                self._connection.executescript(f"BEGIN; {TABLES} PRAGMA user_version = {VERSION}; COMMIT")
        except sqlite3.OperationalError as error:
            raise OutputError(
                f"cannot use {path} ({error}); if another speediness serve has it, stop that one"
                " or choose another folder with --state"
            ) from error
        except sqlite3.DatabaseError as error:
            raise OutputError(f"{path} is damaged ({error}); move it away and start again") from error
        if version not in (0, VERSION):
            raise OutputError(
                f"{path} is of version {version} and this program writes {VERSION};"
                " choose another folder with --state"
            )

    def rows(self, sql: str, *values: Any) -> list[sqlite3.Row]:
        """The rows that a query finds."""
        with self._lock:
            return self._connection.execute(sql, values).fetchall()

    def write(self, sql: str, *values: Any) -> int:
        """Change the file at once; returns the number of rows changed."""
        with self._lock:
            return self._connection.execute(sql, values).rowcount

    def close(self) -> None:
        """Let go of the file."""
        self._connection.close()
