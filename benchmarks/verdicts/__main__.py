"""`python -m benchmarks.verdicts [walks] [ar1]`: what the verdict says where the truth is known.

Random walks must come out "as good" as the last value, an AR(1) "better" than every plain baseline. An AR(1)
is judged with the decoder "direct": it sees the level of the series, which a window taken relative to its
last value hides.
"""

import argparse

import numpy as np

from unrolled import Forecaster
from unrolled.training import SilentReporter

WALKS, WALK_ROWS, WALK_HORIZON = 20, 2_000, 10
AR_ROWS, AR_HORIZON, AR_SPLIT, PHI = 5_000, 12, (2_000, 1_000, 2_000), 0.85


def random_walk(seed: int) -> np.ndarray:
    """The sum of standard normal steps."""
    return np.cumsum(np.random.default_rng(seed).normal(size=WALK_ROWS))


def ar1(seed: int) -> np.ndarray:
    """y[t] = PHI y[t - 1] + a standard normal step."""
    steps = np.random.default_rng(100 + seed).normal(size=AR_ROWS)
    values = np.zeros(AR_ROWS)
    for row in range(1, AR_ROWS):
        values[row] = PHI * values[row - 1] + steps[row]
    return values


def walks() -> None:
    """How many random walks come out 'as good'."""
    kinds = []
    for seed in range(WALKS):
        forecaster = Forecaster(WALK_HORIZON).fit({"y": random_walk(seed)}, reporter=SilentReporter())
        verdict = forecaster.evaluation_.verdict
        kinds.append(verdict.kind)
        print(f"random walk {seed:>2}: {verdict.kind:<8} {verdict.text}", flush=True)
    print(f"random walks: {kinds.count('as good')} of {WALKS} 'as good'")


def autoregressions() -> None:
    """AR(1) processes, five seeds."""
    for seed in range(5):
        forecaster = Forecaster(AR_HORIZON, decoder="direct")
        forecaster.fit({"y": ar1(seed)}, split=AR_SPLIT, reporter=SilentReporter())
        verdict = forecaster.evaluation_.verdict
        print(f"AR(1) {seed}: {verdict.kind:<8} {verdict.text}", flush=True)


def main() -> None:
    """Run the parts that were asked for."""
    parts = {"walks": walks, "ar1": autoregressions}
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.verdicts", description=__doc__.splitlines()[0]
    )
    parser.add_argument("parts", nargs="*", help=", ".join(parts))
    for name in parser.parse_args().parts or parts:
        parts[name]()


if __name__ == "__main__":
    main()
