"""Multi30k, German to English: the same network with attention and with the fixed context vector.

29,000 pairs are learned from, val stops the training, test_2016_flickr (1,000 lines) is scored by sacrebleu
with a beam of 5; the second table has the same by the length of the source.
`python -m benchmarks.language.translation`.
"""

from time import perf_counter

from benchmarks.language.data import read
from unrolled import Translator
from unrolled.nn import parameter_count

OPTIONS = {"vocabulary_size": 5000, "dropout": 0.4, "epochs": 14}
ATTENTIONS = ("luong", "none")


def main(seed: int = 0) -> None:
    """Train and score both, and print the tables."""
    train, held, last = (
        tuple(read(f"translation/{name}.{side}") for side in ("de", "en"))
        for name in ("train", "val", "test_2016_flickr")
    )
    by_length = {}
    for attention in ATTENTIONS:
        start = perf_counter()
        model = Translator(**OPTIONS, attention=attention, seed=seed, device="cpu")
        model.fit(*train, validation=held, test=last)
        minutes = (perf_counter() - start) / 60
        print(f"attention {attention}: {parameter_count(model.network_):,} parameters, {minutes:.0f} min")
        print(model.evaluation_, flush=True)
        by_length[attention] = model.evaluation_.by_length
    print(f"\n{'source tokens':<16}{'lines':>6}" + "".join(f"{name:>10}" for name in ATTENTIONS))
    for rows in zip(*by_length.values(), strict=True):
        figures = "".join(f"{bleu:>10.1f}" for _, _, bleu in rows)
        print(f"{rows[0][0]:<16}{rows[0][1]:>6}{figures}")


if __name__ == "__main__":
    main()
