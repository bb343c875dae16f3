"""Masked words on Multi30k English: a network from both sides beside one from the left, of the same size.

Both read the same 29,000 captions with the same words (rarer ones count as unknown), train as long on
batches of as many tokens, and are asked for the same words of the 1,000 captions of test_2016_flickr. The
one from the left has a few parameters more.
"""

from typing import Any

import numpy as np

from benchmarks.language.data import read
from unrolled.nn import parameter_count
from unrolled.tasks import LanguageModel, MaskedLanguageModel
from unrolled.tasks.language.data import Coded
from unrolled.tasks.language.scoring import score_texts

COMMON: dict[str, Any] = {
    "tokenizer": "words", "embedding_size": 128, "dropout": 0.15, "input_dropout": 0.05, "epochs": 4,
    "bptt": 35, "learning_rate": 4e-3, "average": 0.99, "patience": 0, "device": "cpu",
}  # fmt: skip
BOTH = {"hidden_size": 128}
LEFT = {"hidden_size": 212, "weight_drop": 0.0}


def main(seeds: tuple[int, ...] = (0,), epochs: int = COMMON["epochs"]) -> None:
    """Print the accuracy of both at the same words, for each seed."""
    train, validation, test = (
        read(f"translation/{name}.en") for name in ("train", "val", "test_2016_flickr")
    )
    split = (len(train), len(validation))
    for seed in seeds:
        common = COMMON | {"seed": seed, "epochs": epochs}
        both = MaskedLanguageModel(**common, **BOTH).fit([*train, *validation], split=split)
        left = LanguageModel(**common, **LEFT).fit([*train, *validation], lines=True, split=split)
        judged = both.evaluate(test)
        right = hits(left, test)
        print(f"seed {seed}, {judged.tokens:,} words of {len(test):,} captions: top-1 accuracy")
        for score in judged.scores:
            print(f"  {score.name:<40}{score.metrics['accuracy']:7.1%}")
        sizes = [f"{parameter_count(model.network_):,}" for model in (both, left)]
        print(f"  {'LSTM from the left':<40}{right.mean():7.1%}")
        difference = 100 * (judged.model.metrics["accuracy"] - right.mean())
        print(f"  parameters {sizes[0]} and {sizes[1]}; {difference:.1f} points apart", flush=True)


def hits(model: LanguageModel, texts: list[str]) -> np.ndarray:
    """At which words of some texts the first guess is right; the texts' ends are not asked for."""
    coded = Coded.of(model.codec_, texts)
    found = score_texts(model.network_, coded.codes, model.codec_.end)
    words = np.concatenate(coded.codes)
    return (found.guesses == words)[words != model.codec_.end]


if __name__ == "__main__":
    main()
