"""The order in which examples are taken."""

import numpy as np

from unrolled import arguments


def shuffled(count: int, seed: int, epoch: int) -> np.ndarray:
    """A shuffled order of `count` examples, int64 (count,): a pure function of its arguments.

    It sorts the raw numbers of the Philox generator, which no version of numpy changes; numpy's own
    `permutation` may change from one version to the next.

    Example:
        >>> sorted(shuffled(4, seed=0, epoch=1).tolist())
        [0, 1, 2, 3]
    """
    arguments.integer("count", count, 0)
    key = [arguments.integer("seed", seed, 0), arguments.integer("epoch", epoch, 0)]
    draws = np.random.Philox(key=np.array(key, np.uint64)).random_raw(count)
    return np.argsort(draws, kind="stable").astype(np.int64)
