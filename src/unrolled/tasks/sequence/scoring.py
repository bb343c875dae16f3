"""Score a sequence network and the plain baselines on the same sequences."""

from collections.abc import Sequence

import numpy as np

from unrolled.baselines import statistics
from unrolled.data import SequenceSet
from unrolled.metrics import judge
from unrolled.models import SequenceNetwork
from unrolled.tasks.evaluation import MetricScore
from unrolled.tasks.sequence.answers import Answers
from unrolled.tasks.sequence.baselines import MOST, WINDOW, PlainModel, windows
from unrolled.tasks.sequence.evaluation import SequenceEvaluation
from unrolled.tasks.sequence.run import answers_of, scores_of


def evaluate_sequences(
    network: SequenceNetwork,
    answers: Answers,
    baselines: tuple[PlainModel, ...],
    data: SequenceSet,
    indices: np.ndarray,
    notes: Sequence[str] = (),
) -> SequenceEvaluation:
    """Scores of the model and the baselines on some labelled sequences.

    The verdict compares losses a sequence, which are independent of one another: log loss of classes, squared
    error of numbers, the mean over a sequence's steps where each is answered.
    """
    assert data.labels is not None
    places, owner = answers_of(data, indices)
    found = answers.outputs(scores_of(network, data, indices))
    kept = np.arange(len(places))
    if len(places) > MOST:
        kept = np.linspace(0, len(places) - 1, MOST).round().astype(np.int64)
    places, owner, truth = places[kept], owner[kept], data.labels[places[kept]]
    numbers = statistics(windows(data, places, network.bidirectional))
    outputs = {name_of(network): found[kept]}
    outputs |= {plain.name: answers.outputs(plain.scores(numbers)) for plain in baselines}
    losses = {name: by_owner(answers.losses(truth, out), owner) for name, out in outputs.items()}
    own, *others = losses
    return SequenceEvaluation(
        title=title_of(data, indices),
        scores=tuple(MetricScore(name, answers.metrics(truth, out)) for name, out in outputs.items()),
        verdict=judge(losses[own], {name: losses[name] for name in others}, block=1),
        sequences=len(indices),
        notes=(*notes, *notes_of(network, answers, truth, len(found))),
        losses=losses,
        classes=getattr(answers, "values", ()),
        confusion=answers.confusion(truth, outputs[own]),
    )


def by_owner(losses: np.ndarray, owner: np.ndarray) -> np.ndarray:
    """The mean loss of each sequence that has an answer.

    Example:
        >>> by_owner(np.array([1.0, 3.0, 5.0]), np.array([0, 0, 2])).tolist()
        [2.0, 5.0]
    """
    counts = np.bincount(owner)
    return np.bincount(owner, losses)[counts > 0] / counts[counts > 0]


def name_of(network: SequenceNetwork) -> str:
    """What the table calls the model."""
    ways = "bidirectional " if network.bidirectional else ""
    return f"{ways}{network.cell.upper()} ({network.pool})"


def title_of(data: SequenceSet, indices: np.ndarray) -> str:
    """What was scored."""
    sequences = f"{len(indices):,} sequence{'s' if len(indices) > 1 else ''}"
    return f"{int(data.lengths[indices].sum()):,} steps of {sequences}" if data.every_step else sequences


def notes_of(network: SequenceNetwork, answers: Answers, truth: np.ndarray, answered: int) -> list[str]:
    """What a reader of the table should know."""
    notes = []
    if len(truth) < answered:
        notes.append(f"{len(truth):,} of {answered:,} answers are scored, evenly spaced.")
    if network.pool == "every":
        ways = f"{WINDOW} steps up to each step" + (", and as many after it" if network.bidirectional else "")
        notes.append(f"The baselines read the {ways}.")
    values = getattr(answers, "values", ())
    absent = [str(value) for code, value in enumerate(values) if code not in truth]
    if absent:
        listed = ", ".join(absent[:5]) + (", ..." if len(absent) > 5 else "")
        notes.append(f"Not scored, as none is among these sequences: {listed}.")
    if len(values) and len(set(network.class_weights.tolist())) > 1:
        notes.append("Class weights trade log loss, by which the verdict goes, for the rare classes.")
    return notes
