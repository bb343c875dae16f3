"""How sure is a mean of dependent numbers? The block bootstrap.

Losses of neighbouring windows share most of their hours, so 2,000 windows are far fewer than 2,000
independent numbers. Resampling whole blocks of neighbours keeps that dependence in the interval.
"""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from unrolled import arguments
from unrolled.errors import ArgumentError, ShapeError, explain

# How much wider than normal quantiles the interval must be where a block is the share x of the record,
# because its few blocks give an estimated spread, not the true one. The cubic is a fit to simulated 95 %
# points (20,000 records of 1,000 independent normal numbers, circular blocks, x from 0.01 to 0.5), in the
# manner of Kiefer & Vogelsang 2005, "A new asymptotic theory for heteroskedasticity-autocorrelation robust
# tests".
WIDENING = (1.483, 0.631, 0.877)
LOOKUPS = 4_000_000  # block starts drawn at once: bounds the memory
MANY_SERIES = 10  # from here on whole series can be resampled too


class Totals(NamedTuple):
    """Sums and counts of the differences at each place of a record, both (places,)."""

    sums: NDArray[np.float64]
    counts: NDArray[np.float64]

    @property
    def mean(self) -> float:
        """The mean of all differences."""
        return float(self.sums.sum() / self.counts.sum())


def block_bootstrap(
    differences: ArrayLike,
    block: int,
    seed: int = 0,
    repeats: int = 2000,
    groups: ArrayLike | None = None,
) -> tuple[float, float]:
    """The 95 % interval of the mean of differences in time order, by the circular block bootstrap.

    `block` is how far neighbours depend on each other: the horizon, for windows that start one step apart.
    The blocks drawn are twice as long, longer still where the differences are seen to depend for longer
    (`block_length`), and at most half the record; the interval is widened for the few blocks there are.

    `groups` names the series of each difference. Then the k-th differences of all series are drawn together,
    so that a block never runs from one series into the next and shocks common to all series count once. With
    ten series or more whole series are resampled as well, and the wider interval is given.

    Shapes: differences (n,), NaN = not known; groups (n,).
    Returns: (low, high); (-inf, inf) for a single difference, of which nothing can be said.
    Raises: ShapeError, ArgumentError.
    Source: Politis & Romano 1992 (circular blocks); Patton, Politis & White 2009 (their length).

    Example:
        >>> low, high = block_bootstrap(np.sin(np.arange(100.0) ** 2), block=1)
        >>> low < 0 < high < 0.3
        True
    """
    values = check_series("differences", differences)
    block = arguments.integer("block", block, 1, "Give the horizon for overlapping windows.")
    repeats = arguments.integer("repeats", repeats, 100, "2000 is a good number.")
    random = np.random.default_rng(seed)
    if groups is None:
        return interval(in_time_order(values), block, random, repeats)
    labels = np.asarray(groups)
    if labels.shape != values.shape:
        raise ShapeError(
            explain("groups", f"{values.shape}", labels.shape, "Name one series for each difference.")
        )
    number = np.unique(labels, return_inverse=True)[1]
    found = [interval(side_by_side(values, number), block, random, repeats)]
    if number.max() + 1 >= MANY_SERIES:
        found.append(interval(whole_series(values, number), 1, random, repeats, dependent=False))
    return max(found, key=lambda bounds: bounds[1] - bounds[0] if math.isfinite(bounds[0]) else -1.0)


def check_series(name: str, values: ArrayLike) -> NDArray[np.float64]:
    """The values as float64 (n,), at least one of them known and none infinite."""
    array = np.asarray(values, np.float64)
    if array.ndim != 1:
        raise ShapeError(
            explain(name, "(n,)", array.shape, "Give one number for each window, in time order.")
        )
    if np.isinf(array).any() or not np.isfinite(array).any():
        got = "inf" if np.isinf(array).any() else f"{array.size} numbers, none known"
        raise ArgumentError(explain(name, "finite numbers or NaN", got, "Leave such windows out."))
    return array


def in_time_order(values: NDArray[np.float64]) -> Totals:
    """One series: a place for each difference. An unknown one keeps its place: distances stay true."""
    return Totals(np.nan_to_num(values), np.isfinite(values).astype(np.float64))


def side_by_side(values: NDArray[np.float64], number: NDArray[np.int64]) -> Totals:
    """Several series, each in time order: the k-th difference of every series shares place k."""
    order = np.argsort(number, kind="stable")
    starts = np.concatenate([[0], np.cumsum(np.bincount(number))])
    place = np.empty_like(order)
    place[order] = np.arange(order.size) - starts[number[order]]
    return by_place(values, place)


def whole_series(values: NDArray[np.float64], number: NDArray[np.int64]) -> Totals:
    """Several series: a place for each series."""
    return by_place(values, number)


def by_place(values: NDArray[np.float64], place: NDArray[np.int64]) -> Totals:
    """The totals of the known values that share a place."""
    known = np.isfinite(values)
    places = int(place.max()) + 1
    sums = np.bincount(place[known], weights=values[known], minlength=places).astype(np.float64)
    return Totals(sums, np.bincount(place[known], minlength=places).astype(np.float64))


