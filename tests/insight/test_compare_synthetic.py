"""Classic problems compared: runs that are watched, tables, what the gradient foretells, clipping."""

import json
import math

import numpy as np
import pytest
import torch

from unrolled.errors import ArgumentError
from unrolled.insight import compare_synthetic
from unrolled.insight.compare_synthetic import SyntheticComparison, foretold, omen_of
from unrolled.insight.probe_runs import (
    ProbeRun,
    ProbeSettings,
    ProbeSource,
    Variant,
    run_probe,
    sized_network,
)
from unrolled.insight.synthetic import PROBES

SETTINGS = ProbeSettings(steps=60, parameters=800, batch_size=16)


@pytest.fixture(autouse=True, scope="module")
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def run(
    probe="adding", lag=100, cell="gru", scores=(1.0, 0.17, 0.17, 0.05), reach=(9, 20, 60, 90), **changes
):
    steps = tuple(100 * place for place in range(len(scores)))
    known = {"seed": 0, "hidden": 5, "parameters": 100, "seconds": 1.0, "score": scores[-1], "clip_rate": 0.0}
    known |= {"gradient_norms": (1.0,) * (len(scores) - 1), "failed": ""} | changes
    return ProbeRun(
        probe=probe, lag=lag, variant=Variant(cell), steps=steps, scores=scores, reach=reach, **known
    )


def comparison(*runs, clipping=()):
    return SyntheticComparison(tuple(runs), clipping, SETTINGS, 1)


@pytest.fixture(scope="module")
def found():
    told = []
    result = compare_synthetic(
        ["recall", "copying"], [6, 4], ["elman", "lstm", "feed-forward"], steps=20, parameters=400,
        advice=True, tell=told.append,
    )  # fmt: skip
    return result, told


def test_a_run_is_watched_and_repeats():
    probe = PROBES["recall"]
    first, second = (run_probe(probe, 5, Variant("gru"), 3, SETTINGS) for _ in range(2))
    assert first.scores == second.scores and first.reach == second.reach and first.score == second.score
    assert len(first.scores) == len(first.reach) == 31 and first.steps[-1] == 60
    assert all(1 <= reach <= 6 for reach in first.reach)
    assert len(first.gradient_norms) == 30 and not first.failed
    other = run_probe(probe, 5, Variant("gru"), 4, SETTINGS)
    assert other.scores != first.scores


def test_every_cell_starts_as_in_torch_nn():
    network, hidden = sized_network(PROBES["adding"], 20, Variant("lstm"), 2000)
    bound = 1 / hidden**0.5
    weights = torch.cat([p.detach().flatten() for p in network.recurrent.parameters()])
    assert weights.abs().max() <= bound and weights.std() == pytest.approx(bound / 3**0.5, rel=0.05)


def test_advice_is_an_option_of_the_library():
    memory, hidden = sized_network(PROBES["adding"], 50, Variant("lstm", "memory"), 2000)
    forget = torch.sigmoid(memory.recurrent.layers[0].bias_ih[hidden : 2 * hidden])
    assert forget.min() >= 0.5 and forget.max() <= 49 / 50
    assert memory.configuration["cells"]["memory"] == 50
    turned, _ = sized_network(PROBES["adding"], 50, Variant("elman", "orthogonal"), 2000)
    matrix = turned.recurrent.layers[0].weight_hh
    torch.testing.assert_close(matrix @ matrix.T, torch.eye(len(matrix)), atol=1e-5, rtol=0)
    stretched, _ = sized_network(PROBES["adding"], 50, Variant("elman", "stretched"), 2000)
    assert torch.linalg.svdvals(stretched.recurrent.layers[0].weight_hh).std() < 1e-4
    assert torch.linalg.matrix_norm(stretched.recurrent.layers[0].weight_hh.detach(), 2) == pytest.approx(
        1.2, abs=1e-4
    )


def test_batches_are_a_function_of_seed_epoch_and_index():
    source = ProbeSource(PROBES["adding"], 10, 4, 5, seed=1)
    assert torch.equal(source.batch(2, 3)["x"], source.batch(2, 3)["x"])
    assert not torch.equal(source.batch(2, 3)["x"], source.batch(3, 2)["x"])
    assert not torch.equal(
        ProbeSource(PROBES["adding"], 10, 4, 5, 2).batch(2, 3)["x"], source.batch(2, 3)["x"]
    )


def test_budgets_are_equal_and_lags_rise(found):
    result, told = found
    assert result.lags == (4, 6) and result.probes == ("recall", "copying")
    titles = [variant.title for variant in result.variants]
    assert titles == ["Elman", "Elman (orthogonal)", "LSTM", "LSTM (memory=lag)", "Feed-forward"]
    assert {run.steps[-1] for run in result.runs} == {20}
    for one in result.runs:
        assert abs(one.parameters / 400 - 1) < 0.2
    # copying is answered at each step, and a feed-forward network answers once
    assert {run.probe for run in result.runs if run.variant.cell == "feed-forward"} == {"recall"}
    assert len(told) == len(result.runs) == 2 * (5 + 4)


