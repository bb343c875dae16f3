import numpy as np
import pytest
from sklearn.linear_model import Ridge

from unrolled.baselines.normal_equations import PENALTIES, Moments, ridge


@pytest.fixture
def windows():
    random = np.random.default_rng(0)
    x = random.normal(3, 2, (120, 6))
    y = x @ random.normal(size=(6, 4)) + 5 + random.normal(0, 3, (120, 4))
    return x, y


def moments(x, y):
    return Moments.none(x.shape[1], y.shape[1]).add(x, y)


def test_the_weights_equal_scikit_learn(windows):
    x, y = windows
    found = ridge(moments(x[:80], y[:80]), moments(x[80:], y[80:]))
    unit = np.cov(x[:80].T, bias=True).trace() / 6
    errors = []
    for penalty in PENALTIES:
        model = Ridge(alpha=penalty * unit * 80).fit(x[:80], y[:80])
        errors.append(((model.predict(x[80:]) - y[80:]) ** 2).mean())
        if penalty == found.penalty:
            np.testing.assert_allclose(found.slope, model.coef_.T, rtol=1e-7, atol=1e-9)
            np.testing.assert_allclose(found.intercept, model.intercept_, rtol=1e-7)
    assert found.penalty == PENALTIES[int(np.argmin(errors))]
    assert found.error == pytest.approx(min(errors))


def test_moments_add_up_block_by_block(windows):
    x, y = windows
    whole, parts = moments(x, y), moments(x[:50], y[:50]).plus(moments(x[50:], y[50:]))
    for one, other in zip(whole, parts, strict=True):
        np.testing.assert_allclose(one, other)
    for one, other in zip(whole.first(4), moments(x[:, :4], y), strict=True):
        np.testing.assert_allclose(one, other)


def test_constant_inputs_leave_the_mean(windows):
    _, y = windows
    flat = np.ones((120, 3))
    found = ridge(moments(flat, y), moments(flat, y))
    np.testing.assert_allclose(found.slope, 0, atol=1e-9)
    np.testing.assert_allclose(found.intercept, y.mean(0))
