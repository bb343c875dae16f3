"""Labelled examples of a fitted task as one batch: what a look inside is taken on.

Each task reads its data as it reads it to be scored, so raw units go in. A few rows stand for many, spread
evenly over them; of long sequences the newest steps are taken; both are said in the notes.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch

from unrolled.arguments import integer
from unrolled.data import Origins, SequenceSet, SeriesSet, origins, pad, pad_labels, read_parallel
from unrolled.errors import ArgumentError, DataError, explain
from unrolled.models import SegmentNetwork
from unrolled.tasks.forecast.fit import thinned
from unrolled.tasks.forecast.forecaster import Forecaster
from unrolled.tasks.forecast.sources import chunk_batch, window_batch
from unrolled.tasks.language.data import code_texts
from unrolled.tasks.language.sources import masked_batch, text_batch
from unrolled.tasks.language.task import LanguageTask
from unrolled.tasks.sequence.task import SequenceTask
from unrolled.tasks.text.classifier import TextClassifier
from unrolled.tasks.text.data import encode_texts
from unrolled.tasks.text.tagger import Tagger
from unrolled.tasks.text.tagging_data import encode_tags, read_with_tags
from unrolled.tasks.translation.data import code_pairs, picked
from unrolled.tasks.translation.translator import Translator

Batch = dict[str, torch.Tensor]
ROWS, STEPS = 128, 512  # taken at most
PIECE = 64  # tokens in a piece of a running text at least, where it is long enough


@dataclass(frozen=True)
class Examples:
    """A batch, and what its parts are called.

    - batch: as docs/house.md lists it for the network, answers included.
    - columns: the names of the columns of each key that has some, in order.
    - unit: what a step of the data is called; `step`: how many of them one step of the recurrence is.
    - labels: what each row is called, such as the stamp of its origin.
    - words: the tokens of the first row, where steps are tokens.
    - notes: what was left out.
    """

    batch: Batch
    columns: Mapping[str, tuple[str, ...]]
    unit: str
    step: int = 1
    labels: tuple[str, ...] = ()
    words: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def examples_of(
    task: Any, data: Any, y: Any = None, lengths: Any = None, rows: int = ROWS, steps: int = STEPS
) -> Examples:
    """Examples for a fitted task from data of the kind it is scored on.

    `y` goes with arrays and lists of texts; of a translator it is the true texts. At most `rows` rows and
    `steps` steps are taken.
    Raises: ArgumentError for a task that is not fitted or not known; DataError, as `evaluate`.
    """
    integer("rows", rows, 2, "128 are enough for most.")
    integer("steps", steps, 2, "Say how many steps of a sequence to take.")
    if isinstance(task, Forecaster):
        return forecast_examples(task, data, rows, steps)
    if isinstance(task, SequenceTask):
        return sequence_examples(task, data, y, lengths, rows, steps)
    if isinstance(task, LanguageTask):
        return language_examples(task, data, y, rows, steps)
    for kind, examples in LABELLED.items():
        if isinstance(task, kind):
            return examples(task, data, y, rows, steps)
    cure = "Train one of unrolled's tasks, or pass a network and a batch of tensors."
    raise ArgumentError(explain("model", "a task of unrolled", type(task).__name__, cure))


def spread(count: int, most: int) -> np.ndarray:
    """At most so many of the first `count` numbers, evenly spread.

    Example:
        >>> spread(10, 4), spread(3, 4)
        (array([0, 3, 6, 9]), array([0, 1, 2]))
    """
    return np.unique(np.linspace(0, count - 1, min(count, most)).round().astype(np.int64))


def newest(batch: Batch, keys: tuple[str, ...], steps: int, lengths: str = "lengths") -> Batch:
    """Only the last `steps` steps of each row of a right-padded batch, for the keys that have a time axis."""
    count = batch[lengths]
    if int(count.max()) <= steps:
        return batch
    kept = count.clamp(max=steps)
    places = (count - kept)[:, None] + torch.arange(int(kept.max()))
    rows = torch.arange(len(count))[:, None]
    cut = {key: batch[key][rows, places.clamp(max=batch[key].shape[1] - 1)] for key in keys if key in batch}
    return batch | cut | {lengths: kept}


def sampled(taken: int, count: int, what: str, longest: int, steps: int, unit: str) -> tuple[str, ...]:
    """What was left out, in words.

    Example:
        >>> sampled(128, 5000, "windows", 96, 512, "rows")
        ('128 of 5,000 windows are taken, evenly spread.',)
    """
    notes = []
    if taken < count:
        notes.append(f"{taken:,} of {count:,} {what} are taken, evenly spread.")
    if longest > steps:
        notes.append(
            f"Sequences are long (up to {longest:,} {unit}): the last {steps:,} {unit} of each are taken."
        )
    return tuple(notes)


def forecast_examples(task: Forecaster, frame: Any, rows: int, steps: int) -> Examples:
    """Windows, or the rows before some origins, from the part that the model has not seen."""
    data = task._read(frame)
    network, inputs = task.network_, task.inputs_
    shape, whole = network.shape, np.stack([data.offsets[:-1], data.offsets[1:]], 1)
    segments = isinstance(network, SegmentNetwork)
    found, notes = unseen_origins(task, data, whole, shape.history if segments else 2, shape.horizon)
    taken = thinned(found, rows)
    if isinstance(network, SegmentNetwork):
        batch = window_batch(inputs, data, taken, shape.history, shape.horizon)
        longest, step = 0, network.segment
    else:
        longest, step = int((taken.rows - data.offsets[taken.series]).max()), 1
        start = np.maximum(data.offsets[taken.series], taken.rows - steps)
        time = int((taken.rows - start).max())
        batch = chunk_batch(inputs, data, whole, start, taken.rows, taken.series, time, shape.horizon)
    columns = {role: inputs.numeric_names(role) for role in ("target", "past", "known")}
    columns |= {f"{role}_codes": inputs.code_names(role) for role in ("past", "known")}
    if inputs.time_features is not None:
        columns["known"] = (*columns["known"], *inputs.time_features.names)
    labels = tuple(named_origin(data, int(row)) for row in taken.rows)
    notes += sampled(len(taken), len(found), "origins of a forecast", longest, steps, "rows")
    kept = {key: names for key, names in columns.items() if names and key in batch}
    return Examples(batch, kept, "rows", step, labels, notes=notes)


def unseen_origins(
    task: Forecaster, data: SeriesSet, whole: np.ndarray, history: int, horizon: int
) -> tuple[Origins, tuple[str, ...]]:
    """Origins after the training period; where there are none, all."""
    try:
        return origins(data, task.periods_.split(data).test, history, horizon), ()
    except DataError:
        note = "The data holds no rows after the training period: rows that the model has seen are taken."
        return origins(data, whole, history, horizon), (note,)


def named_origin(data: SeriesSet, row: int) -> str:
    """The stamp of a row, or its number."""
    return f"row {row + 1}" if data.stamps is None else str(data.stamps[row].astype("datetime64[s]"))


def sequence_examples(task: SequenceTask, X: Any, y: Any, lengths: Any, rows: int, steps: int) -> Examples:
    """Labelled sequences."""
    _, data = task._read_labelled(X, y, lengths)
    picks = spread(len(data), rows)
    batch = newest(sequence_batch(task, data, picks), ("x", "label") if data.every_step else ("x",), steps)
    notes = sampled(len(picks), len(data), "sequences", int(data.lengths[picks].max()), steps, "steps")
    labels = tuple(str(data.names[pick]) for pick in picks)
    return Examples(batch, {"x": tuple(data.columns)}, "steps", 1, labels, notes=notes)


def sequence_batch(task: SequenceTask, data: SequenceSet, picks: np.ndarray) -> Batch:
    """Some sequences with their labels."""
    x, lengths = pad(data, picks)
    assert data.labels is not None
    missing = task.answers_.missing
    label = pad_labels(data, picks, missing) if data.every_step else data.labels[picks]
    return {
        "x": torch.from_numpy(x),
        "lengths": torch.from_numpy(lengths),
        "label": task.answers_.tensor(label),
    }


def text_examples(task: TextClassifier, X: Any, y: Any, rows: int, steps: int) -> Examples:
    """Labelled texts."""
    task._check_fitted()
    data = task.columns_.read(X, y, "utf-8", labelled=True)
    assert data.labels is not None
    truth = task.answers_.encode(data.labels, task.columns_.label)
    picks = spread(len(data), rows)
    coded = encode_texts(data, task.tokenizer_)
    batch = coded.batch(picks) | {"label": torch.from_numpy(truth[picks])}
    words = task.tokenizer_.split(data.texts[picks[0]])[-steps:]
    notes = sampled(len(picks), len(data), "texts", int(coded.lengths[picks].max()), steps, "words")
    labels = tuple(str(data.names[pick]) for pick in picks)
    cut = newest(batch, ("words", "shapes", "spelling"), steps)
    return Examples(cut, {"words": ("word",)}, "words", 1, labels, tuple(words), notes)


def tag_examples(task: Tagger, X: Any, y: Any, rows: int, steps: int) -> Examples:
    """Tagged sentences."""
    task._check_fitted()
    data = read_with_tags(X, y, "utf-8")
    truth, coded = encode_tags(data, task.tags_), task.words_.encode(data)
    picks = spread(len(data), rows)
    with_tags = replace(coded, codes=coded.codes | {"tags": truth})
    batch = newest(with_tags.batch(picks), ("words", "shapes", "spelling", "tags"), steps)
    notes = sampled(len(picks), len(data), "sentences", int(coded.lengths[picks].max()), steps, "words")
    labels = tuple(f"sentence {pick + 1}" for pick in picks)
    words = tuple(data.sentence(int(picks[0]))[-steps:])
    return Examples(batch, {"words": ("word",)}, "words", 1, labels, words, notes)


def language_examples(task: LanguageTask, data: Any, text: str | None, rows: int, steps: int) -> Examples:
    """Pieces of a running text, or whole texts."""
    task._check_fitted()
    codec, masked = task.codec_, task.task == "mlm"
    corpus, notes = task._unseen(task._read(data, text))
    coded = code_texts(codec, corpus.texts, corpus.names).codes
    count = len(coded)
    if not codec.by_text:
        length = min(steps, max(PIECE, len(coded[0]) // rows), max(2, len(coded[0]) // 2))
        starts = np.arange(0, max(len(coded[0]) - length, 1), length)
        coded, count = tuple(coded[0][start : start + length] for start in starts), len(starts)
    picks = spread(len(coded), rows)
    chosen = [coded[pick][-steps:] for pick in picks]
    longest = max(len(coded[pick]) for pick in picks)
    batch = masked_batch(chosen, codec.end) if masked else text_batch(chosen, codec.end)
    words = tuple(codec.word(int(code)) for code in batch["tokens"][0, : int(batch["lengths"][0])])
    said = sampled(len(picks), count, "pieces of the text", longest, steps, "tokens")
    labels = tuple(f"piece {pick + 1}" for pick in picks)
    return Examples(batch, {"tokens": ("token",)}, "tokens", 1, labels, words, (*notes, *said))


def translation_examples(task: Translator, source: Any, target: Any, rows: int, steps: int) -> Examples:
    """Pairs of texts; the steps are those of the source."""
    task._check_fitted()
    pairs = read_parallel(source, target, "utf-8")
    picks = spread(len(pairs), rows)
    some = picked(pairs, picks)
    batch = code_pairs(task.sides_, some).batch(np.arange(len(some)))
    words = tuple(task.sides_.split_source(some.source[0]))
    notes = sampled(len(picks), len(pairs), "pairs", 0, steps, "tokens")
    return Examples(batch, {"source": ("token",)}, "tokens", 1, some.names, words, notes)


LABELLED: dict[type, Callable[..., Examples]] = {
    TextClassifier: text_examples,
    Tagger: tag_examples,
    Translator: translation_examples,
}
