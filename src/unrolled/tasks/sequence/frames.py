"""Predictions of a sequence task as a frame of the kind that came in."""

from typing import Any

import numpy as np

from unrolled.data import Frame
from unrolled.data.series import grouped
from unrolled.tasks.sequence.answers import Answers, Classes
from unrolled.tasks.sequence.data import SequenceColumns


def prediction_frame(
    frame: Frame, columns: SequenceColumns, answers: Answers, outputs: np.ndarray, every: bool
) -> Any:
    """One row a sequence, or one a step where `every` step is answered; sequences in order of appearance.

    Columns: the series; of a step its time, or its number from 1 on; the label; `p_<class>` for each class.
    """
    assert columns.series is not None and columns.target is not None
    _, offsets, order = grouped(frame, columns.series)
    rows = np.arange(frame.rows) if every else offsets[:-1]
    rows = rows if order is None else order[rows]
    picked = [columns.series, *(columns.time if every else ())]
    table: dict[str, Any] = {name: frame.column(name).gather(rows).to_list() for name in picked}
    if every and not columns.time:
        table["step"] = np.arange(frame.rows) - np.repeat(offsets[:-1], np.diff(offsets)) + 1
    table[columns.target] = answers.points(outputs).tolist()
    if isinstance(answers, Classes):
        for code, value in enumerate(answers.values):
            table[f"p_{value}"] = outputs[:, code]
    return frame.same_kind(table)
