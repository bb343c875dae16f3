"""Classic problems whose answer lies a known number of steps back: what must be remembered, and how long.

Each is drawn anew from a generator, so that nothing can be learned by heart. A *lag* is the number of steps
over which something must be kept; chance is what the best answer without any memory gets.

Key: N sequences · T steps.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from unrolled.models import SequenceShape

Random = np.random.Generator
NOTHING = -1  # the label of a step that is not answered


class Drawn(NamedTuple):
    """Sequences of one length with their answers.

    Shapes: x float32 (N, T, features); label float32 (N, 1), int64 (N,) or, a label a step, int64 (N, T);
    scored bool as label: which of the answers count in the score.
    """

    x: np.ndarray
    label: np.ndarray
    scored: np.ndarray


@dataclass(frozen=True)
class Probe:
    """A problem: how it is drawn, what it is answered with, what chance gets.

    `head` is the one of a SequenceNetwork. The score is the mean squared error of a number (`shape.targets`),
    of which `solved` or less counts as solved, or the accuracy of a class, of which `solved` or more does.
    """

    name: str
    title: str
    task: str
    source: str
    shape: SequenceShape
    head: str
    chance: float
    solved: float
    draw: Callable[[Random, int, int], Drawn]

    @property
    def metric(self) -> str:
        """What the score is called."""
        return "MSE" if self.shape.targets else "accuracy"

    def is_solved(self, score: float) -> bool:
        """Whether a score counts as solved; one that is not a number does not."""
        return score <= self.solved if self.shape.targets else score >= self.solved

    def skill(self, score: float) -> float:
        """A score between chance (0) and a perfect one (1), so that problems can be drawn alike."""
        best = 0.0 if self.shape.targets else 1.0
        return float(np.clip((score - self.chance) / (best - self.chance), 0.0, 1.0))


def adding(random: Random, count: int, lag: int) -> Drawn:
    """Numbers in [0, 1], two of them marked, one in each half: answer their sum.

    Chance answers 1, with a mean squared error of 1/6. Shapes: x (N, lag, 2); label (N, 1).
    Source: Hochreiter and Schmidhuber 1997, doi:10.1162/neco.1997.9.8.1735; in this form Le et al. 2015,
    arXiv:1504.00941.

    Example:
        >>> x, label, _ = adding(np.random.default_rng(0), 3, lag=10)
        >>> bool(np.allclose((x[..., 0] * x[..., 1]).sum(1), label[:, 0]))
        True
    """
    x = np.zeros((count, lag, 2), np.float32)
    x[..., 0] = random.random((count, lag))
    rows, half = np.arange(count), lag // 2
    x[rows, random.integers(0, half, count), 1] = 1
    x[rows, random.integers(half, lag, count), 1] = 1
    label = (x[..., 0] * x[..., 1]).sum(1, keepdims=True)
    return Drawn(x, label, np.ones(label.shape, bool))


COPIED, ALPHABET = 10, 8  # symbols to repeat, of so many


def copying(random: Random, count: int, lag: int) -> Drawn:
    """Ten symbols of eight, a wait of `lag` blanks whose last is a signal, then the symbols are wanted back.

    Every step is answered, with a blank until the end; the ten symbols are scored.
    Shapes: x (N, lag + 20, 10) one-hot; label (N, lag + 20).
    Source: Hochreiter and Schmidhuber 1997; in this form Arjovsky et al. 2016, arXiv:1511.06464.

    Example:
        >>> x, label, scored = copying(np.random.default_rng(0), 2, lag=5)
        >>> bool((x[:, :10].argmax(-1) == label[:, -10:]).all()), int(scored.sum())
        (True, 20)
    """
    blank, signal = ALPHABET, ALPHABET + 1
    symbols = random.integers(0, ALPHABET, (count, COPIED))
    read = np.full((count, lag + 2 * COPIED), blank)
    read[:, :COPIED] = symbols
    read[:, COPIED + lag - 1] = signal
    label = np.full(read.shape, blank)
    label[:, -COPIED:] = symbols
    scored = np.zeros(label.shape, bool)
    scored[:, -COPIED:] = True
    return Drawn(one_hot(read, ALPHABET + 2), label, scored)


RECALLED = 4


def recall(random: Random, count: int, lag: int) -> Drawn:
    """One symbol of four at the first step, then `lag` steps of noise: answer the symbol.

    The latching problem with as many classes as one likes. Shapes: x (N, lag + 1, 5), the last feature is the
    noise; label (N,).
    Source: Bengio, Simard and Frasconi 1994, doi:10.1109/72.279181.
    """
    label = random.integers(0, RECALLED, count)
    x = np.zeros((count, lag + 1, RECALLED + 1), np.float32)
    x[np.arange(count), 0, label] = 1
    x[:, 1:, RECALLED] = random.standard_normal((count, lag))
    return Drawn(x, label, np.ones(label.shape, bool))


def parity(random: Random, count: int, lag: int) -> Drawn:
    """Bits, as -1 and 1: answer whether the number of ones is odd. A single missed bit leaves chance.

    Shapes: x (N, lag, 1); label (N,).
    Source: Minsky and Papert 1969; for recurrent networks Hochreiter and Schmidhuber 1997.

    Example:
        >>> x, label, _ = parity(np.random.default_rng(0), 4, lag=6)
        >>> bool(((x[..., 0] > 0).sum(1) % 2 == label).all())
        True
    """
    bits = random.integers(0, 2, (count, lag))
    x = (2.0 * bits - 1)[..., None].astype(np.float32)
    label = bits.sum(1) % 2
    return Drawn(x, label, np.ones(label.shape, bool))


BRACKETS, DEEPEST = 2, 8


def brackets(random: Random, count: int, lag: int) -> Drawn:
    """Balanced brackets of two kinds, at most eight deep: answer which kind each closing one is.

    The kind of a closing bracket is not read before it is answered: step t is answered from the brackets
    before it. Only closing ones are answered and scored. Shapes: x (N, T, 5), T = lag rounded down to an even
    number, one-hot of the bracket before and a start; label (N, T).
    Source: the language Dyck-(k, m), Hewitt et al. 2020, arXiv:2010.07515.
    """
    steps = lag - lag % 2
    read = np.empty((count, steps), np.int64)
    label = np.full((count, steps), NOTHING)
    for row in range(count):
        word = _balanced(random, steps)
        open_ones: list[int] = []
        for step, (opens, kind) in enumerate(word):
            if opens:
                open_ones.append(kind)
                read[row, step] = kind
            else:
                label[row, step] = open_ones.pop()
                read[row, step] = BRACKETS + label[row, step]
    before = np.full_like(read, 2 * BRACKETS)
    before[:, 1:] = read[:, :-1]
    return Drawn(one_hot(before, 2 * BRACKETS + 1), label, label != NOTHING)


def _balanced(random: Random, steps: int) -> list[tuple[bool, int]]:
    """Up and down, never below 0, at most `DEEPEST`, back at 0 in the end; each opening has a kind."""
    word, depth = [], 0
    coins, kinds = random.integers(0, 2, steps), random.integers(0, BRACKETS, steps)
    for step in range(steps):
        left = steps - step
        opens = depth == 0 or (bool(coins[step]) and depth < min(DEEPEST, left - 1))
        word.append((opens, int(kinds[step])))
        depth += 1 if opens else -1
    return word


DISTRACTORS = 4


def temporal_order(random: Random, count: int, lag: int) -> Drawn:
    """Two symbols, each X or Y, among distractors: answer which came first, which second; four classes.

    The first stands between a tenth and a fifth of the sequence, the second between four tenths and half.
    Shapes: x (N, lag, 6) one-hot; label (N,), 2 * first + second.
    Source: Hochreiter and Schmidhuber 1997, experiment 6a; in this form Pascanu et al. 2013, arXiv:1211.5063.
    """
    read = random.integers(2, 2 + DISTRACTORS, (count, lag))
    rows, first, second = np.arange(count), *random.integers(0, 2, (2, count))
    read[rows, random.integers(lag // 10, max(lag // 5, lag // 10 + 1), count)] = first
    read[rows, random.integers(4 * lag // 10, max(lag // 2, 4 * lag // 10 + 1), count)] = second
    label = 2 * first + second
    return Drawn(one_hot(read, 2 + DISTRACTORS), label, np.ones(label.shape, bool))


def one_hot(codes: np.ndarray, count: int) -> np.ndarray:
    """Codes (...) as float32 (..., count) with a single 1."""
    return np.eye(count, dtype=np.float32)[codes]


PROBES: Mapping[str, Probe] = {
    probe.name: probe
    for probe in (
        Probe(
            "adding",
            "Adding problem",
            "add two marked numbers among many",
            "Hochreiter and Schmidhuber 1997; Le et al. 2015",
            SequenceShape(features=2, targets=1),
            "last",
            chance=1 / 6,
            solved=0.01,
            draw=adding,
        ),
        Probe(
            "copying",
            "Copying memory",
            "repeat ten symbols after a wait",
            "Hochreiter and Schmidhuber 1997; Arjovsky et al. 2016",
            SequenceShape(features=ALPHABET + 2, classes=ALPHABET + 2),
            "every",
            chance=1 / ALPHABET,
            solved=0.99,
            draw=copying,
        ),
        Probe(
            "recall",
            "Delayed recall",
            "name the first symbol after a stretch of noise",
            "Bengio, Simard and Frasconi 1994",
            SequenceShape(features=RECALLED + 1, classes=RECALLED),
            "last",
            chance=1 / RECALLED,
            solved=0.99,
            draw=recall,
        ),
        Probe(
            "parity",
            "Parity",
            "tell whether the number of ones is odd",
            "Minsky and Papert 1969",
            SequenceShape(features=1, classes=2),
            "last",
            chance=0.5,
            solved=0.99,
            draw=parity,
        ),
        Probe(
            "brackets",
            "Dyck brackets",
            "name the kind of the bracket that closes next",
            "Hewitt et al. 2020",
            SequenceShape(features=2 * BRACKETS + 1, classes=BRACKETS),
            "every",
            chance=1 / BRACKETS,
            solved=0.99,
            draw=brackets,
        ),
        Probe(
            "order",
            "Temporal order",
            "tell which of two symbols came first, among distractors",
            "Hochreiter and Schmidhuber 1997; Pascanu et al. 2013",
            SequenceShape(features=2 + DISTRACTORS, classes=4),
            "last",
            chance=0.25,
            solved=0.99,
            draw=temporal_order,
        ),
    )
}
DEFAULT = ("adding", "copying", "recall")
