"""Fit a tagger's network, and decode what it says: the best allowed tags, or one after the other as words
come.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from os import PathLike
from typing import Any

import numpy as np
import torch

from unrolled.data import even_batches
from unrolled.data.vectors import Vectors
from unrolled.metrics.spans import score_spans
from unrolled.models import TaggerNetwork
from unrolled.nn import Allowed
from unrolled.preprocess import allowed_moves
from unrolled.tasks.sequence.data import SequenceSplit
from unrolled.tasks.text.batches import TEXTS, TOKENS, CodedTexts, TextSource
from unrolled.tasks.text.fit import as_checkpoint, build_network
from unrolled.tasks.text.settings import TextSettings
from unrolled.tasks.text.tagging_data import TagSet, WordCodes
from unrolled.training import History, Reporter, fit, to_device

FORBIDDEN = -1e9


@dataclass(frozen=True)
class FittedTagger:
    """What training leaves behind; `waste` is the share of padding in its batches."""

    network: TaggerNetwork
    history: History
    waste: float


def fit_tagger(
    settings: TextSettings,
    tags: TagSet,
    words: WordCodes,
    data: CodedTexts,
    truth: np.ndarray,
    split: SequenceSplit,
    vectors: Vectors | None = None,
    checkpoint: str | PathLike[str] | None = None,
    resume: bool = False,
    reporter: Reporter | None = None,
) -> FittedTagger:
    """Train on the training sentences, stop by the errors on the validation sentences.

    Shapes: truth, codes int64 (words,) of all sentences end to end.
    """
    shape = {"words": len(words.words), "answers": len(tags.values), "shapes": len(words.shapes)}
    shape["characters"] = 0 if words.characters is None else len(words.characters)
    network = build_network("tagger", shape, settings, vectors)
    allow(network, tags)
    seed = settings.training.seed
    source = TextSource(data, split.train, ("tags", truth), settings.batch_tokens, seed)
    true_tags = [tags.decode(truth[data.offsets[i] : data.offsets[i + 1]]) for i in split.validation]

    def validate(_: Any) -> float:
        found = [tags.decode(codes) for codes in best_codes(network, data, split.validation)]
        return shortfall(tags, true_tags, found)

    history = fit(
        network,
        source,
        validate,
        settings.training,
        checkpoint=as_checkpoint(checkpoint, network, settings, data, truth, split),
        resume=resume,
        reporter=reporter,
    )
    return FittedTagger(network, history, source.batches.waste)


def shortfall(tags: TagSet, truth: list[list[str]], found: list[list[str]]) -> float:
    """What is lacking to a perfect score: 1 less span F1, or of plain tags the share of wrong ones."""
    if tags.has_spans:
        return 1.0 - score_spans(truth, found)[0].f1
    flat = [[tag for sentence in part for tag in sentence] for part in (truth, found)]
    return float(np.mean([a != b for a, b in zip(*flat, strict=True)]))


def allow(network: TaggerNetwork, tags: TagSet) -> None:
    """Tell the network's chain what may follow what."""
    network.chain.allow(
        Allowed(*(torch.from_numpy(part) for part in allowed_moves(tags.values, tags.learned)))
    )


@torch.no_grad()
def emissions_of(
    network: TaggerNetwork, data: CodedTexts, indices: np.ndarray
) -> Iterator[tuple[np.ndarray, torch.Tensor, torch.Tensor]]:
    """Batches of sentences: their places among `indices`, emissions (B, T, K) and lengths (B,)."""
    network.eval()
    device = next(network.parameters()).device
    for places in even_batches(data.lengths[indices], TOKENS, TEXTS):
        batch = to_device(data.batch(indices[places]), device)
        yield places, network(batch).float(), batch["lengths"]


def best_codes(network: TaggerNetwork, data: CodedTexts, indices: np.ndarray) -> list[np.ndarray]:
    """The tags of each sentence, codes (words,): the best path, or of a causal network each tag as its word
    comes.
    """
    out: list[np.ndarray] = [np.empty(0, np.int64)] * len(indices)
    for places, emissions, lengths in emissions_of(network, data, indices):
        if network.bidirectional:
            paths = network.chain.viterbi(emissions, lengths)[0].cpu().numpy()
        else:
            paths = greedy_codes(emissions.cpu().numpy(), moves_of(network))
        for place, path, length in zip(places, paths, lengths.tolist(), strict=True):
            out[place] = path[:length]
    return out


def best_lists(network: TaggerNetwork, data: CodedTexts, count: int) -> list[list[tuple[float, np.ndarray]]]:
    """The `count` best paths of each sentence with their probabilities, the best first."""
    out: list[list[tuple[float, np.ndarray]]] = [[] for _ in range(len(data))]
    with torch.no_grad():
        for places, emissions, lengths in emissions_of(network, data, np.arange(len(data))):
            paths, scores = network.chain.best_paths(emissions, lengths, count)
            share = (scores - network.chain.log_partition(emissions, lengths)[:, None]).exp()
            for row, place in enumerate(places):
                length, kept = int(lengths[row]), scores[row].isfinite()
                told = zip(share[row][kept].tolist(), paths[row][kept].cpu().numpy(), strict=True)
                out[place] = [(probability, path[:length]) for probability, path in told]
    return out


def marginals_of(network: TaggerNetwork, data: CodedTexts) -> list[np.ndarray]:
    """The probability of each tag at each word of each sentence, float32 (words, tags)."""
    out: list[np.ndarray] = [np.empty(0)] * len(data)
    for places, emissions, lengths in emissions_of(network, data, np.arange(len(data))):
        found = network.chain.marginals(emissions, lengths).cpu().numpy()
        for row, place in enumerate(places):
            out[place] = found[row, : int(lengths[row])]
    return out


def moves_of(network: TaggerNetwork) -> tuple[np.ndarray, np.ndarray]:
    """What a tag adds at the start, and behind each other tag: float32 (K,), (K, K); -1e9 where forbidden."""
    with torch.no_grad():
        start, follow, _ = network.chain.scores()
    return start.cpu().numpy(), follow.cpu().numpy()


def greedy_codes(emissions: np.ndarray, moves: tuple[np.ndarray, np.ndarray]) -> np.ndarray:
    """Each word's best tag behind the one before, decided when the word comes. (B, T, K) -> int64 (B, T).

    Example:
        >>> moves = np.zeros(2, np.float32), np.array([[0, -1e9], [0, 0]], np.float32)
        >>> greedy_codes(np.array([[[1, 0], [0, 1]]], np.float32), moves).tolist()  # 1 may not follow 0
        [[0, 0]]
    """
    start, follow = moves
    codes = np.empty(emissions.shape[:2], np.int64)
    for step in range(emissions.shape[1]):
        before = start if step == 0 else follow[codes[:, step - 1]]
        codes[:, step] = (emissions[:, step] + before).argmax(-1)
    return codes
