"""Pages that need nothing but themselves: one HTML file, light or dark as the reader's system is."""

from base64 import b64encode
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from speediness.plots import LABEL_WORDS
from speediness.progress import clock, stamp
from speediness.results.documents import write_text


def write_page(out_html: Path, template: str, **values: Any) -> None:
    """Fill in a template of ``corpus/templates`` and write the page; text is escaped, names too.

    Raises:
        OutputError: it cannot be written; nothing is left of it.
    """
    pages = Environment(
        loader=PackageLoader("speediness.corpus"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    pages.filters |= {"clock": clock, "stamp": lambda seconds: stamp(seconds, 1)}
    pages.filters["base64"] = lambda content: b64encode(content).decode()
    pages.globals["words"] = LABEL_WORDS
    page = pages.get_template(template).render(values)
    write_text(out_html, page.encode(errors="replace").decode())  # bytes in names that are no text: ?
