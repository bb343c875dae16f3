"""What is known of a text task beside the plain baselines, with the errors worth reading."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from unrolled.metrics import judge
from unrolled.tasks.evaluation import Detail, MetricScore
from unrolled.tasks.sequence.answers import Classes
from unrolled.tasks.sequence.evaluation import SequenceEvaluation

MISTAKES = 10  # errors that an evaluation keeps
PRINTED = 5  # of them
LONGEST = 100  # letters of a text in print


@dataclass(frozen=True)
class Mistake:
    """A text that was labelled wrong, and how sure the model was; `name` says where the text stands."""

    name: str
    text: str
    truth: Any
    answered: Any
    probability: float


@dataclass(frozen=True)
class TextEvaluation(SequenceEvaluation):
    """Scores, verdict and the wrong answers that the model was surest of, the surest first."""

    mistakes: tuple[Mistake, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """As JSON."""
        return super().to_dict() | {"mistakes": [vars(mistake) for mistake in self.mistakes]}

    def details(self) -> list[Detail]:
        """The wrong answers that the model was surest of."""
        rows = tuple(
            (f"{m.probability:.1%}", str(m.answered), str(m.truth), shortened(m.text))
            for m in self.mistakes[:PRINTED]
        )
        return [Detail("Surest and wrong", ("sure", "answered", "true", "text"), rows)] if rows else []


def shortened(text: str) -> str:
    """At most so many letters of a text, in one line."""
    text = " ".join(text.split())
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"


def evaluate_texts(
    name: str,
    answers: Classes,
    scores: dict[str, np.ndarray],
    truth: np.ndarray,
    texts: Sequence[str],
    names: Sequence[str],
    notes: Sequence[str] = (),
) -> TextEvaluation:
    """Scores of the model (first) and its baselines on some texts; the verdict goes by their log losses.

    Shapes: scores, by name (texts, classes); truth, codes (texts,).
    """
    outputs = {who: answers.outputs(found) for who, found in scores.items()}
    losses = {who: answers.losses(truth, out) for who, out in outputs.items()}
    own, *others = outputs
    absent = [str(value) for code, value in enumerate(answers.values) if code not in truth]
    more = [f"Not scored, as none is among these texts: {', '.join(absent[:5])}."] if absent else []
    return TextEvaluation(
        title=f"{len(truth):,} text{'s' if len(truth) > 1 else ''}",
        scores=tuple(
            MetricScore(name if who == own else who, answers.metrics(truth, out))
            for who, out in outputs.items()
        ),
        verdict=judge(losses[own], {who: losses[who] for who in others}, block=1),
        sequences=len(truth),
        notes=(*notes, *more),
        losses=losses,
        classes=answers.values,
        confusion=answers.confusion(truth, outputs[own]),
        mistakes=surest_mistakes(answers, outputs[own], truth, texts, names),
    )


def surest_mistakes(
    answers: Classes, outputs: np.ndarray, truth: np.ndarray, texts: Sequence[str], names: Sequence[str]
) -> tuple[Mistake, ...]:
    """The wrong answers of highest probability. Shapes: outputs (texts, classes); truth (texts,)."""
    answered = outputs.argmax(1)
    sure = np.where(answered != truth, outputs.max(1), -1.0)
    worst = [place for place in np.argsort(-sure, kind="stable")[:MISTAKES].tolist() if sure[place] >= 0]
    true, told = answers.decode(truth).tolist(), answers.decode(answered).tolist()
    return tuple(Mistake(names[i], texts[i], true[i], told[i], float(sure[i])) for i in worst)
