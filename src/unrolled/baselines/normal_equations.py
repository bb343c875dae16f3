"""Ridge regression from sums alone: fitted and scored without a look back at the windows.

Key: F inputs · H answers · n windows.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

PENALTIES = tuple(10.0 ** (k / 2) for k in range(-12, 7))  # as shares of an input's mean variance


class Moments(NamedTuple):
    """Sums over windows: n, inputs x (F,), answers y (H,), x x' (F, F), x y' (F, H), and all squares of y."""

    n: float
    x: Array
    y: Array
    xx: Array
    xy: Array
    yy: float

    @classmethod
    def none(cls, inputs: int, answers: int) -> "Moments":
        """The sums over no window at all."""
        xx, xy = np.zeros((inputs, inputs)), np.zeros((inputs, answers))
        return cls(0.0, np.zeros(inputs), np.zeros(answers), xx, xy, 0.0)

    def add(self, x: Array, y: Array) -> "Moments":
        """The sums with more windows: x (n, F), y (n, H)."""
        return self.plus(Moments(float(len(x)), x.sum(0), y.sum(0), x.T @ x, x.T @ y, float((y * y).sum())))

    def plus(self, other: "Moments") -> "Moments":
        """The sums over both sets of windows."""
        n, x, y = self.n + other.n, self.x + other.x, self.y + other.y
        return Moments(n, x, y, self.xx + other.xx, self.xy + other.xy, self.yy + other.yy)

    def first(self, inputs: int) -> "Moments":
        """The sums for the first `inputs` inputs alone."""
        return self._replace(x=self.x[:inputs], xx=self.xx[:inputs, :inputs], xy=self.xy[:inputs])


class Weights(NamedTuple):
    """A linear map, slope (F, H) and intercept (H,); the penalty chosen, and its validation error."""

    slope: Array
    intercept: Array
    penalty: float
    error: float


def ridge(train: Moments, validation: Moments) -> Weights:
    """The ridge regression of the training windows whose penalty is best on the validation windows.

    Penalties are multiples of the inputs' mean variance; the intercept is not penalised. One
    eigendecomposition xx = Q diag(e) Q' serves every penalty p: the slope is Q (Q' xy / (e + p)), inputs and
    answers centred.

    Returns: the weights; `error` is their mean squared error on the validation windows.
    Source: Hoerl & Kennard 1970.
    """
    x, y = train.x / train.n, train.y / train.n
    eigenvalues, turn = np.linalg.eigh(train.xx / train.n - np.outer(x, x))
    eigenvalues = np.maximum(eigenvalues, 0.0)
    turned = turn.T @ (train.xy / train.n - np.outer(x, y))  # (F, H)
    about = turned_about(validation, x, y, turn)
    unit = eigenvalues.mean() or 1.0
    errors = [squared_error(about, turned / (eigenvalues + p * unit)[:, None]) for p in PENALTIES]
    best = int(np.argmin(errors))
    slope = turn @ (turned / (eigenvalues + PENALTIES[best] * unit)[:, None])
    return Weights(slope, y - x @ slope, PENALTIES[best], errors[best] / y.size)


def turned_about(moments: Moments, x: Array, y: Array, turn: Array) -> tuple[Array, Array, float]:
    """The validation windows' mean x x', x y' and y y, less the training means and in the turned inputs."""
    n = moments.n
    dx, dy = moments.x / n, moments.y / n
    xx = moments.xx / n - np.outer(dx, x) - np.outer(x, dx) + np.outer(x, x)
    xy = moments.xy / n - np.outer(dx, y) - np.outer(x, dy) + np.outer(x, y)
    yy = moments.yy / n - 2 * float(dy @ y) + float(y @ y)
    return turn.T @ xx @ turn, turn.T @ xy, yy


def squared_error(about: tuple[Array, Array, float], slope: Array) -> float:
    """The mean over windows of |y - slope' x|^2 = yy - 2 <slope, xy> + <slope, xx slope>."""
    xx, xy, yy = about
    return yy - 2 * float((slope * xy).sum()) + float((slope * (xx @ slope)).sum())
