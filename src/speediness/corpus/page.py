"""Pages that need nothing but themselves: one HTML file, light or dark as the reader's system is."""

from __future__ import annotations

import base64
import os
from html import escape
from pathlib import Path

from speediness.errors import OutputError

STYLE = """
:root { color-scheme: light dark; --page: #faf9f7; --card: #fff; --ink: #22211f; --dim: #6d6a66;
  --edge: #e4e1dc; --natural: #dce6df; --sped_up: #f2b48a; --slow_motion: #9ccbeb;
  --not_sure: #ddd9e2; }
@media (prefers-color-scheme: dark) { :root { --page: #161517; --card: #1f1e21; --ink: #eceae7;
  --dim: #a19d98; --edge: #34323a; --natural: #2b3a31; --sped_up: #7d4a24; --slow_motion: #24587a;
  --not_sure: #4a4654; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 76rem; padding: 1.5rem; background: var(--page); color: var(--ink);
  font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif; }
h1 { font-size: 1.6rem; margin: 0 0 .5rem; }
h2 { font-size: 1.1rem; margin: 2rem 0 .5rem; }
.dim { color: var(--dim); font-size: .9rem; }
.tag { padding: 0 .5em; border-radius: .6em; font-size: .9rem; }
.natural { background: var(--natural); } .sped_up { background: var(--sped_up); }
.slow_motion { background: var(--slow_motion); } .not_sure { background: var(--not_sure); }
"""
# Nothing is loaded and no script runs, whatever a file is called.
POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"


def write_page(out_html: Path, title: str, body: str, style: str = "") -> None:
    """Write a page beside its final name, then rename.

    Args:
        out_html: replaced if it exists.
        title: as text.
        body: as HTML; names in it escaped by the caller.
        style: CSS of this page besides the common.

    Raises:
        OutputError: it cannot be written; nothing is left of it.
    """
    page = (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title><style>{STYLE}{style}</style></head>\n"
        f"<body><h1>{escape(title)}</h1>\n{body}\n</body></html>\n"
    )
    partial = out_html.with_name(out_html.name + ".partial")
    try:
        # Names that are not text are shown with question marks.
        partial.write_bytes(page.encode("utf-8", "replace"))
        os.replace(partial, out_html)
    except OSError as error:
        raise OutputError(f"cannot write {out_html}: {error.strerror}; choose another folder") from error
    finally:
        partial.unlink(missing_ok=True)


def data_uri(content: bytes, kind: str) -> str:
    """A file as an address in a page."""
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"


def stamp(seconds: float) -> str:
    """A moment of a video: ``0:06.2`` or ``1:02:03.5``."""
    minutes, tenths = divmod(round(seconds * 10), 600)
    hours, minutes = divmod(minutes, 60)
    rest = f"{tenths / 10:04.1f}"
    return f"{hours}:{minutes:02d}:{rest}" if hours else f"{minutes}:{rest}"
