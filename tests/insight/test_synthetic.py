"""The classic problems are what their sources say; each answer is worked out again here, another way."""

import numpy as np
import pytest

from unrolled.insight.synthetic import DEFAULT, PROBES

LAG, COUNT = 30, 64


def drawn(name, lag=LAG, count=COUNT, seed=0):
    return PROBES[name].draw(np.random.default_rng(seed), count, lag)


@pytest.mark.parametrize("name", PROBES)
def test_shapes_kinds_and_repetition(name):
    probe = PROBES[name]
    x, label, scored = drawn(name)
    assert x.dtype == np.float32 and x.shape[0] == COUNT and x.shape[2] == probe.shape.features
    if probe.shape.targets:
        assert label.shape == (COUNT, probe.shape.targets)
    else:
        assert label.shape == (x.shape[:2] if probe.head == "every" else (COUNT,))
        assert set(np.unique(label[scored])) <= set(range(probe.shape.classes))
    assert scored.shape == label.shape and scored.any()
    again, other = drawn(name), drawn(name, seed=1)
    assert all(map(np.array_equal, (x, label, scored), again))
    assert not np.array_equal(x, other.x)


@pytest.mark.parametrize("name", [name for name in PROBES if PROBES[name].shape.classes])
def test_classes_are_even_so_that_chance_is_chance(name):
    probe = PROBES[name]
    _, label, scored = drawn(name, count=4_000 if probe.head == "last" else 400)
    counts = np.bincount(label[scored])
    counts = counts[counts > 0]
    assert abs(counts.max() / counts.sum() - probe.chance) < 0.03
    assert len(counts) == round(1 / probe.chance)


def test_adding_marks_one_number_in_each_half():
    x, label, _ = drawn("adding", count=2_000)
    assert (x[:, : LAG // 2, 1].sum(1) == 1).all() and (x[:, LAG // 2 :, 1].sum(1) == 1).all()
    for row in range(50):
        first, second = np.flatnonzero(x[row, :, 1])
        assert label[row, 0] == pytest.approx(x[row, first, 0] + x[row, second, 0])
    assert ((label - 1) ** 2).mean() == pytest.approx(PROBES["adding"].chance, abs=0.01)


def test_copying_gives_the_symbols_back_after_the_signal():
    x, label, scored = drawn("copying")
    read = x.argmax(-1)
    assert read.shape == (COUNT, LAG + 20) and (x.sum(-1) == 1).all()
    assert (read[:, :10] < 8).all() and (np.flatnonzero(read[0] == 9) == [LAG + 9]).all()
    np.testing.assert_array_equal(label[:, -10:], read[:, :10])
    assert (label[:, :-10] == 8).all()
    assert scored[:, -10:].all() and not scored[:, :-10].any()


def test_recall_shows_the_symbol_once():
    x, label, _ = drawn("recall")
    assert x.shape == (COUNT, LAG + 1, 5)
    np.testing.assert_array_equal(x[:, 0, :4].argmax(-1), label)
    assert (x[:, 1:, :4] == 0).all() and (x[:, 0, 4] == 0).all()
    assert x[:, 1:, 4].std() == pytest.approx(1, abs=0.05)


def test_parity_counts_ones():
    x, label, _ = drawn("parity")
    assert set(np.unique(x)) == {-1, 1}
    np.testing.assert_array_equal(label, np.prod(x[..., 0], 1) == (-1) ** (LAG + 1))


def test_brackets_balance_and_close_what_was_opened():
    x, label, scored = drawn("brackets", lag=31)
    before = x.argmax(-1)
    assert before.shape == (COUNT, 30) and (before[:, 0] == 4).all()
    deepest = 0
    for row in range(COUNT):
        stack = []
        closing = {step: int(label[row, step]) for step in np.flatnonzero(scored[row])}
        for step in range(30):
            if step in closing:
                assert stack.pop() == closing[step]
                read = 2 + closing[step]
            else:
                assert step == 29 or before[row, step + 1] < 2
                stack.append(int(before[row, step + 1]))
                read = stack[-1]
            assert step == 29 or before[row, step + 1] == read
            deepest = max(deepest, len(stack))
        assert stack == [] and len(closing) == 15
    assert 3 < deepest <= 8


def test_order_places_its_symbols_where_the_source_does():
    x, label, _ = drawn("order", lag=100)
    read = x.argmax(-1)
    for row in range(COUNT):
        first, second = np.flatnonzero(read[row] < 2)
        assert 10 <= first < 20 and 40 <= second < 50
        assert label[row] == 2 * read[row, first] + read[row, second]


def test_scores_are_brought_between_chance_and_perfect():
    assert PROBES["adding"].skill(1 / 6) == 0 and PROBES["adding"].skill(0.0) == 1
    assert PROBES["adding"].skill(0.5) == 0 and PROBES["parity"].skill(0.75) == 0.5
    assert PROBES["adding"].is_solved(0.009) and not PROBES["adding"].is_solved(float("nan"))
    assert PROBES["recall"].is_solved(0.995) and not PROBES["recall"].is_solved(0.9)
    assert set(DEFAULT) <= set(PROBES) and len(DEFAULT) == 3
