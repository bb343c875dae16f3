"""Emerging entities in tweets (WNUT17), no vectors from elsewhere: span F1 as conlleval counts, and time.

Trained on the training file, stopped by the development file, scored on the test file; three seeds, 30 epochs
at most. A peer's answers are scored by the same function: `--peer FILE...` names CoNLL files with the peer's
tags in their last column, one for each seed, in the order of the test file.
"""

import argparse
import time
from pathlib import Path

import numpy as np

from benchmarks.language.data import folder
from unrolled import Tagger
from unrolled.data import TaggedSet, read_conll
from unrolled.metrics.spans import score_spans
from unrolled.preprocess import first_invalid

EPOCHS = 30


def main() -> None:
    """Print F1 and time for each seed, the mean with its spread, and the peer's beside it."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.language.tagging", description=__doc__)
    parser.add_argument("--seeds", type=int, nargs="*", default=[1, 2, 3])
    parser.add_argument("--epochs", type=int, default=EPOCHS)
    parser.add_argument("--peer", nargs="*", default=[], help="CoNLL files with a peer's answers")
    given = parser.parse_args()
    train, validation, test = (folder() / "ner" / f"wnut17-{part}.conll" for part in ("train", "dev", "test"))
    truth = read_conll(test)
    true = [truth.sentence_tags(i) for i in range(len(truth))]
    scores = []
    for seed in given.seeds:
        start = time.perf_counter()
        model = Tagger(seed=seed, epochs=given.epochs, device="cpu")
        model.fit(train, validation=validation, test=test)
        took, epochs = time.perf_counter() - start, len(model.history_.epochs)
        found = model.predict([truth.sentence(i) for i in range(len(truth))])
        invalid = sum(first_invalid(tags, "bio") is not None for tags in found)
        scores.append(score_spans(true, found)[0].f1)
        rate = len(read_conll(train).words) * epochs / took
        print(
            f"  seed {seed}: F1 {scores[-1]:.2%}, {invalid} sentences with invalid tags, {epochs} epochs,"
            f" {took:.0f} s, {took / epochs:.1f} s an epoch, {rate:,.0f} words a second",
            flush=True,
        )
    print(f"  {told('unrolled', scores)}; most frequent tag {model.evaluation_.scores[1].metrics['F1']:.2%}")
    if given.peer:
        print(f"  {told('peer', [peer_f1(truth, Path(path)) for path in given.peer])}")


def peer_f1(truth: TaggedSet, path: Path) -> float:
    """The F1 of a peer's answers. Ends the program where they are not of the same words."""
    found = read_conll(path)
    if found.words != truth.words:
        raise SystemExit(f"{path}: other words than the test file")
    pairs = [(part.sentence_tags(i) for i in range(len(part))) for part in (truth, found)]
    return score_spans(*(list(part) for part in pairs))[0].f1


def told(name: str, scores: list[float]) -> str:
    """A mean with its standard error."""
    error = np.std(scores, ddof=1) / np.sqrt(len(scores)) if len(scores) > 1 else float("nan")
    return f"{name}: mean F1 {np.mean(scores):.2%}, standard error {error:.2%} over {len(scores)} seeds"


if __name__ == "__main__":
    main()
