"""A language task in words and tables: what was learned from what, and candidates as rows."""

from collections.abc import Sequence
from typing import Any

import polars as pl

from unrolled.models import MaskedLanguageNetwork
from unrolled.nn import parameter_count
from unrolled.preprocess import TextCodec
from unrolled.runtime import Candidate
from unrolled.tasks.language.data import Coded, Corpus
from unrolled.tasks.language.fit import FittedLanguage


def summarise(
    codec: TextCodec, corpus: Corpus, coded: Sequence[Coded], fitted: FittedLanguage
) -> dict[str, str]:
    """What was learned from what, in a few lines."""
    vocabulary, history = codec.tokenizer.vocabulary, fitted.history
    kind = "characters" if codec.tokenizer.kind == "characters" else "tokens"
    unit = f"{len(corpus.texts):,} texts" if corpus.by_text else "a running text"
    best = f"best {history.best_epoch}" if history.best_epoch else "the shares of tokens are as good"
    sizes = ", ".join(f"{part.tokens:,}" for part in coded if part.tokens)
    unknown = ", the rarer ones count as unknown" if codec.knows_unknown else ""
    padding = f"; {fitted.waste:.1%} of the batches is padding" if corpus.by_text else ""
    lines = {
        "data": f"{unit}, {sum(part.tokens for part in coded):,} {kind}",
        "tokens": f"{codec.tokenizer.kind}, {len(vocabulary.words):,} different{unknown}",
        "split": f"{sizes} {kind}: training, validation" + (", test" if coded[2].tokens else ""),
        "model": model_line(fitted),
        "size": f"{parameter_count(fitted.network):,} parameters,"
        f" {fitted.network.cost():,} multiply-adds per token",
        "training": f"{len(history.epochs)} epochs, {best}{padding}",
    }
    plain = fitted.baselines
    lines["baselines"] = f"unigram, {plain.name}, counted on {int(plain.left.counts.sum()):,} {kind}"
    return lines | ({"left out": f"{corpus.empty:,} empty lines"} if corpus.empty else {})


def model_line(fitted: FittedLanguage) -> str:
    """The network in a line."""
    options = fitted.network.options
    told = f"{options.cell.upper()} {options.hidden} x {options.layers}, embedding {options.embedding}"
    told += ", tied" if options.tied else ""
    return told + (", from both sides" if isinstance(fitted.network, MaskedLanguageNetwork) else "")


def candidate_frame(
    texts: Sequence[str], found: Sequence[Sequence[Candidate]], extra: dict[str, Sequence[Any]]
) -> pl.DataFrame:
    """Candidates as a frame: the text, whatever `extra` adds to it, rank, token, p."""
    rows = []
    for place, (text, candidates) in enumerate(zip(texts, found, strict=True)):
        own = {"text": text} | {name: values[place] for name, values in extra.items()}
        for rank, candidate in enumerate(candidates, start=1):
            rows.append(own | {"rank": rank, "token": candidate.token, "p": candidate.probability})
    return pl.DataFrame(rows)
