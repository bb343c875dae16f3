import itertools

import numpy as np
import pytest

from unrolled.errors import ArgumentError
from unrolled.runtime.operations.dense import log_softmax
from unrolled.runtime.search import DEPTH, Hypothesis, SearchOptions, largest, search

BEGIN, END, WORDS = 0, 1, 5


def chain(rows: int, seed: int = 0) -> np.ndarray:
    """Log-probabilities of a Markov chain for each row: (rows, WORDS, WORDS)."""
    random = np.random.default_rng(seed)
    return log_softmax(2 * random.standard_normal((rows, WORDS, WORDS), np.float32))


def step(tokens: np.ndarray, table: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The state of a hypothesis is its row's table."""
    return table[np.arange(len(tokens)), tokens], table


def select(table: np.ndarray, places: np.ndarray) -> np.ndarray:
    return table[places]


def found(rows: int, seed: int = 0, **options) -> list[list[Hypothesis]]:
    return search(step, select, chain(rows, seed), rows, BEGIN, END, SearchOptions(**options), never=(BEGIN,))


def total(table: np.ndarray, tokens: tuple[int, ...]) -> float:
    return sum(float(table[a, b]) for a, b in itertools.pairwise((BEGIN, *tokens, END)))


def greedy(table: np.ndarray, maximum: int) -> tuple[int, ...]:
    token, tokens = BEGIN, []
    while len(tokens) < maximum:
        scores = table[token].copy()
        scores[BEGIN] = -np.inf
        token = int(scores.argmax())
        if token == END:
            break
        tokens.append(token)
    return tuple(tokens)


def test_a_beam_of_one_place_is_greedy_search():
    answers = found(200, beam=1, maximum=6)
    tables = chain(200)
    assert [row[0].tokens for row in answers] == [greedy(table, 6) for table in tables]
    assert len({len(row[0].tokens) for row in answers}) > 4


def test_a_wide_beam_finds_the_best_of_all():
    tables = chain(20)
    every = [tokens for length in range(4) for tokens in itertools.product(range(2, WORDS), repeat=length)]
    for row, table in zip(found(20, beam=200, best=3, maximum=3, length_penalty=0.7), tables, strict=True):
        ranked = sorted(every, key=lambda t: -total(table, t) / (len(t) + 1) ** 0.7)
        assert [answer.tokens for answer in row] == ranked[:3]


def test_log_probabilities_and_scores_are_those_of_the_tokens():
    for row, table in zip(found(20, beam=4, best=4, maximum=8, length_penalty=0.5), chain(20), strict=True):
        assert [answer.score for answer in row] == sorted((a.score for a in row), reverse=True)
        for answer in row:
            assert answer.log_probability == pytest.approx(total(table, answer.tokens), abs=1e-5)
            expected = answer.log_probability / (len(answer.tokens) + 1) ** 0.5
            assert answer.score == pytest.approx(expected, abs=1e-6)


def test_a_row_is_searched_alike_in_any_company():
    together = found(30, beam=3, best=3, maximum=7)
    for row, table in enumerate(chain(30)):
        alone = search(
            step, select, table[None], 1, BEGIN, END, SearchOptions(3, 3, maximum=7), never=(BEGIN,)
        )
        assert alone[0] == together[row]


def test_no_pair_comes_twice():
    for answer in itertools.chain(*found(50, beam=4, best=4, no_repeat=2, maximum=12)):
        pairs = list(itertools.pairwise(answer.tokens))
        assert len(pairs) == len(set(pairs))
    assert any(
        len(set(itertools.pairwise(a.tokens))) < len(a.tokens) - 1
        for a in itertools.chain(*found(50, beam=4, best=4, maximum=12))
    )


def test_answers_are_as_long_as_asked():
    answers = list(itertools.chain(*found(50, beam=3, best=3, minimum=2, maximum=4)))
    assert {len(answer.tokens) for answer in answers} == {2, 3, 4}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"beam": 0}, "beam: expected a whole number >= 1, got 0"),
        ({"beam": 2, "best": 3}, r"best: expected at most beam \(2\), got 3"),
        ({"minimum": 9, "maximum": 3}, r"minimum: expected at most maximum \(3\), got 9"),
        ({"length_penalty": -1}, "length_penalty: expected a number >= 0"),
    ],
)
def test_rules_that_cannot_be_kept_are_refused(options, message):
    with pytest.raises(ArgumentError, match=message):
        SearchOptions(**options)


@pytest.mark.parametrize("size", [3, 40, DEPTH * 9 + 5, 2000])
@pytest.mark.parametrize("count", [1, 3, 8])
def test_the_largest_are_those_of_a_sort(size, count):
    values = np.random.default_rng(size).standard_normal((7, size), np.float32)
    values[2, ::2] = -np.inf
    count = min(count, size)
    assert (largest(values, count) == np.argsort(-values, axis=1, kind="stable")[:, :count]).all()
