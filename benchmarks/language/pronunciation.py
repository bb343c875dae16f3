"""CMUdict: from the letters of an English word to its phonemes, without stress.

Stress and the variants of a word ("(2)") are dropped; a word is in the test part where crc32(word) % 20 is 0,
in the validation part where it is 1.
`python -m benchmarks.language.pronunciation`.
"""

import re
import zlib
from time import perf_counter

from benchmarks.language.data import read
from unrolled import SearchOptions, Translator
from unrolled.metrics.translation import exact_match, token_error_rate
from unrolled.nn import parameter_count

OPTIONS = {
    "tokenizer": "characters",
    "target_tokenizer": "spaces",
    "hidden_size": 256,
    "embedding_size": 128,
    "attention": "luong",
    "dropout": 0.3,
    "epochs": 15,
    "batch_tokens": 1500,
}


def pronunciations() -> dict[str, str]:
    """Every word with its first pronunciation."""
    found = {}
    for line in read("g2p/cmudict.dict"):
        word, *phonemes = line.split("#")[0].split()
        if not word.endswith(")"):
            found[word] = " ".join(re.sub(r"\d", "", phoneme) for phoneme in phonemes)
    return found


def main(seed: int = 0) -> None:
    """Train, and print word and phoneme error rates of greedy search and of a beam."""
    parts: dict[int, list[tuple[str, str]]] = {0: [], 1: [], 2: []}
    for word, said in pronunciations().items():
        parts[min(zlib.crc32(word.encode()) % 20, 2)].append((word, said))
    (words, truth), held, train = (tuple(zip(*parts[number], strict=True)) for number in range(3))
    start = perf_counter()
    model = Translator(**OPTIONS, seed=seed, device="cpu")
    model.fit(*train, validation=held, test=(words, truth))
    minutes = (perf_counter() - start) / 60
    size = f"{parameter_count(model.network_):,} parameters"
    print(f"{len(train[0]):,} words learned from, {size}, {minutes:.0f} min")
    print(model.evaluation_)
    for beam in (1, 5):
        written = model.predict(words, SearchOptions(beam=beam, maximum=40))
        wrong = 1.0 - exact_match(truth, written)
        errors = token_error_rate([line.split() for line in truth], [line.split() for line in written])
        print(
            f"beam {beam}: {len(words):,} words, word error rate {wrong:.2%}, phoneme error rate {errors:.2%}"
        )


if __name__ == "__main__":
    main()
