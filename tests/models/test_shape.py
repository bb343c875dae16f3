import json
import re

import pytest

from unrolled.errors import ArgumentError
from unrolled.models import ForecastShape, SequenceShape


def test_card_is_json_and_comes_back_equal():
    shape = ForecastShape(targets=3, past_codes=(4, 9), quantiles=(0.25, 0.5), masked_past=True)
    card = json.loads(json.dumps(shape.card()))
    assert ForecastShape.from_card(card) == shape
    assert card["past_codes"] == [4, 9]
    sequence = SequenceShape(features=3, classes=4, masked=True)
    assert SequenceShape.from_card(json.loads(json.dumps(sequence.card()))) == sequence


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"horizon": 0}, "horizon: expected a whole number >= 1, got 0"),
        ({"past": -1}, "past: expected a whole number >= 0, got -1"),
        ({"quantiles": (0.5, 0.5)}, r"rising numbers between 0 and 1, got \(0.5, 0.5\). Give them in order"),
        ({"quantiles": (0.0, 0.5)}, "rising numbers between 0 and 1"),
        ({"quantiles": ()}, "rising numbers between 0 and 1"),
        ({"masked_past": 1}, "masked_past: expected True or False, got 1"),
        (
            {"past_codes": 3},
            "past_codes: expected a list of vocabulary sizes, got 3. One for each text column",
        ),
        ({"static_codes": (0,)}, "static_codes: expected a whole number >= 1, got 0"),
    ],
)
def test_wrong_fields_are_refused(fields, message):
    with pytest.raises(ArgumentError, match=message):
        ForecastShape(**fields)


def test_unknown_field_names_the_nearest():
    with pytest.raises(ArgumentError, match=re.escape("got 'horizen'. Did you mean 'horizon'?")):
        ForecastShape.from_card({"horizen": 3})


@pytest.mark.parametrize("fields", [{}, {"classes": 1}, {"classes": 2, "targets": 1}])
def test_a_sequence_has_one_kind_of_answer(fields):
    with pytest.raises(ArgumentError, match="classes >= 2 or targets >= 1, not both"):
        SequenceShape(features=2, **fields)
