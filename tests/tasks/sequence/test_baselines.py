import numpy as np
import pytest

from unrolled.baselines import LogisticStatistics, MajorityClass, MeanValue, RidgeStatistics, statistics
from unrolled.data import read_sequences
from unrolled.errors import ModelFileError
from unrolled.tasks.sequence.answers import Classes, Numbers
from unrolled.tasks.sequence.baselines import MOST, PlainModel, fit_plain, thinned, windows


def sequences(count=60, seed=0):
    """Two features: noise whose level depends on the class, and a constant one; a few values missing."""
    draw = np.random.default_rng(seed)
    codes = draw.integers(0, 3, count)
    x = [np.stack([draw.normal(k, 1, 9), np.full(9, 2.0)], 1) for k in codes]
    x[0][:, 0] = np.nan
    return x, codes


@pytest.mark.parametrize("labels", [(0, 1, 2), (0, 2)])
def test_the_linear_form_answers_as_the_baseline_does(labels):
    x, codes = sequences()
    keep = [i for i, code in enumerate(codes) if code in labels]
    x, codes = [x[i] for i in keep], codes[keep]
    numbers, classes = statistics(x), Classes(("a", "b", "c"))
    for baseline in (MajorityClass(), LogisticStatistics()):
        fitted = baseline.fit(x, codes, x, codes, 3)
        plain = PlainModel.of(fitted, 3, numbers.shape[1])
        np.testing.assert_allclose(
            classes.outputs(plain.scores(numbers)), fitted.probabilities(x), rtol=1e-9, atol=1e-12
        )
    for other in (MeanValue(), RidgeStatistics()):
        values = codes.astype(float)[:, None]
        found = PlainModel.of(other.fit(x, values, x, values), 1, numbers.shape[1])
        np.testing.assert_allclose(found.scores(numbers), other.predict(x), rtol=1e-9)


def test_in_and_out_of_arrays():
    x, codes = sequences()
    plain = PlainModel.of(LogisticStatistics().fit(x, codes, x, codes, 3), 3, 15)
    arrays = plain.arrays(4)
    back = PlainModel.from_arrays(plain.name, arrays, 4, 3, 15)
    np.testing.assert_array_equal(back.scores(statistics(x)), plain.scores(statistics(x)))
    with pytest.raises(
        ModelFileError, match=r"plain.4.weight.*expected float64 \(2, 15\), got float64 \(3, 15\)"
    ):
        PlainModel.from_arrays(plain.name, arrays, 4, 2, 15)


def test_windows_end_at_their_step_and_stay_in_their_sequence():
    x = [np.arange(50.0)[:, None], 100 + np.arange(40.0)[:, None]]
    data = read_sequences(x, y=[np.arange(50), np.arange(40)])
    found = windows(data, np.array([0, 45, 50, 60]), both_ways=False)
    assert [(w[0, 0], w[-1, 0], len(w)) for w in found] == [
        (0, 0, 1),
        (14, 45, 32),
        (100, 100, 1),
        (100, 110, 11),
    ]
    found = windows(data, np.array([0, 45, 60]), both_ways=True)
    assert [(w[0, 0], w[-1, 0]) for w in found] == [(0, 31), (14, 49), (100, 139)]
    whole = read_sequences(x, y=["a", "b"])
    assert [len(w) for w in windows(whole, np.array([1]), both_ways=False)] == [40]


def test_one_class_alone_leaves_only_the_commonest():
    x, codes = sequences()
    data = read_sequences(x, y=np.where(codes > 0, 1, 0))
    ones, rest = np.flatnonzero(codes > 0), np.flatnonzero(codes == 0)
    found = fit_plain(Classes((0, 1)), data, ones, rest, both_ways=False)
    assert [plain.name for plain in found] == ["commonest class"]
    both = fit_plain(Numbers(), data, ones, rest, both_ways=False)
    assert [plain.name for plain in both] == ["mean", "ridge regression on statistics"]


def test_many_answers_are_thinned():
    found = thinned(np.arange(3 * MOST))
    assert len(found) == MOST and found[0] == 0 and found[-1] == 3 * MOST - 1
