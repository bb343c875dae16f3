"""A text that can be learned in a moment, and models of it."""

import numpy as np
import pytest

from unrolled.tasks import LanguageModel, MaskedLanguageModel
from unrolled.training import SilentReporter

WHO, DID, WHAT = ("cat", "dog", "bird", "cow"), ("saw", "ate", "took"), ("fish", "corn", "bread", "grass")


def verses(count, seed=0):
    """Lines such as 'the cat saw the fish'."""
    random = np.random.default_rng(seed)
    words = [[random.choice(part) for part in (WHO, DID, WHAT)] for _ in range(count)]
    return [f"the {who} {did} the {what}" for who, did, what in words]


SMALL = {"hidden_size": 12, "embedding_size": 8, "device": "cpu", "batch_size": 4, "bptt": 16, "epochs": 2}


@pytest.fixture(scope="session")
def lines():
    return verses(300)


@pytest.fixture(scope="session")
def small():
    return SMALL


@pytest.fixture(scope="session")
def characters(lines):
    return LanguageModel(**SMALL).fit(lines, reporter=SilentReporter())


@pytest.fixture(scope="session")
def words(lines):
    return LanguageModel("words", **SMALL).fit(lines, lines=True, reporter=SilentReporter())


@pytest.fixture(scope="session")
def masked(lines):
    settings = SMALL | {"epochs": 20, "learning_rate": 0.02, "average": 0.9}
    return MaskedLanguageModel(**settings).fit(lines, reporter=SilentReporter())
