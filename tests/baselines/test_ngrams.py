"""Kneser-Ney n-grams against the formulas, worked out token by token."""

import numpy as np
import pytest

from unrolled.baselines.ngrams import NGrams, choose_order, discounts, windows
from unrolled.errors import ArgumentError


def draw(count=400, tokens=5, seed=0):
    """A text in which the next token depends on the two before it."""
    random = np.random.default_rng(seed)
    text = [1, 2]
    for _ in range(count):
        text.append((text[-1] + 2 * text[-2] + random.choice([0, 0, 0, 1])) % tokens)
    return np.array(text)


def kneser_ney(text, context, order, tokens):
    """The distribution behind a context, straight from the definition."""
    padded = [0] * (order - 1) + text.tolist()
    grams = [tuple(padded[i : i + order]) for i in range(len(text))]

    def counts(size):
        if size == order:
            return {gram: grams.count(gram) for gram in set(grams)}
        longer = counts(size + 1)
        return {gram[1:]: sum(other[1:] == gram[1:] for other in longer) for gram in longer}

    def share(size, context):
        if size == 0:
            return np.full(tokens, 1 / tokens)
        below, own = share(size - 1, context[1:]), counts(size)
        taken = discounts(np.array(list(own.values())))
        here = {gram[-1]: count for gram, count in own.items() if gram[:-1] == context}
        if not here:
            return below
        total, left = sum(here.values()), sum(taken[min(c, 3)] for c in here.values())
        found = left / total * below
        for word, count in here.items():
            found[word] += (count - taken[min(count, 3)]) / total
        return found

    return share(order, tuple(context))


@pytest.mark.parametrize("order", [1, 2, 3, 4])
def test_the_definition(order):
    text = draw(120)
    model = NGrams.fit([text], order, tokens=6)
    contexts = windows([draw(30, seed=1)], order, 0)[:, :-1]
    found = model.probabilities(contexts)
    np.testing.assert_allclose(found.sum(axis=1), 1.0, rtol=1e-12)
    for row, context in zip(found, contexts.tolist(), strict=True):
        np.testing.assert_allclose(row, kneser_ney(text, context, order, 6), rtol=1e-12)


def test_losses_are_those_of_the_probabilities_and_texts_do_not_see_one_another():
    model = NGrams.fit([draw()], 3, tokens=5)
    texts = [draw(20, seed=2), draw(9, seed=3)]
    losses = model.losses(texts, end=4)
    alone = np.concatenate([model.losses([text], end=4) for text in texts])
    np.testing.assert_array_equal(losses, alone)
    second = model.probabilities(np.array([[4, texts[0][0]]]))[0, texts[0][1]]
    assert losses[1] == pytest.approx(-np.log(second))


def test_a_longer_context_is_chosen_where_it_helps():
    chosen = choose_order([draw(4000)], [draw(500, seed=1)], tokens=5)
    assert chosen.order == 3 and chosen.name == "3-gram"
    assert chosen.losses([draw(500, seed=2)]).mean() < 0.7  # the entropy of what was drawn is 0.56
    random = np.random.default_rng(0)
    noise = [random.zipf(2.0, 2000) % 50, random.zipf(2.0, 500) % 50]
    assert choose_order(noise[:1], noise[1:], tokens=50).name == "unigram"


def test_what_is_kept_in_a_file_makes_an_equal_model():
    model = NGrams.fit([draw(), draw(seed=1)], 3, tokens=5)
    again = NGrams(model.grams.copy(), model.counts.copy(), 5)
    contexts = windows([draw(50, seed=4)], 3, 0)[:, :-1]
    np.testing.assert_array_equal(again.probabilities(contexts), model.probabilities(contexts))
    blocks = np.concatenate([shares for _, shares in model.blocks(contexts)])
    np.testing.assert_array_equal(blocks, model.probabilities(contexts))


def test_nothing_to_count_is_refused():
    with pytest.raises(ArgumentError, match=r"texts: expected at least one token in each part, got none"):
        choose_order([draw()], [np.array([], int)], tokens=5)
