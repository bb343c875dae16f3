"""What measurements mean, and the options that advice names."""

import numpy as np
import pytest

import unrolled as ur
from unrolled.insight import findings as say
from unrolled.insight.advice import (
    Setting,
    against_explosion,
    against_saturation,
    for_longer_reach,
    lower_rate,
)
from unrolled.insight.importance import Importance
from unrolled.insight.jacobian import Spectrum
from unrolled.probe import GateStatistics, GradientReach, MemoryUsed
from unrolled.training import EpochRecord, History


def setting(window=100, **parameters):
    usual = ur.SequenceClassifier().get_params()
    return Setting(usual | parameters, usual, window, "steps")


def reach(norms):
    return [GradientReach.of("layer 1", np.asarray(norms))]


def history(*records, untrained=2.0):
    return History(untrained, [EpochRecord(*record, 0.001) for record in records])


@pytest.mark.parametrize(
    ("parameters", "changes"),
    [
        ({"cell": "elman"}, {"cell": "gru"}),
        ({"cell": "lstm"}, {"forget_bias": 1.0}),
        ({"cell": "lstm", "forget_bias": -3.0}, {"forget_bias": 1.0}),
        ({"cell": "lstm", "forget_bias": 1.0}, {"memory": 100, "forget_bias": None}),
        ({"cell": "lstm", "memory": 200}, {"orthogonal": True}),
        ({"cell": "gru"}, {"orthogonal": True}),
        ({"cell": "gru", "orthogonal": True}, {"layer_norm": True}),
        ({"cell": "gru", "orthogonal": True, "layer_norm": True}, {}),
    ],
)
def test_a_short_reach(parameters, changes):
    found = say.about_reach(reach(0.5 ** np.arange(100)), setting(**parameters))
    assert found.mark == "bad" and "below 1 % after 7 steps" in found.sentence
    assert found.changes == changes == for_longer_reach(setting(**parameters))[1]
    assert all(name in found.advice for name in changes if changes[name] is not None)


def test_a_long_reach_an_explosion_and_none():
    assert say.about_reach(reach(0.99 ** np.arange(100)), setting()).mark == "good"
    found = say.about_reach(reach(1.1 ** np.arange(100)), setting(clip=0))
    assert found.mark == "bad" and found.changes == {"clip": 1.0} and "explodes" in found.sentence
    assert "No gradient" in say.about_reach(reach(np.zeros(5)), setting()).sentence
    pooled = [GradientReach.of("layer 1", 0.5 ** np.arange(100), direct=True)]
    assert say.about_reach(pooled, setting()).mark == "good"


def test_a_memory_beyond_the_reach_is_no_fault_of_the_reach():
    def memory(lag):
        return MemoryUsed(np.array([0, 50]), np.array([2.0, 1.5]), np.zeros(2), 1.0, lag, 9)

    short = reach(0.5 ** np.arange(100))  # below 1 % after 7 steps of 100
    for lag, mark in ((None, "good"), (60, "good"), (20, "note"), (3, "bad")):
        found = say.about_reach(short, setting(), memory(lag))
        assert found.mark == mark, lag
        assert ("matter all the same" in found.sentence) == (lag != 3)


def test_explosion_and_saturation():
    assert against_explosion(setting(learning_rate=0.3))[1] == {"learning_rate": 0.001}
    assert against_explosion(setting())[1] == {"orthogonal": True}
    assert against_explosion(setting(orthogonal=True))[1] == {"layer_norm": True}
    assert against_saturation(setting())[1] == {"layer_norm": True}
    assert against_saturation(setting(layer_norm=True))[1] == {"learning_rate": 0.00033}
    chosen = Setting({"learning_rate": 0.5}, {"learning_rate": None}, 9, "rows")  # by the data
    assert lower_rate(chosen)[1] == {"learning_rate": None}
    assert lower_rate(Setting({}, {}, 9, "rows"))[1] == {}


def test_memory():
    lags, errors = np.array([0, 1, 4]), np.zeros(3)
    ends = MemoryUsed(lags, np.array([2.0, 1.5, 1.0]), errors, 1.0, 4, 9)
    assert say.about_memory(ends, setting()).sentence.startswith(
        "What is older than 4 steps no longer matters"
    )
    assert "newest" in say.about_memory(MemoryUsed(lags, np.ones(3), errors, 1.0, 0, 9), setting()).sentence
    longer = say.about_memory(MemoryUsed(lags, np.ones(3), errors, 0.5, None, 9), setting())
    assert longer.advice == "Longer sequences may gain more." and longer.mark == "note"
    assert say.about_memory(None, setting()).mark == ""


def test_the_jacobian():
    def spectrum(top):
        return [Spectrum("layer 1", np.ones(3), np.ones((3, 2)), np.array([top, -1.0]), 2, 50)]

    assert say.about_jacobian(spectrum(0.2), setting()).mark == "bad"
    slow = say.about_jacobian(spectrum(0.0168), setting())  # exp(1.68) in 100 steps
    assert slow.mark == "good" and "no small difference grows beyond 5.37 times in 100 steps" in slow.sentence
    assert say.about_jacobian(spectrum(-0.02), setting()).mark == "good"
    assert "1/e in 50 steps" in say.about_jacobian(spectrum(-0.02), setting()).sentence
    assert say.about_jacobian(spectrum(-1.0), setting()).mark == "note"


