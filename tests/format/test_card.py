import numpy as np
import pytest

from unrolled import __version__
from unrolled.errors import ArgumentError, ModelFileError
from unrolled.format import array, choice, entries, field, naming, new_card, real, whole
from unrolled.format.card import check_card

CARD = new_card(
    "model", "forecast", {"horizon": 24, "scale": 2, "share": 0.5, "known": ["a", "b"], "flag": True}
)


def test_a_new_card_has_the_required_fields_and_the_rest():
    everything = {
        "format": 1,
        "unrolled": __version__,
        "kind": "model",
        "task": "forecast",
        "horizon": 24,
        "scale": 2,
        "share": 0.5,
        "known": ["a", "b"],
        "flag": True,
    }
    assert everything == CARD
    assert check_card(CARD) is CARD


def test_a_required_field_is_not_given_twice():
    with pytest.raises(
        ArgumentError, match=r"rest: expected no required field, got 'kind'\. Choose another name"
    ):
        new_card("model", "forecast", {"kind": "x"})


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"format": "1"}, "card.format: expected a whole number, got '1'."),
        ({"format": True}, "card.format: expected a whole number, got True."),
        ({"format": 0}, "card.format: expected a whole number >= 1, got 0."),
        (
            {"format": 2, "unrolled": "9.1"},
            "card.format: expected at most 1, got 2 (made by unrolled '9.1'). ",
        ),
        ({"format": 2}, "It needs a newer unrolled: pip install -U unrolled"),
        ({"format": 2, "kind": 7, "task": None}, "pip install -U unrolled"),
        ({"unrolled": ""}, "card.unrolled: expected a version, got ''."),
        ({"unrolled": 1}, "card.unrolled: expected a text, got 1."),
        ({"kind": "network"}, "card.kind: expected one of model, program, checkpoint, got 'network'."),
        ({"task": ["forecast"]}, "card.task: expected a text, got ['forecast']."),
    ],
)
def test_a_wrong_required_field_is_named(change, told):
    with pytest.raises(ModelFileError) as caught:
        check_card(CARD | change)
    assert told in str(caught.value)


@pytest.mark.parametrize("name", ["format", "unrolled", "kind", "task"])
def test_a_missing_required_field_is_named(name):
    with pytest.raises(
        ModelFileError, match=rf"card\.{name}: expected .*, got no such field\. Take another copy"
    ):
        check_card({key: value for key, value in CARD.items() if key != name})


def test_checks_return_the_value():
    assert field(CARD, "flag", bool) is True
    assert entries(CARD, "known", str) == ["a", "b"]
    assert whole(CARD, "horizon", minimum=1, maximum=24) == 24
    assert (real(CARD, "scale"), real(CARD, "share", 0, 1)) == (2.0, 0.5)
    assert choice(CARD, "task", ("tag", "forecast")) == "forecast"


@pytest.mark.parametrize(
    ("check", "told"),
    [
        (lambda: field(CARD, "known", dict), "card.known: expected an object, got ['a', 'b']."),
        (lambda: field(CARD, "flag", int), "card.flag: expected a whole number, got True."),
        (lambda: field({"x": 1}, "x", str, "card.scalers"), "card.scalers.x: expected a text, got 1."),
        (lambda: entries({"k": ["a", 1]}, "k", str), "card.k[1]: expected a text, got 1."),
        (lambda: whole(CARD, "horizon", maximum=23), "card.horizon: expected a whole number <= 23, got 24."),
        (lambda: real(CARD, "flag"), "card.flag: expected a number, got True."),
        (lambda: real(CARD, "share", 1, 2), "card.share: expected a number from 1 to 2, got 0.5."),
        (lambda: real({}, "share"), "card.share: expected a number, got no such field."),
        (lambda: choice(CARD, "task", ("tag",)), "card.task: expected one of tag, got 'forecast'."),
        (lambda: field({"x": "y" * 10**6}, "x", int), "...yyyy"),
    ],
)
def test_checks_name_the_field_and_the_value(check, told):
    with pytest.raises(ModelFileError) as caught:
        check()
    assert told in str(caught.value) and len(str(caught.value)) < 200


@pytest.mark.parametrize(
    ("name", "dtype", "shape", "told"),
    [
        ("v", "float32", (3,), "array 'v': expected float32 (3), got no such array."),
        ("w", "float64", (3, 2), "array 'w': expected float64 (3, 2), got float32 (3, 2)."),
        ("w", "float32", (None, 3), "array 'w': expected float32 (any, 3), got float32 (3, 2)."),
        ("w", "float32", (3,), "array 'w': expected float32 (3), got float32 (3, 2)."),
    ],
)
def test_an_array_that_does_not_fit_is_named(name, dtype, shape, told):
    tensors = {"w": np.zeros((3, 2), np.float32)}
    assert array(tensors, "w", "float32", (None, 2)) is tensors["w"]
    with pytest.raises(ModelFileError) as caught:
        array(tensors, name, dtype, shape)
    assert told in str(caught.value)


def test_naming_keeps_an_odd_path_on_one_line():
    with pytest.raises(ModelFileError) as caught, naming("a\nb.unrolled"):
        field({}, "x", int)
    assert str(caught.value).startswith("'a\\nb.unrolled', card.x: expected a whole number")
