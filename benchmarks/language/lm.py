"""tinyshakespeare, character by character: the first 90 % train, the last 10 % is scored.

The score is the mean nats a character of the whole last part, the state carried from its start; that part has
chosen the epoch, as in the literature. Beside it the unigram and the best n-grams, and a text to look at.
`python -m benchmarks.language.lm [--epochs N] [--seeds N]`.
"""

import argparse
from time import perf_counter

from benchmarks.language.data import folder
from unrolled import LanguageModel
from unrolled.nn import parameter_count

OPTIONS = {"hidden_size": 512, "embedding_size": 64, "dropout": 0.3, "weight_drop": 0.2, "patience": 0}
SPLIT = (0.9, 0.1)


def main() -> None:
    """Train, score and write."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.language.lm")
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--seeds", type=int, default=1)
    told = parser.parse_args()
    for seed in range(told.seeds):
        start = perf_counter()
        model = LanguageModel(**OPTIONS, epochs=told.epochs, seed=seed, device="cpu")
        model.fit(folder() / "text" / "tinyshakespeare.txt", split=SPLIT)
        minutes = (perf_counter() - start) / 60
        count = parameter_count(model.network_)
        print(f"seed {seed}: {count:,} parameters, {told.epochs} epochs, {minutes:.0f} min")
        print(model.evaluation_)
        print(model.generate("ROMEO:\n", length=400, temperature=0.8), flush=True)


if __name__ == "__main__":
    main()