def test_gates():
    def gates(constants, shut=0.0, dead=()):
        one = {"input": np.ones(20) / 20, "forget": np.ones(20) / 20}
        ends = {"input": shut, "forget": shut}
        return [GateStatistics("layer 1", "lstm", one, ends, ends, np.asarray(constants), dead, (), 4)]

    forgets = say.about_gates(gates([0.3, 0.5]), setting(cell="lstm", forget_bias=-3.0))
    assert forgets.mark == "bad" and forgets.changes == {"forget_bias": 1.0}
    assert say.about_gates(gates([9.0, 50.0]), setting()).mark == "good"
    assert say.about_gates(gates([9.0, 50.0], shut=0.4), setting()).changes == {"layer_norm": True}
    assert "hidden_size=2" in say.about_gates(gates([9.0, 50.0], dead=(0, 1)), setting()).advice


def test_clipping_and_learning():
    often = history((1.0, 1.9, 0.9, 3.0), (0.9, 1.8, 0.9, 3.0))
    assert "clip=3" in say.about_clipping(often, setting()).advice
    assert say.about_clipping(often, setting(learning_rate=0.3)).changes == {"learning_rate": 0.001}
    jumps = history((1.0, 1.9, 0.0, 1.0), (0.9, 1.8, 0.0, 1.0), (0.9, 1.8, 0.0, 99.0))
    assert say.about_clipping(jumps, setting(clip=0)).changes == {"clip": 1.0}
    assert say.about_clipping(history((1.0, 1.9, 0.1, 1.0)), setting()).mark == "good"
    assert say.about_clipping(None, setting()).mark == ""
    worse = history((1.0, 2.5, 0.0, 1.0))
    assert say.about_learning(worse, setting()).changes == {"learning_rate": 0.00033}
    assert say.about_learning(often, setting(learning_rate=0.3)).mark == "bad"
    assert say.about_learning(often, setting()).mark == "good" and say.about_learning(None, setting()) is None


def test_the_worst_findings_word_goes_first():
    found = [
        say.Finding("a", "A.", "note", "x", {"clip": 1.0, "cell": "gru"}),
        say.Finding("b", "B.", "bad", "y", {"clip": 2.0}),
        say.Finding("c", "C.", "good", "z", {"layers": 9}),
    ]
    assert say.changes_of(found) == {"clip": 2.0, "cell": "gru"}


def test_advice_names_what_the_task_has():
    lags, errors = np.array([0, 1, 4]), np.zeros(3)
    unused = MemoryUsed(lags, np.ones(3), errors, 1.0, 0, 9)
    assert say.about_memory(unused, setting()).advice.startswith("Shorter sequences are as good")
    window = Setting({"history": 96}, {}, 96, "rows")
    assert say.about_memory(unused, window).advice.startswith("A shorter history is as good")
    for kind in (ur.Translator, ur.LanguageModel, ur.TextClassifier):
        given = kind().get_params()
        text, changes = for_longer_reach(Setting(given, given, 50, "tokens"))
        assert set(changes) <= set(given) and "history" not in text
        assert "bptt" not in text or "bptt" in given


def test_what_the_past_saves_is_told_in_its_unit():
    lags, errors = np.array([0, 1, 4]), np.zeros(3)
    nats = Setting({}, {}, 9, "tokens", loss="nats")
    little = say.about_memory(MemoryUsed(lags, np.array([3.001, 3.0, 3.0]), errors, 3.0, 1, 9), nats)
    assert "of a loss of 3 nats" in little.sentence and "hardly anything" in little.sentence
    assert little.mark == "note"
    density = Setting({}, {}, 9, "rows", loss="nats a value")  # its loss may be below 0
    found = say.about_memory(MemoryUsed(lags, np.array([-0.4, -0.5, -0.5]), errors, -0.5, 1, 9), density)
    assert found.sentence.endswith("saves 0.1 nats a value.") and found.mark == "good"
    assert say.about_memory(None, setting(), "a sequence alone").sentence == "Not measured: a sequence alone."


def test_gates_that_forget_are_no_fault_where_the_gradient_arrives():
    one = {"input": np.ones(20) / 20, "forget": np.ones(20) / 20}
    ends = {"input": 0.0, "forget": 0.0}
    gates = [GateStatistics("layer 1", "lstm", one, ends, ends, np.array([1.0, 2.0]), (), (), 2)]
    assert say.about_gates(gates, setting(), reach(0.99 ** np.arange(100))).mark == "good"
    assert say.about_gates(gates, setting(), reach(0.5 ** np.arange(100))).mark == "bad"


def test_what_cannot_be_left_out_is_not_advised():
    bands, none = ((0, 0), (1, 9)), np.zeros((3, 2))
    excess, errors = np.array([0.0, 0.0, 0.5]), np.full(3, 0.01)
    found = Importance(("y", "sin hour", "x"), bands, excess, none, errors, 1.0)
    fixed = Setting({}, {}, 9, "rows", loss="scaled units", fixed=("y", "sin hour"))
    assert say.about_importance(found, fixed).advice == ""
    assert "rises by 0.5 scaled units" in say.about_importance(found, fixed).sentence
    some = Setting({}, {}, 9, "rows", fixed=("y",))
    assert say.about_importance(found, some).advice == "Leave out what does not help: sin hour."
