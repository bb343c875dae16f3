"""Architectures compared on a task: budgets, what is measured, what the table claims, the verdict."""

import json
import re
import sys
import time
from itertools import pairwise

import numpy as np
import pytest
import torch

import unrolled as ur
from unrolled.errors import ArgumentError, DataError
from unrolled.insight.architectures import CONTENDERS, bytes_per_stream, solve_hidden
from unrolled.insight.compare import epochs_within, timer_of
from unrolled.insight.comparison import Costs, Entry, conclude, with_spread
from unrolled.insight.subjects import subject_of
from unrolled.models import build
from unrolled.nn import parameter_count
from unrolled.tasks.forecast import guard
from unrolled.tasks.forecast import sources as forecast_sources
from unrolled.tasks.sequence import fit as sequence_fit

FORECASTER = {"horizon": 3, "history": 12, "hidden_size": 10, "epochs": 2, "device": "cpu", "batch_size": 32}
CLASSIFIER = {"hidden_size": 10, "epochs": 2, "device": "cpu"}
QUICK = {"seeds": 2, "seconds": 0.2}


@pytest.fixture(autouse=True, scope="module")
def short_runs():
    """One thread, short epochs; a few steps are no gain that tells, but here they are kept."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(forecast_sources, "STEPS", 4)
        patch.setattr(sequence_fit, "STEPS", 4)
        patch.setattr(guard, "helped", lambda gain: True)
        patch.setattr(sys.modules["unrolled.insight.compare"], "PILOT", 4)
        yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def wave():
    random = np.random.default_rng(0)
    return np.sin(np.arange(260) / 5)[:, None] + 0.1 * random.standard_normal((260, 1))


@pytest.fixture(scope="module")
def ramps():
    random = np.random.default_rng(2)
    x = random.standard_normal((60, 8, 2)) + np.linspace(-1, 1, 8)[:, None]
    x[30:] = x[30:, ::-1]
    return x, np.repeat(["up", "down"], 30)


@pytest.fixture(scope="module")
def forecast(wave):
    told = []
    found = ur.compare(ur.Forecaster(**FORECASTER), wave, tell=told.append, **QUICK)
    return found, told


@pytest.fixture(scope="module")
def ragged(ramps):
    """Sequences of different lengths."""
    x, y = ramps
    cut = [row[: 5 + place % 4] for place, row in enumerate(x)]
    return ur.compare(ur.SequenceClassifier(**CLASSIFIER), cut, y, seeds=1, seconds=0.2)


def test_every_architecture_has_about_as_many_parameters(forecast):
    found, _ = forecast
    assert [entry.name for entry in found.entries] == list(CONTENDERS)
    budget = found.budget["parameters"]
    assert found.entry("gru").parameters == budget  # the task's own network sets it
    for entry in found.entries:
        assert abs(entry.parameters / budget - 1) < 0.1, (
            entry.title
        )  # a unit more is as much in so small ones


@pytest.mark.parametrize("cell", CONTENDERS)
def test_larger_networks_match_within_two_percent(cell):
    def count(hidden):
        steps = {"steps": 64} if cell == "feed-forward" else {}
        shape = {"features": 2, "classes": 4}
        return parameter_count(
            build({"kind": "sequence", "shape": shape, "cell": cell, "hidden": hidden} | steps)
        )

    for budget in (16_000, 60_000):
        assert abs(count(solve_hidden(count, budget)) / budget - 1) < 0.02


def test_a_budget_that_is_too_small_is_refused():
    with pytest.raises(
        ArgumentError, match=r"parameters: expected enough for X, got 5, and one hidden unit has"
    ):
        solve_hidden(lambda hidden: 100 * hidden, 5, "X")


def test_metrics_and_spread_are_those_of_the_seeds(forecast):
    found, told = forecast
    entry = found.entry("lstm")
    values = entry.metrics["MSE"]
    assert len(values) == 2 and values[0] != values[1]
    assert entry.mean("MSE") == pytest.approx(sum(values) / 2)
    assert entry.spread("MSE") == pytest.approx(abs(values[0] - values[1]) / 2**0.5)
    assert with_spread("MSE", 0.1234, 0.0056) == "0.123 ±0.006"
    assert len(told) == 10 and told[0].startswith("Feed-forward, seed 1 of 2: MSE ")
    assert {"last value", "ridge regression"} <= set(found.baselines)
    assert all(np.isfinite(list(one.values())).all() for one in found.baselines.values())


def test_an_entry_is_what_the_task_itself_gives(wave):
    """The same network as `fit` trains: the same metric, when the epochs are the same."""
    found = ur.compare(ur.Forecaster(**FORECASTER), wave, architectures=["gru"], seeds=1, seconds=60)
    entry = found.entry("gru")
    model = ur.Forecaster(**FORECASTER | {"epochs": 4 * FORECASTER["epochs"]}).fit(wave)
    assert entry.hidden == 10 and entry.metrics["MSE"][0] == model.evaluation_.model.mse
    assert found.baselines["ridge regression"]["MSE"] == model.evaluation_.score("ridge regression").mse


def test_costs_are_measured_where_there_is_a_stream(forecast):
    found, _ = forecast
    for entry in found.entries:
        assert 0 < entry.costs.torch_seconds < 1 and entry.costs.multiply_adds > 0
        if entry.name == "transformer":
            assert entry.costs.stream_seconds is None
        else:
            assert 0 < entry.costs.stream_seconds < entry.costs.torch_seconds
        assert entry.costs.stream_bytes == 4 * FORECASTER["history"]  # all read the same window anew


def test_what_is_kept_of_a_stream():
    shape = {"features": 3, "classes": 2}

    def kept(cell, steps=20, **options):
        config = {"kind": "sequence", "shape": shape, "cell": cell, "hidden": 10, **options}
        return bytes_per_stream(build(config), steps)

    assert kept("gru") == kept("elman") == 40 and kept("lstm") == 80 and kept("gru", layers=2) == 80
    flat = {"kind": "sequence", "shape": shape, "cell": "feed-forward", "hidden": 10, "steps": 20}
    assert bytes_per_stream(build(flat), 20) == 4 * 20 * 3
    width = 2 * -(-10 // 8)
    assert kept("transformer") == 4 * 20 * 2 * 4 * width and kept("transformer", 40) == 2 * kept(
        "transformer"
    )


def test_reach_and_memory_are_those_of_the_first_network(forecast):
    found, _ = forecast
    for entry in found.entries:
        assert entry.reach.lags[0] == 0 and (entry.reach.norms > 0).any()
        assert entry.reach.lags[1] == entry.reach.lags[-1] / (len(entry.reach.lags) - 1)
        assert entry.memory.losses.shape == entry.memory.lags.shape


def test_the_claim_of_any_length_holds(ragged):
    """The feed-forward network says no, and refuses; those that say yes do read shorter sequences."""
    assert ragged.entry("feed-forward").refused.startswith("X: expected sequences of one length, got 5 to 8")
    assert all(entry.any_length for entry in ragged.trained) and len(ragged.trained) == 4
    row = ragged.table()[1][0]
    assert row[:3] == ["Feed-forward", "refuses", "refuses"]
    assert any("cut or pad them, or use cell='gru'" in note for note in ragged.notes)


def test_a_feed_forward_network_of_one_length_takes_part_and_says_no(ramps):
    x, y = ramps
    found = ur.compare(
        ur.SequenceClassifier(**CLASSIFIER), x, y, architectures=["feed-forward", "gru"], seeds=1, seconds=0.2
    )
    assert [entry.any_length for entry in found.entries] == [False, True]
    assert found.metrics == ("log loss", "accuracy") and "commonest class" in found.baselines
    assert found.entry("feed-forward").costs.stream_bytes == 4 * 8 * 2


def test_training_is_timed_by_the_processor_and_ends_within_its_budget(forecast):
    found, _ = forecast
    assert timer_of("cpu") is time.process_time
    for entry in found.entries:
        assert all(0 < seconds < 5 for seconds in entry.seconds)
        first, *others = entry.curves[0]
        assert first[0] == 0 and len(others) == entry.epochs[0]  # the untrained network, then every epoch
        assert all(a[0] < b[0] and a[1] >= b[1] for a, b in pairwise([first, *others]))


def test_a_longer_budget_gives_more_epochs_up_to_four_times_the_tasks_own(wave):
    subject = subject_of(ur.Forecaster(**FORECASTER), wave, {})
    assert epochs_within(subject, "gru", 10, 1e-6) == 1
    assert epochs_within(subject, "gru", 10, 1e6) == 4 * FORECASTER["epochs"]


def test_what_was_not_worth_keeping_is_told(wave, monkeypatch):
    monkeypatch.setattr(guard, "helped", lambda gain: False)
    monkeypatch.setattr(guard, "clearly_helped", lambda gain: False)
    found = ur.compare(ur.Forecaster(**FORECASTER), wave, architectures=["gru"], seeds=2, seconds=0.1)
    told = "GRU: in 2 of 2 runs nothing learned beat the last value, which is judged."
    assert told in found.notes and found.entry("gru").kept == 0
    assert found.entry("gru").mean("MSE") == pytest.approx(found.baselines["last value"]["MSE"])


def test_numbers_are_compared_too(ramps):
    x, _ = ramps
    found = ur.compare(
        ur.SequenceRegressor(**CLASSIFIER), x, x.sum((1, 2)), architectures=["elman"], seeds=1, seconds=0.2
    )
    assert found.metrics == ("RMSE", "MAE") and np.isfinite(found.entry("elman").mean("RMSE"))


def test_options_that_an_architecture_lacks_are_left_to_those_that_have_them(ramps):
    x, y = ramps
    task = ur.SequenceClassifier(**CLASSIFIER, cell="lstm", forget_bias=1.0, orthogonal=True)
    found = ur.compare(task, x, y, seeds=1, seconds=0.2)
    assert len(found.trained) == 5


def entry(name, values, stream=1e-6):
    costs = Costs(1, stream, 1e-3, 4, False)
    return Entry(name, name.upper(), {"MSE": values}, seconds=(1.0,) * len(values), costs=costs)


def losses(mean, seed=0):
    noise = np.random.default_rng(seed).normal(0, 0.01, 200)
    return mean + noise


def test_the_verdict_names_the_best_and_prefers_the_plainest_of_equals():
    two = (entry("a", (0.10, 0.11)), entry("b", (0.20, 0.21)))
    clear = conclude(
        two,
        {"a": losses(0.1), "b": losses(0.2, 1), "plain": losses(0.3, 2)},
        "MSE",
        {"plain": {"MSE": 0.3}},
        1,
    )
    assert (clear.best, clear.as_good, clear.preferred) == ("a", (), "a")
    assert clear.text == "A is best: MSE 0.105."
    level = conclude(
        two,
        {"a": losses(0.1), "b": losses(0.2, 1), "plain": losses(0.1, 2)},
        "MSE",
        {"plain": {"MSE": 0.1}},
        1,
    )
    assert {level.best, *level.as_good} == {"a", "plain"} and level.preferred == "plain"
    assert level.text.endswith("Prefer plain: it is the plain one.") or level.best == "plain"


def test_seeds_that_vary_more_than_two_differ_make_them_equals():
    wild = (entry("a", (0.05, 0.15), 2e-6), entry("b", (0.06, 0.18), 1e-6))
    found = conclude(wild, {"a": losses(0.1), "b": losses(0.12, 1)}, "MSE", {}, 1)
    assert found.best == "a" and found.as_good == ("b",) and found.preferred == "b"
    assert (
        found.text == "A is best: MSE 0.100. As good by this data: B (0.120). Prefer B: it answers fastest."
    )


def test_tables_json_and_page(forecast, tmp_path):
    found, _ = forecast
    columns, rows = found.table()
    assert all(len(row) == len(columns) for row in rows) and len(rows) == 5 + len(found.baselines)
    text = str(found)
    assert "Budget: " in text and "Verdict: " in text and "* It has no stream here" in text
    card = json.loads(json.dumps(found.to_dict(), allow_nan=False))
    assert card["entries"][1]["parameters"] == found.entry("elman").parameters
    assert card["entries"][0]["variable_length"] is False and card["entries"][3]["variable_length"] is True
    found.save(tmp_path / "c.html")
    page = (tmp_path / "c.html").read_text()
    assert page.count("<figure") == 4 and "http://" not in page.replace("http://www.w3.org", "")
    for entry in found.entries:
        assert entry.title in page
    assert found.conclusion.text in page


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"architectures": ["gruu"]}, "architectures: expected one of .*, got 'gruu'. Did you mean 'gru'?"),
        ({"architectures": []}, "architectures: expected different ones, got none"),
        ({"architectures": ["gru", "gru"]}, "architectures: expected different ones, got gru, gru"),
        ({"seeds": 0}, "seeds: expected a whole number >= 1, got 0"),
        ({"seconds": 0}, "seconds: expected a number > 0, got 0. 45 is"),
        ({"seconds": -1}, "seconds: expected a number >= 0, got -1"),
        ({"parameters": 0}, "parameters: expected a whole number >= 1, got 0. Leave it out"),
        ({"parameters": 3}, "parameters: expected enough for Feed-forward, got 3, and one hidden unit has"),
    ],
)
def test_wrong_arguments_are_refused_before_anything_is_trained(wave, arguments, message):
    with pytest.raises(ArgumentError) as error:
        ur.compare(ur.Forecaster(**FORECASTER), wave, **arguments)
    assert re.search(message.replace("?", r"\?"), str(error.value)) and "\n" not in str(error.value)


def test_other_tasks_and_decoders_are_refused(wave):
    with pytest.raises(ArgumentError, match=r"task: expected a Forecaster, .* got LanguageModel"):
        ur.compare(ur.LanguageModel(), "text")
    with pytest.raises(ArgumentError, match="decoder: expected 'segment' to compare, got 'direct'"):
        ur.compare(ur.Forecaster(**FORECASTER, decoder="direct"), wave)
    with pytest.raises(DataError, match="expected a window"):
        ur.compare(ur.Forecaster(**FORECASTER), wave[:20])


def test_sequences_of_one_step_are_refused_before_anything_is_trained():
    x, told = np.ones((60, 1, 2), np.float32), []
    with pytest.raises(ArgumentError, match="data: expected sequences of at least two steps, got one step"):
        ur.compare(ur.SequenceClassifier(), x, np.arange(60) % 2, seconds=0.1, tell=told.append)
    with pytest.raises(ArgumentError, match=r"seconds: expected a number >= 0, got -1\. 45 is"):
        ur.compare(ur.SequenceClassifier(), np.ones((60, 3, 2), np.float32), np.arange(60) % 2, seconds=-1)
    assert told == []
