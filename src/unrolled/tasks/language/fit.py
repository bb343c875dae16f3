"""Fit a language network: tokens, network, training, baselines, in this order."""

from collections.abc import Callable
from dataclasses import dataclass
from os import PathLike
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from unrolled.models import build
from unrolled.preprocess import TextCodec
from unrolled.tasks.checkpoint import checkpoint_of
from unrolled.tasks.language.baselines import PlainTexts
from unrolled.tasks.language.data import Coded
from unrolled.tasks.language.judge import Network
from unrolled.tasks.language.scoring import quick_nats, score_masked, score_texts
from unrolled.tasks.language.settings import LanguageSettings
from unrolled.tasks.language.sources import LaneSource, TextSource
from unrolled.training import Checkpoint, History, Reporter, choose_device, fit, network_loss, reproducible


@dataclass(frozen=True)
class FittedLanguage:
    """What training leaves behind; `waste` is the share of padding in its batches."""

    network: Network
    history: History
    baselines: PlainTexts
    waste: float


def fit_language(
    settings: LanguageSettings,
    codec: TextCodec,
    train: Coded,
    validation: Coded,
    masked: bool,
    checkpoint: str | PathLike[str] | None = None,
    resume: bool = False,
    reporter: Reporter | None = None,
) -> FittedLanguage:
    """Train on the training part, stop by the validation part, count the baselines beside it."""
    network = build_network(settings, codec, train, masked)
    source = source_of(settings, codec, train, masked)
    history = fit(
        network,
        source,
        validation_nats(codec, validation, masked),
        settings.training,
        loss=fresh_loss if codec.by_text else network_loss,
        checkpoint=as_checkpoint(checkpoint, network, settings, train, validation),
        resume=resume,
        reporter=reporter,
    )
    plain = PlainTexts.fit(train.codes, validation.codes, len(codec), codec.end, masked)
    return FittedLanguage(network, history, plain, getattr(source, "waste", 0.0))


def build_network(settings: LanguageSettings, codec: TextCodec, train: Coded, masked: bool) -> Network:
    """A network for these tokens, whose answers start at their shares in the training part."""
    shape = {"tokens": len(codec)}
    kind = "masked" if masked else "language"
    with reproducible(choose_device(settings.training.device), settings.training.seed):
        network: Any = build({"kind": kind, "shape": shape} | settings.network)
    counts = np.bincount(np.concatenate(train.codes), minlength=len(codec))
    network.head.start_at(torch.from_numpy(counts))
    return network


def source_of(
    settings: LanguageSettings, codec: TextCodec, train: Coded, masked: bool
) -> LaneSource | TextSource:
    """Lanes of a running text, or batches of whole texts that hold as many tokens."""
    seed = settings.training.seed
    if not codec.by_text:
        return LaneSource(train.codes[0], codec.end, settings.batch_size, settings.bptt, seed)
    return TextSource(train.codes, codec.end, settings.batch_size * settings.bptt, seed, masked)


def fresh_loss(network: nn.Module, batch: Any, state: None) -> tuple[Tensor, None]:
    """The loss of texts that have nothing to do with those before them."""
    return network.loss(batch, None)[0], None  # type: ignore[operator]


def validation_nats(codec: TextCodec, validation: Coded, masked: bool) -> Callable[[Any], float]:
    """What training is stopped by: the mean nats a token of the validation part."""

    def nats(network: Any) -> float:
        if masked:
            return float(score_masked(network, validation.codes, codec.end).nats.mean())
        if codec.by_text:
            return float(score_texts(network, validation.codes, codec.end).nats.mean())
        return quick_nats(network, validation.codes[0], codec.end)

    return nats


def as_checkpoint(
    path: str | PathLike[str] | None,
    network: Network,
    settings: LanguageSettings,
    train: Coded,
    validation: Coded,
) -> Checkpoint | None:
    """A checkpoint that knows what was trained on what."""
    told = {"batch_size": settings.batch_size, "bptt": settings.bptt, "tokens": train.tokens}
    texts = (codes for part in (train, validation) for codes in part.codes)
    data = (np.ascontiguousarray(codes, "<i8").tobytes() + b";" for codes in texts)
    return checkpoint_of(path, network, told, data)