def test_tables_json_and_page(found, tmp_path):
    result, _ = found
    columns, rows = result.table()
    assert columns[2:4] == ["lag 4", "lag 6"] and len(rows) == 9
    card = json.loads(json.dumps(result.to_dict(), allow_nan=False))
    assert len(card["runs"]) == 18 and card["problems"][1]["source"].startswith("Hochreiter")
    result.save(tmp_path / "s.html")
    page = (tmp_path / "s.html").read_text()
    assert page.count("<figure") == 4 and "LSTM (memory=lag)" in page
    assert "http://" not in page.replace("http://www.w3.org", "")


def test_what_solves_what_is_told():
    one = comparison(
        run("recall", 10, "gru", (0.2, 1.0), (9, 9)), run("recall", 50, "gru", (0.2, 0.999), (9, 50)),
        run("recall", 10, "elman", (0.2, 1.0), (9, 9)), run("recall", 50, "elman", (0.2, 0.3), (9, 9)),
        run("recall", 10, "lstm", (0.2, 0.9), (9, 9)), run("recall", 50, "lstm", (0.2, 1.0), (9, 50)),
    )  # fmt: skip
    assert one.verdict() == "Delayed recall: solved by GRU to lag 50; Elman to lag 10; never by LSTM."
    assert one.longest("recall", Variant("lstm")) == 0  # the longest up to which it solved all
    failed = run("recall", 10, "gru", (0.2,), (9,), score=math.nan, failed="loss: expected finite numbers")
    assert comparison(failed).verdict() == "Delayed recall: solved by none of them at any of these lags."


def test_the_gradient_foretells_the_score():
    learns, never = run(), run(cell="elman", scores=(1.0, 0.17, 0.17, 0.16), reach=(9, 8, 10, 11))
    omen = omen_of(learns)
    assert (omen.reached, omen.learned) == (200, 300)
    assert omen_of(never).reached is None and omen_of(never).learned is None
    assert foretold(comparison(learns, never), "adding") == (
        "Adding problem at lag 100: the gradient reached over half the lag in GRU at step 200, and its score"
        " followed at 300; Elman never got beyond 11 steps."
    )
    assert foretold(comparison(never), "adding") == ""


def test_a_short_lag_is_learned_and_the_gradient_was_there_before():
    """The adding problem at a lag that trains in seconds: the reach is there before the score."""
    settings = ProbeSettings(steps=900, parameters=3000, batch_size=32, learning_rate=5e-3)
    learned = run_probe(PROBES["adding"], 24, Variant("gru"), 0, settings)
    omen = omen_of(learned)
    assert learned.score < 0.03 and omen.reached < omen.learned


def test_clipping_makes_an_exploding_run_learn():
    settings = ProbeSettings(steps=300, parameters=2000)
    pair = [
        run_probe(PROBES["recall"], 50, Variant("elman", "stretched", clip, "nt-asgd", 0.1), 0, settings)
        for clip in (0.0, 1.0)
    ]
    assert not pair[0].score > 0.7 and pair[1].score > 0.99
    assert pair[0].clip_rate == 0 and pair[1].clip_rate > 0


def test_a_run_that_cannot_go_on_is_told_not_raised():
    """Plain gradient descent at a rate that is far too high: the loss is not a number any more."""
    settings = ProbeSettings(steps=60, parameters=2000)
    broken = run_probe(PROBES["adding"], 40, Variant("elman", "stretched", 0.0, "nt-asgd", 5.0), 0, settings)
    assert math.isnan(broken.score) and "finite" in broken.failed
    assert len(broken.scores) < 31


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"probes": ["ading"]}, r"probes: expected one of adding, .*, got 'ading'\. Did you mean 'adding'\?"),
        ({"probes": []}, "probes: expected at least one, got none"),
        ({"architectures": ["rnn"]}, "architectures: expected one of elman.*, got 'rnn'"),
        ({"lags": [3]}, r"lags: expected a whole number >= 4, got 3\. Such as"),
        ({"lags": []}, "lags: expected at least one, got none"),
        ({"lags": [10.5]}, r"lags: expected a whole number >= 4, got 10\.5"),
        ({"steps": 0}, "steps: expected a whole number >= 1, got 0"),
        ({"seeds": 0}, "seeds: expected a whole number >= 1, got 0"),
        ({"parameters": 0}, "parameters: expected a whole number >= 1, got 0"),
    ],
)
def test_wrong_arguments_are_refused(arguments, message):
    with pytest.raises(ArgumentError, match=message):
        compare_synthetic(**arguments)


def test_scores_are_finite_numbers(found):
    result, _ = found
    assert all(np.isfinite([*one.scores, one.score]).all() for one in result.runs)


def test_what_none_can_answer_is_refused_and_steps_are_those_made():
    with pytest.raises(
        ArgumentError, match=r"architectures: expected .* for copying, got feed-forward\. .*add"
    ):
        compare_synthetic(["copying"], [10], ["feed-forward"], steps=10, parameters=200)
    found = compare_synthetic("recall", 4, ["gru"], steps=70, parameters=200)  # one lag by itself
    assert found.lags == (4,) and found.settings.steps == 60 == found.runs[0].steps[-1]
    assert "Budget: 60 steps" in str(found)
