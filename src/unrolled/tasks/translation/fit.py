"""Fit a translator: tokens, network, training, the plain baseline, in this order."""

from dataclasses import dataclass
from os import PathLike

import numpy as np
import torch
from torch.nn import functional as F

from unrolled.baselines import WordByWord
from unrolled.data import ParallelSet
from unrolled.models import TranslationNetwork, TranslationShape, build
from unrolled.preprocess import Sides
from unrolled.tasks.checkpoint import checkpoint_of
from unrolled.tasks.translation.data import Pairs, PairSource, code_pairs, fit_sides, lengths_of
from unrolled.tasks.translation.settings import TranslationSettings
from unrolled.training import Checkpoint, History, Reporter, choose_device, fit, reproducible, to_device

ROWS = 128  # pairs in one call when the loss is taken


@dataclass(frozen=True)
class Fitted:
    """What training leaves behind; `waste` is the share of padding in its batches."""

    network: TranslationNetwork
    sides: Sides
    history: History
    plain: WordByWord
    waste: float


def fit_translation(
    settings: TranslationSettings,
    train: ParallelSet,
    validation: ParallelSet,
    checkpoint: str | PathLike[str] | None = None,
    resume: bool = False,
    reporter: Reporter | None = None,
) -> Fitted:
    """Train on some pairs and stop by others."""
    sides = fit_sides(settings, train)
    pairs, held = code_pairs(sides, train), code_pairs(sides, validation)
    network = build_network(settings, sides)
    options = settings.training
    source = PairSource(pairs, settings.batch_tokens, options.seed, settings.sampling, options.epochs)
    history = fit(
        network,
        source,
        lambda _: token_loss(network, held),
        options,
        checkpoint=as_checkpoint(checkpoint, network, settings, pairs, held),
        resume=resume,
        reporter=reporter,
    )
    plain = WordByWord().fit(pairs.source, pairs.target, len(sides.source))
    return Fitted(network, sides, history, plain, source.batches.waste)


def build_network(settings: TranslationSettings, sides: Sides) -> TranslationNetwork:
    """A network for these tokens, drawn by the seed."""
    shape = TranslationShape(len(sides.source), len(sides.target))
    with reproducible(choose_device(settings.training.device), settings.training.seed):
        network = build({"kind": "translation", "shape": shape.card()} | settings.network)
    assert isinstance(network, TranslationNetwork)
    return network


@torch.no_grad()
def token_loss(network: TranslationNetwork, pairs: Pairs) -> float:
    """The mean cross-entropy of a token, the end's with it, in nats, without smoothing."""
    total, count, device = 0.0, 0, next(network.parameters()).device
    order = np.argsort(lengths_of(pairs), kind="stable")
    for start in range(0, len(order), ROWS):
        batch = to_device(pairs.batch(order[start : start + ROWS]), device)
        scores, answers = network.forced(batch)
        total += float(F.cross_entropy(scores.float(), answers, reduction="sum"))
        count += len(answers)
    return total / count


def as_checkpoint(
    path: str | PathLike[str] | None,
    network: TranslationNetwork,
    settings: TranslationSettings,
    train: Pairs,
    validation: Pairs,
) -> Checkpoint | None:
    """A checkpoint that knows what was trained on what."""
    told = {"batch_tokens": settings.batch_tokens, "sampling": settings.sampling, "pairs": len(train)}
    sides = (train.source, train.target, validation.source, validation.target)
    data = (
        np.array([len(row) for row in rows], np.int64).tobytes() + np.concatenate(rows).tobytes()
        for rows in sides
    )
    return checkpoint_of(path, network, told, data)
