import pytest

from unrolled.errors import ArgumentError
from unrolled.tasks import SequenceClassifier, SequenceRegressor
from unrolled.tasks.sequence.settings import settle


def test_the_options_of_network_and_training():
    settings = settle(
        SequenceClassifier(
            "lstm", 8, layers=2, head="every", dropout=0.0, clip=0.5, forget_bias=1.0
        ).get_params()
    )
    cells = {"forget_bias": 1.0, "memory": None, "orthogonal": False, "layer_norm": False}
    assert settings.network == {
        "cell": "lstm", "hidden": 8, "layers": 2, "head": "every", "bidirectional": False, "dropout": 0.0,
        "cells": cells,
    }  # fmt: skip
    assert settings.every and settings.batch_size == 32
    assert settings.training.clip == 0.5 and settings.training.epochs == 50
    assert not settle(SequenceRegressor().get_params()).every


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        (
            {"cell": "grü"},
            r"cell: expected one of elman, lstm, gru, gru2014, transformer, feed-forward, got 'grü'. Did"
            r" you mean 'gru'?",
        ),
        ({"head": "lats"}, "head: expected one of last, mean, every, got 'lats'. Did you mean 'last'?"),
        ({"bidirectional": 1}, "bidirectional: expected True or False, got 1."),
        ({"hidden_size": 0}, "hidden_size: expected a whole number >= 1, got 0. 64 is a good start."),
        ({"layers": 1.5}, "layers: expected a whole number >= 1, got 1.5. 1 is a good start."),
        ({"batch_size": 0}, "batch_size: expected a whole number >= 1, got 0. 32 is a good start."),
        ({"dropout": 1.0}, "dropout: expected a number from 0 to 0.95, got 1.0. 0 turns it off."),
        ({"learning_rate": 0}, "learning_rate: expected a number > 0, got 0. 0.001 is a good first try."),
    ],
)
def test_a_wrong_parameter_is_found_in_fit_not_before(parameters, message):
    model = SequenceClassifier(**parameters)
    with pytest.raises(ArgumentError) as error:
        model.fit([[[0.0]]], ["a"])
    assert str(error.value) == message


def test_what_both_tasks_share_has_the_same_defaults():
    shared = SequenceRegressor().get_params()
    assert SequenceClassifier().get_params() == shared | {"class_weight": None}
