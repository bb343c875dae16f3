import json
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unrolled.errors import ModelFileError
from unrolled.format import strict_json

WORDS = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
LEAVES = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | WORDS
)
VALUES = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(WORDS, inner, max_size=4)
)


@given(VALUES)
def test_a_value_comes_back_and_has_one_text(value):
    text = strict_json.encode(value, "card")
    again = strict_json.decode(text, "card")
    assert again == value and repr(again).count("True") == repr(value).count("True")
    assert strict_json.encode(again, "card") == text
    assert text.isascii() and json.loads(text) == value


@given(st.text(max_size=60) | st.text('{}[]",:0-1e9\\u', max_size=60))
def test_any_text_is_a_value_or_one_error(text):
    try:
        value = strict_json.decode(text, "card")
    except ModelFileError as error:
        assert str(error).startswith("card") and "\n" not in str(error)
    else:
        assert json.loads(text) == value


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('{"a":1,"a":2}', "card: expected each key once, got \"'a' again\""),
        ("[NaN]", "card: expected a finite number, got 'NaN'"),
        ("[-Infinity]", "card: expected a finite number, got '-Infinity'"),
        ("[1e999]", "card: expected a finite number, got '1e999'"),
        ("[18446744073709551616]", "card[0]: expected a whole number from -2**63 to 2**64 - 1, got a whole"),
        ("[" + "9" * 100_000 + "]", "card: expected a whole number from -2**63 to 2**64 - 1, got '999"),
        ('{"a":["\\ud800"]}', "card.a[0]: expected a text of whole characters, got '\\ud800'"),
        ('{"a":{"\\udfff":1}}', "card.a: expected a text of whole characters"),
        ('{"é":1}', "card: expected ASCII characters"),
        ('{"a":1} x', "card: expected JSON, got 'Extra data"),
        ('["\x01"]', "card: expected JSON, got 'Invalid control character"),
        ("", "card: expected JSON, got 'Expecting value"),
    ],
)
def test_loose_ends_are_refused(text, told):
    with pytest.raises(ModelFileError) as caught:
        strict_json.decode(text, "card")
    assert told in str(caught.value)


@pytest.mark.parametrize(("opened", "closed"), [("[", "]"), ('{"a":', "}"), ('[{"\\"":', "}]")])
@pytest.mark.parametrize("depth", [65, 2_000, 300_000])
def test_deep_nesting_is_refused_whatever_the_recursion_limit(opened, closed, depth):
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(1_000_000)  # Python's parser alone would overflow the stack of the process
    try:
        with pytest.raises(ModelFileError, match="nested at most 64 deep"):
            strict_json.decode(opened * depth + "0" + closed * depth, "card")
    finally:
        sys.setrecursionlimit(limit)


def test_nesting_to_the_limit_and_brackets_in_texts_are_fine():
    deep = "[" * 64 + "]" * 64
    assert json.dumps(strict_json.decode(deep, "card")) == deep
    assert strict_json.decode(json.dumps(["[" * 500, '"[' * 500, "\\"]), "card")[2] == "\\"


def test_a_value_that_holds_itself_is_refused():
    loop: list = []
    loop.append(loop)
    with pytest.raises(ModelFileError, match="nested at most 64 deep"):
        strict_json.encode(loop, "card")


def test_too_many_values_are_refused_on_both_sides():
    with pytest.raises(ModelFileError, match=r"at most 2,000,000 quotes, commas .* Put a large list"):
        strict_json.decode("[" + "0," * 2_000_000 + "0]", "card")
    with pytest.raises(ModelFileError, match="at most 2,000,000 quotes, commas"):
        strict_json.encode([0] * 2_000_001, "card")


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ({"mean": [1.0, float("nan")]}, "card.mean[1]: expected a finite number, got nan. Write null"),
        ({"a": {"b": {1: 2}}}, "card.a.b: expected keys that are texts, got 1. Write the key as a text."),
        (
            {"a": {1, 2}},
            "card.a: expected an object, a list, a text, a number, true, false or null, got {1, 2}.",
        ),
        (
            {"a": 10**5000},
            "card.a: expected a whole number from -2**63 to 2**64 - 1, got a whole number of 16610",
        ),
        ({"a": b"x"}, "card.a: expected an object, a list, a text"),
    ],
)
def test_what_json_cannot_hold_is_refused_by_its_place(value, told):
    with pytest.raises(ModelFileError) as caught:
        strict_json.encode(value, "card")
    assert told in str(caught.value)


def test_one_long_key_over_many_values_takes_no_long_time():
    # A place name for each value would copy the key a hundred thousand times: 100 GB.
    text = json.dumps({"k" * 1_000_000: [0] * 100_000})
    assert len(strict_json.decode(text, "card")) == 1


def test_unfinished_texts_take_linear_time():
    with pytest.raises(ModelFileError, match="JSON"):
        strict_json.decode('"' + '\\"' * 1_000_000, "card")
