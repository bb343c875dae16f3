"""`unrolled predict model.unrolled data.csv`: what comes next, a label a sequence, a text for each text."""

from pathlib import Path
from typing import Annotated, Any

from unrolled import arguments
from unrolled.cli import options, output, pictures
from unrolled.errors import ArgumentError, DataError, MissingPartError, explain

EXAMPLE = "unrolled predict m.unrolled data.csv -o forecast.csv"
SEARCH = "Search (translate)"

Out = Annotated[
    str | None, options.option("The answer's file: .csv or .parquet.", "-o", "--output", metavar="FILE")
]
Future = Annotated[str | None, options.option("The known columns of the rows to forecast.", metavar="FILE")]
Beam = Annotated[int | None, options.option("Hypotheses kept; 1: greedy.", panel=SEARCH)]
Best = Annotated[int | None, options.option("Answers to each text.", panel=SEARCH)]
LengthPenalty = Annotated[float | None, options.option("0: short texts; 1: the mean a token.", panel=SEARCH)]
NoRepeat = Annotated[int | None, options.option("No n-gram of this length twice.", panel=SEARCH)]
Minimum = Annotated[int | None, options.option("Fewest tokens.", panel=SEARCH)]
Maximum = Annotated[int | None, options.option("Most tokens.", panel=SEARCH)]
Encoding = Annotated[str | None, options.option("Of a text file; utf-8.", panel=SEARCH)]


def predict(
    model: options.ModelPath,
    data: options.Data,
    out: Out = None,
    future: Future = None,
    plot: options.Plot = None,
    as_json: options.AsJson = False,
    beam: Beam = None,
    best: Best = None,
    length_penalty: LengthPenalty = None,
    no_repeat: NoRepeat = None,
    minimum: Minimum = None,
    maximum: Maximum = None,
    encoding: Encoding = None,
) -> None:
    """Forecast the rows after the last one, label each sequence, or write a text for each line.

    The answer is written to a file, or printed.
    """
    search = options.given(
        {
            "beam": beam, "best": best, "length_penalty": length_penalty, "no_repeat": no_repeat,
            "minimum": minimum, "maximum": maximum, "encoding": encoding,
        }
    )  # fmt: skip
    if (alone := programs_alone(model)) is not None:
        options.check_outputs((model, data), {"-o": out})
        refuse({"--future": future, "--plot": plot})
        write_alone(alone, data, search, out, as_json)
        return
    arguments.part("torch", "train")
    import unrolled

    options.check_picture(plot)
    options.check_outputs((model, data, future), {"-o": out, "--plot": plot})
    loaded = unrolled.load(model)
    check_options(loaded, {"future": future} | search)
    if isinstance(loaded, unrolled.Translator):
        write_texts(loaded, data, search, out, plot, as_json)
    else:
        read = options.given({"future": future, "encoding": encoding})
        write_table(loaded, data, read, out, plot, as_json)


def programs_alone(path: str) -> Any:
    """The translator of a file that its Programs run: one exported so, or any where PyTorch is missing."""
    from unrolled.format import read_card

    if not Path(path).is_file() or "programs" not in (card := read_card(path)):
        return None
    if card["kind"] == "model":
        try:
            arguments.part("torch", "train")
            return None
        except MissingPartError:
            pass
    from unrolled.runtime import TextTranslator

    return TextTranslator.load(path)


def refuse(given: dict[str, Any]) -> None:
    """Refuse options that a translator without PyTorch does not have. Raises: ArgumentError."""
    for flag, value in given.items():
        if value is not None:
            got = "the programs of a translator"
            raise ArgumentError(explain(flag, "a model that has it", got, "Leave it out."))


def write_alone(loaded: Any, data: str, search: dict[str, Any], out: str | None, as_json: bool) -> None:
    """The likeliest text for each line, by numpy alone."""
    from unrolled.runtime import SearchOptions

    texts = plain_lines(data, search.pop("encoding", "utf-8"))
    names = [f"{data}, line {number}" for number in range(1, len(texts) + 1)]
    found = loaded.candidates(texts, SearchOptions(**search), names)
    output.texts(texts, found, out, None, as_json)


def plain_lines(path: str, encoding: str) -> list[str]:
    """The lines of a text file, read without the part that trains. Raises: DataError."""
    try:
        text = Path(path).read_bytes().decode("utf-8-sig" if encoding == "utf-8" else encoding)
    except (OSError, UnicodeError, LookupError) as error:
        got = getattr(error, "strerror", None) or str(error)
        cure = "Name the file, or its --encoding."
        raise DataError(explain(path, f"a text file in {encoding}", got, cure)) from None
    return text.replace("\r\n", "\n").removesuffix("\n").split("\n")


def check_options(loaded: Any, given: dict[str, Any]) -> None:
    """Refuse an option that this kind of model does not have. Raises: ArgumentError."""
    import unrolled

    files = (unrolled.Translator, unrolled.TextClassifier, unrolled.Tagger)
    homes: dict[str, Any] = {"future": (unrolled.Forecaster, "a forecast"), "encoding": (files, "texts")}
    for name, value in given.items():
        kind, what = homes.get(name, (unrolled.Translator, "a translator"))
        if value is not None and not isinstance(loaded, kind):
            got = f"a {type(loaded).__name__}"
            flag = "--" + name.replace("_", "-")
            raise ArgumentError(explain(flag, f"the model of {what}", got, "Leave it out."))


def write_table(
    loaded: Any, data: str, read: dict[str, Any], out: str | None, plot: str | None, as_json: bool
) -> None:
    """The rows after the last one, or a label for each sequence or text; `read` are options of `predict`."""
    from unrolled.data import check_table_path

    if out is not None:
        check_table_path(out)
    pictures.check_drawable(loaded, plot)
    found = loaded.predict(data, **read)
    if plot is not None:
        pictures.draw_ahead(loaded, data, found, plot)
    output.frame(found, out, plot, as_json)


def write_texts(
    loaded: Any, data: str, search: dict[str, Any], out: str | None, plot: str | None, as_json: bool
) -> None:
    """The likeliest text for each line; with --json the candidates and their log-probabilities."""
    import unrolled
    from unrolled.data import read_lines

    encoding = search.pop("encoding", "utf-8")
    texts = read_lines(data, encoding)
    found = loaded.candidates(data, unrolled.SearchOptions(**search), encoding=encoding)
    if plot is not None:
        pictures.draw_attention(loaded, texts[0], found[0][0].text, plot)
    output.texts(texts, found, out, plot, as_json)
