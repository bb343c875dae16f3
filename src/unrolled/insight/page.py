"""A report as one HTML page that needs nothing else: no network, no files beside it.

A page is a title, a summary and sections; a section is a heading, a sentence, figures, a table, an advice.
It follows the reader's light or dark, and a phone's width.
"""

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from unrolled import __version__, arguments

MARKS = ("good", "note", "bad", "")  # how a finding stands: fine, worth knowing, to be changed, not judged


@dataclass(frozen=True)
class Figure:
    """A picture, as `plots.svg.to_svg` makes it, and the line below it. `wide` takes the whole width."""

    svg: str
    caption: str = ""
    wide: bool = False


@dataclass(frozen=True)
class Table:
    """Column names and rows of text; `marks` (rows,) says how each row stands, one of MARKS."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    marks: tuple[str, ...] = ()


@dataclass(frozen=True)
class Section:
    """A finding: what was measured, said in a sentence; pictures, a table, and what to do about it.

    `embed` is markup of our own that is put in as it is, such as a picture that moves.
    """

    heading: str
    sentence: str = ""
    figures: tuple[Figure, ...] = ()
    table: Table | None = None
    advice: str = ""
    mark: str = ""
    embed: str = ""


@dataclass(frozen=True)
class Page:
    """A report. `facts` are a few short pairs below the title, `notes` what a reader must know of the way.

    `verdict` is the one sentence that who reads nothing else should read.
    """

    title: str
    lead: str = ""
    verdict: str = ""
    facts: tuple[tuple[str, str], ...] = ()
    summary: Table | None = None
    sections: tuple[Section, ...] = ()
    notes: tuple[str, ...] = ()


def render(page: Page) -> str:
    """The page as the text of one HTML file.

    Example:
        >>> text = render(Page("A report", sections=(Section("One", "It is < two."),)))
        >>> "<h2>One</h2>" in text, "It is &lt; two." in text, "http://" in text
        (True, True, False)
    """
    return _template().render(page=page, version=__version__)


@cache
def _template() -> Any:
    jinja2 = arguments.part("jinja2", "train")
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    return environment.get_template("page.html")
