"""Score a language model and its plain baselines on the same tokens."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from unrolled.metrics import judge, language
from unrolled.models import LanguageNetwork, MaskedLanguageNetwork
from unrolled.preprocess import TextCodec
from unrolled.tasks.evaluation import MetricScore
from unrolled.tasks.language.baselines import PlainTexts
from unrolled.tasks.language.data import Coded
from unrolled.tasks.language.evaluation import LanguageEvaluation, Surprise
from unrolled.tasks.language.scoring import score_masked, score_texts

MOST = 400_000_000  # shares that the baselines compute for one evaluation
BLOCK = 50  # tokens of a running text within which losses depend on one another at least
SURPRISES, BEFORE = 10, 40  # how many are told, and how many characters stand before each

Network = LanguageNetwork | MaskedLanguageNetwork


def evaluate_language(
    network: Network, codec: TextCodec, plain: PlainTexts, data: Coded, notes: Sequence[str] = ()
) -> LanguageEvaluation:
    """Scores of the model and the baselines on some texts.

    The verdict compares nats: of a running text token by token, of texts of their own each one's mean.
    """
    data, cut = shortened(data, codec, MOST // len(codec))
    masked = isinstance(network, MaskedLanguageNetwork)
    found: Any = (score_masked if masked else score_texts)(network, data.codes, codec.end)  # type: ignore[arg-type]
    words = np.concatenate([text[:-1] if masked else text for text in data.codes])
    every = {name_of(network): found} | plain.scores(data.codes)
    owner = np.repeat(np.arange(len(data.codes)), np.diff(found.starts))
    losses = {
        name: by_text(score.nats, owner) if codec.by_text else score.nats for name, score in every.items()
    }
    own, *others = losses
    verdict = judge(losses[own], {name: losses[name] for name in others}, block=1 if codec.by_text else BLOCK)
    rows = [
        MetricScore(name, metrics_of(score.nats, score.guesses == words, data.characters, masked))
        for name, score in every.items()
    ]
    return LanguageEvaluation(
        title=title_of(codec, data, len(words)),
        scores=tuple(rows),
        verdict=verdict,
        tokens=len(words),
        notes=(*notes, *cut, *notes_of(codec, words)),
        losses=losses,
        surprises=surprises_of(codec, data, found, masked),
    )


def metrics_of(nats: np.ndarray, hits: np.ndarray, characters: int, masked: bool) -> dict[str, float]:
    """The metrics of one row. Blanks have no bits a character: each is told from all others."""
    found = {"nats": language.nats(nats), "perplexity": language.perplexity(nats)}
    if not masked:
        found["bits/char"] = language.bits_per_character(nats, characters)
    return found | {"accuracy": float(hits.mean())}


def shortened(data: Coded, codec: TextCodec, most: int) -> tuple[Coded, list[str]]:
    """The first texts, or the first tokens of a running text, where there are more than are scored."""
    if data.tokens <= most:
        return data, []
    if codec.by_text:
        count = max(1, int(np.searchsorted(np.cumsum([len(text) for text in data.codes]), most)))
        kept = data.codes[:count]
    else:
        kept = (data.codes[0][:most],)
    scored = sum(map(len, kept))
    characters = sum(codec.characters(codec.decode(text)) for text in kept)
    return Coded(kept, characters), [f"The first {scored:,} of {data.tokens:,} tokens are scored."]


def surprises_of(codec: TextCodec, data: Coded, found: Any, masked: bool) -> tuple[Surprise, ...]:
    """The tokens of the greatest loss, unknown ones left out, each once."""
    told: list[Surprise] = []
    seen: set[tuple[int, int]] = set()
    for place in np.argsort(-found.nats, kind="stable")[: 20 * SURPRISES].tolist():
        row = int(np.searchsorted(found.starts, place, "right")) - 1
        at, codes = place - int(found.starts[row]), data.codes[row]
        pair = (int(codes[at]), int(found.guesses[place]))
        if codes[at] == 0 or pair in seen or len(told) == SURPRISES:
            continue
        seen.add(pair)
        before = codec.decode(codes[max(0, at - BEFORE) : at])[-BEFORE:]
        if masked:
            before += f" ___ {codec.decode(codes[at + 1 : -1])}"
            before = before[: 2 * BEFORE]
        told.append(Surprise(before, codec.word(pair[0]), codec.word(pair[1]), float(found.nats[place])))
    return tuple(told)


def by_text(values: np.ndarray, owner: np.ndarray) -> np.ndarray:
    """The mean of each text that has a token."""
    counts = np.bincount(owner)
    return np.bincount(owner, values)[counts > 0] / counts[counts > 0]


def name_of(network: Network) -> str:
    """What the table calls the model."""
    kind = "masked language model" if isinstance(network, MaskedLanguageNetwork) else "language model"
    return f"{network.options.cell.upper()} {kind}"


def title_of(codec: TextCodec, data: Coded, tokens: int) -> str:
    """What was scored."""
    kind = "characters" if codec.tokenizer.kind == "characters" else "tokens"
    texts = f" of {len(data.codes):,} texts" if codec.by_text else ""
    return f"{tokens:,} {kind}{texts}"


def notes_of(codec: TextCodec, words: np.ndarray) -> list[str]:
    """What a reader of the table should know."""
    unknown = float((words == 0).mean())
    if not unknown:
        return []
    return [f"{unknown:.1%} of the tokens are unknown: all of these count as one token."]
