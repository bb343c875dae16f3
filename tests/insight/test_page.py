"""A page is one file that needs nothing else, and says what it was given, safely."""

import re

from unrolled.insight import Figure, Page, Section, Table, render
from unrolled.plots import style
from unrolled.plots.svg import to_svg


def a_figure(name="one"):
    figure = style.new_figure(5, 2.6)
    axes = figure.subplots()
    style.dress(axes)
    axes.plot([1, 2, 3], [1, 4, 2], color=style.MODEL)
    axes.set_xlabel("lag (steps)")
    return to_svg(figure, name, 'A "line" & more')


def test_text_stays_text_and_colours_are_the_pages():
    svg = a_figure()
    assert svg.startswith("<svg ") and svg.endswith("</svg>")
    assert ">lag (steps)</text>" in svg and 'aria-label="A &quot;line&quot; &amp; more"' in svg
    assert "var(--blue)" in svg and "#0072b2" not in svg and "#ffffff" not in svg
    assert "font-family" not in svg and not re.search(r"<svg[^>]* width=", svg)


def test_ids_of_two_figures_are_apart_and_the_same_figure_is_the_same_text():
    one, other = a_figure("one"), a_figure("other")
    ids = [set(re.findall(r'\bid="([^"]+)"', svg)) for svg in (one, other)]
    assert ids[0] and not ids[0] & ids[1]
    used = set(re.findall(r'(?:href="|url\()#([^")]+)', one))
    assert used and used <= ids[0]
    assert a_figure("one") == one


def test_everything_is_in_one_file():
    table = Table(("lag", "loss"), (("1", "0.5"), ("2", "0.4")), ("good", "bad"))
    sections = (
        Section("Reach", "It ends.", (Figure(a_figure(), "A curve."),), table, "more <units>", "bad"),
    )
    text = render(Page("A & B", "lead", "verdict", (("cell", "LSTM"),), table, sections, ("a note",)))
    assert (
        not re.search(r'(?:src|href)="(?!#|data:)', text) and "@import" not in text and "url(http" not in text
    )
    assert "A &amp; B" in text and "more &lt;units&gt;" in text and '<tr class="bad">' in text
    assert 'name="viewport"' in text and "prefers-color-scheme: dark" in text


def test_an_empty_page_is_a_page():
    assert "<h1>Nothing</h1>" in render(Page("Nothing"))
