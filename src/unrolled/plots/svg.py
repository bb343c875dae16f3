"""A figure as SVG for a page: text stays text, colours are the page's own, be it light or dark."""

import io
import re
from typing import TYPE_CHECKING

from unrolled import arguments
from unrolled.plots import style

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# What a colour of `style` is called in a page's style sheet.
VARIABLES = {
    style.INK: "--ink",
    style.GREY: "--grey",
    style.FAINT: "--faint",
    style.MODEL: "--blue",
    style.BASELINE: "--red",
    style.SECOND: "--green",
    style.SHADES[1]: "--orange",
    style.SHADES[3]: "--pink",
    style.SHADES[4]: "--sky",
    style.SHADES[6]: "--yellow",
    style.TINTS[0]: "--tint",
}
SETTINGS = {"svg.fonttype": "none", "svg.hashsalt": "unrolled"}
NAMES = re.compile(r'(\bid="|href="#|url\(#)')


def to_svg(figure: "Figure", name: str, alt: str = "") -> str:
    """The figure as one <svg> element, as wide as its place; `name` keeps its ids apart from other figures'.

    `alt` is what it is read out as. The same figure gives the same text.
    """
    matplotlib = arguments.part("matplotlib", "train")
    buffer = io.StringIO()
    with matplotlib.rc_context(SETTINGS):
        nothing = dict.fromkeys(("Date", "Creator", "Format", "Type"))
        figure.savefig(buffer, format="svg", metadata=nothing, transparent=True)
    text = buffer.getvalue()
    text = text[text.index("<svg") :]
    text = re.sub(r"<metadata>.*?</metadata>|<style.*?</style>", "", text, flags=re.DOTALL)
    text = NAMES.sub(rf"\g<1>{name}-", text)
    for colour, variable in VARIABLES.items():
        text = text.replace(colour, f"var({variable})")
    text = re.sub(r"font-family: [^;\"]*;? ?", "", text)  # the page's
    text = re.sub(r'(<svg[^>]*?) width="[^"]*"', r"\1", text, count=1)
    text = re.sub(r'(<svg[^>]*?) height="[^"]*"', r"\1", text, count=1)
    label = alt.replace("&", "&amp;").replace('"', "&quot;").replace("<", "&lt;")
    return text.replace("<svg", f'<svg role="img" aria-label="{label}"', 1).strip()
