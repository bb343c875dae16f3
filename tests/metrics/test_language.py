import math

import pytest

from unrolled.metrics import language


def test_a_fair_die_has_a_perplexity_of_six():
    assert language.perplexity([math.log(6)] * 10) == pytest.approx(6)
    assert language.nats([math.log(6)] * 10) == pytest.approx(math.log(6))


def test_bits_are_counted_over_characters_not_tokens():
    words = [math.log(1024), math.log(4)]  # 10 bits and 2 bits, over a text of eight characters
    assert language.bits_per_character(words, 8) == pytest.approx(1.5)


def test_a_hopeless_model_has_no_finite_perplexity():
    assert language.perplexity([1e6]) == math.inf
