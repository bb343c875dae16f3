import numpy as np

from unrolled.baselines import WordByWord


def lines(*texts: list[int]) -> list[np.ndarray]:
    return [np.array(text, np.int64) for text in texts]


def test_the_table_is_found_though_the_order_differs():
    random, partner = np.random.default_rng(0), np.array([0, 7, 5, 6, 3, 4])
    source = [random.integers(1, 6, random.integers(1, 5)) for _ in range(300)]
    target = [random.permutation(partner[line]) for line in source]
    plain = WordByWord().fit(source, target, source_words=8)
    assert plain.table.tolist() == [0, 7, 5, 6, 3, 4, 0, 0]
    assert plain.write(lines([1, 4, 7], [2])) == [[7, 3], [5]]


def test_one_round_by_hand():
    # pairs: (1 2 -> 5 6), (1 -> 5). After one round from equal chances, 1 has 1/2 + 1 of "5" and 1/2 of "6".
    plain = WordByWord(rounds=1).fit(lines([1, 2], [1]), lines([5, 6], [5]), 3)
    assert plain.table.tolist()[1] == 5