def interval(
    totals: Totals, block: int, random: np.random.Generator, repeats: int, dependent: bool = True
) -> tuple[float, float]:
    """The 95 % interval of the mean of one record: (low, high)."""
    places = totals.sums.size
    if places < 2:
        return -math.inf, math.inf
    mean = totals.mean
    deviations = totals.sums - mean * totals.counts
    length = min(block_length(deviations, block) if dependent else 1, places // 2)
    means = resampled_means(totals, length, random, repeats)
    drawn = (
        math.ceil(places / length) * length
    )  # a little more than the record: its mean is a little too sure
    factor = widening(places, length, block) * math.sqrt(drawn / places)
    low, high = np.quantile(means, [0.025, 0.975])
    return float(mean + factor * (low - mean)), float(mean + factor * (high - mean))


def widening(places: int, length: int, block: int) -> float:
    """The factor by which blocks of `length` understate the spread of a mean of windows that overlap up to
    `block`.

    Two parts: the cubic of `WIDENING`, and the bias of the block variance, which is known exactly for a given
    correlation r: of the mean V = sum of r(i-j) / n^2; of the blocks, on average, the sum over circular lags
    k of (1 - |k|/length) ((n-|k|) r(k) + |k| r(n-|k|) - n V) / n^2. The cubic holds the bias of r = 0, which
    is 1 - x.
    """
    share = length / places
    lags = np.arange(places)
    correlation = np.maximum(0.0, 1 - lags / block)  # a line: the share of steps two windows have in common
    twice = np.where(lags > 0, 2.0, 1.0)  # lags of both signs
    true = float(twice @ ((places - lags) * correlation)) / places**2
    far = np.append(0.0, correlation[:0:-1])  # r(n - k)
    seen = (places - lags) * correlation + lags * far - places * true
    expected = float((twice * np.maximum(0.0, 1 - lags / length)) @ seen) / places**2
    cubic = 1 + sum(c * share ** (k + 1) for k, c in enumerate(WIDENING))
    return cubic * math.sqrt(max(1.0, (1 - share) * true / max(expected, 1e-9 * true)))


def resampled_means(
    totals: Totals, length: int, random: np.random.Generator, repeats: int
) -> NDArray[np.float64]:
    """The mean of each resampled record, (repeats,): a block's sum is a difference of two prefix sums."""
    places = totals.sums.size
    blocks = math.ceil(places / length)
    sums, counts = (circular_sums(values, length) for values in totals)
    means = np.empty(repeats)
    rows = max(1, LOOKUPS // blocks)
    for first in range(0, repeats, rows):
        part = slice(first, min(first + rows, repeats))
        starts = random.integers(0, places, (part.stop - part.start, blocks), dtype=np.int32)
        drawn = counts[starts].sum(1)
        # a resample without one known difference says nothing: it counts as the mean
        means[part] = np.where(drawn > 0, sums[starts].sum(1) / np.maximum(drawn, 1), totals.mean)
    return means


def circular_sums(values: NDArray[np.float64], length: int) -> NDArray[np.float64]:
    """The sum of `length` values from each place on, the end joined to the start: (places,)."""
    prefix = np.concatenate([[0.0], np.cumsum(np.concatenate([values, values[: length - 1]]))])
    return prefix[length:] - prefix[:-length]


def block_length(deviations: NDArray[np.float64], block: int) -> int:
    """Twice `block`, or twice the length of least squared error where the deviations depend for longer.

    Twice: over windows that overlap by all but one step the correlation falls along a line to 0 at `block`,
    of which blocks of that same length would see two thirds, and blocks twice as long five sixths. And what
    has the least squared error trades bias for noise, while an interval that is too narrow is the worse
    mistake.

    Source: Politis & White 2004; Patton, Politis & White 2009, for circular blocks.
    """
    correlation, variance = autocorrelation(deviations)
    if variance == 0:
        return 2 * block
    places = deviations.size
    run = max(5, math.ceil(math.sqrt(math.log10(places))))
    small = np.abs(correlation[1:]) < 2 * math.sqrt(math.log10(places) / places)
    window = np.convolve(small, np.ones(run), "valid") == run  # from here on, `run` lags in a row say nothing
    last = int(np.argmax(window)) if window.any() else small.size
    lags = np.arange(1, min(2 * max(last, 1), correlation.size - 1) + 1)
    weights = np.minimum(
        1.0, 2 * (1 - lags / (lags[-1] + 1))
    )  # flat, then falling: the spectrum at 0, little biased
    spread = 1 + 2 * float(weights @ correlation[lags])
    slope = 2 * float((weights * lags) @ correlation[lags])
    best = (1.5 * slope**2 / spread**2 * places) ** (1 / 3) if spread > 0 else 1.0
    return 2 * max(block, math.ceil(best))


def autocorrelation(values: NDArray[np.float64]) -> tuple[NDArray[np.float64], float]:
    """The correlation at lags 0 .. n/2, by Fourier transform, and the variance."""
    size = values.size
    power = np.abs(np.fft.rfft(values - values.mean(), 2 * size)) ** 2
    covariance = np.fft.irfft(power)[: max(2, size // 2 + 1)] / size
    variance = float(covariance[0])
    return (covariance / variance if variance > 0 else covariance), max(variance, 0.0)
