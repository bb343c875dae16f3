import numpy as np
import pytest

from unrolled.errors import DataError
from unrolled.tasks.unseen import unseen

KNOWN = np.array([True, False, True])


def test_what_is_known_is_left_out_with_a_note():
    kept, notes = unseen(KNOWN, "sentences", leaves_out=True, or_equal=", or equal ones,")
    assert kept.tolist() == [1]
    assert notes == ["2 sentences that the model was trained or stopped on, or equal ones, are left out."]


def test_what_is_known_is_scored_with_a_note():
    kept, notes = unseen(KNOWN, "texts", leaves_out=False)
    assert kept.tolist() == [0, 1, 2]
    assert notes == ["The model was trained or stopped on 2 of these texts, or on equal ones."]


def test_nothing_known_says_nothing():
    kept, notes = unseen(np.zeros(2, bool), "texts", leaves_out=True)
    assert kept.tolist() == [0, 1] and notes == []


def test_nothing_left_is_refused():
    with pytest.raises(DataError) as error:
        unseen(np.ones(3, bool), "sequences", leaves_out=True)
    assert str(error.value) == (
        "data: expected sequences that the model has not seen, got only the 3 it was trained or stopped on. "
        "Give others: scores on what it was trained on would say nothing."
    )
