"""The loss of each row's last answer: what a measurement compares row by row, and step by step.

Key: B batch · T time · H horizon.
"""

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor
from torch.nn import Module
from torch.nn import functional as F

from unrolled.models import (
    NO_TOKEN,
    DirectNetwork,
    LanguageNetwork,
    MaskedLanguageNetwork,
    RecursiveNetwork,
    SegmentNetwork,
    SequenceNetwork,
    TaggerNetwork,
    TextClassifierNetwork,
)
from unrolled.models.heads import forecast_loss
from unrolled.models.inputs import valid_steps
from unrolled.models.recurrent import top_hidden
from unrolled.models.recursive import HALF_LOG_TAU
from unrolled.models.text import row_lengths

SHARED = ("spelled", "spelled_lengths")  # by all rows of a batch of texts
Batch = dict[str, Any]
Losses = Callable[[Batch], Tensor]


def final_losses(network: Module) -> Losses:
    """A function from a batch to the loss of each row's last answer, (B,); NaN for a row without one.

    For a network that is none of ours the loss of each row by itself, as `network.loss` has it.
    """
    for kind, losses in LOSSES.items():
        if isinstance(network, kind):
            return lambda batch: losses(network, batch)
    return lambda batch: row_by_row(network, batch)


def row_by_row(network: Any, batch: Batch) -> Tensor:
    """The network's own loss of each row, (B,): the batch is taken apart along its first axis."""
    rows = len(next(iter(batch.values())))
    parts = (few_rows(batch, slice(row, row + 1)) for row in range(rows))
    return torch.stack([network.loss(part, None)[0] for part in parts])


def few_rows(batch: Any, rows: slice) -> Any:
    """Some rows of a batch, on the CPU; what all rows share stays whole."""
    if isinstance(batch, Mapping):
        return {
            key: value.cpu() if key in SHARED or value.ndim == 0 else value[rows].cpu()
            for key, value in batch.items()
        }
    return batch[rows].cpu() if isinstance(batch, Tensor) else batch


def segment_losses(network: SegmentNetwork, batch: Batch) -> Tensor:
    """Of each window."""
    quantiles, anchor, scale = network(batch)
    answers = (batch["future"] - anchor[:, None]) / scale[:, None]
    return forecast_losses(quantiles, answers, network.shape.quantiles)


def direct_losses(network: DirectNetwork, batch: Batch) -> Tensor:
    """Of the horizon after each row's last step."""
    _, _, state = network.read(batch, None)
    first = valid_steps(batch).sum(1, keepdim=True)
    quantiles = network.answer(top_hidden(state.recurrent)[:, None], batch, first)[:, 0]
    mean, scale = network.inputs.target_scaling(batch)
    anchor = torch.where(state.last.isnan(), mean, state.last)[:, None]
    answers = (network.rows_ahead(batch, first)[:, 0] - anchor) / scale[:, None]
    return forecast_losses(quantiles, answers, network.shape.quantiles)


def forecast_losses(quantiles: Tensor, answers: Tensor, levels: tuple[float, ...]) -> Tensor:
    """The loss of each row's forecast, (B,), NaN where it has no answer. (B, H, C, quantiles), (B, H, C)."""
    each = torch.stack([forecast_loss(q, a, levels) for q, a in zip(quantiles, answers, strict=True)])
    return torch.where(answers.isnan().flatten(1).all(1), torch.nan, each)


def recursive_losses(network: RecursiveNetwork, batch: Batch) -> Tensor:
    """Of each row's last step: the likelihood of the row that it has not read."""
    mean, spread, anchor, _ = network.read(batch, None)
    _, scale = network.inputs.target_scaling(batch)
    answers = (batch["target"] - anchor) / scale[:, None]
    error = (answers - mean) / spread
    each = (0.5 * error.square() + spread.log() + HALF_LOG_TAU).mean(-1)  # (B, T)
    return at_last(each, valid_steps(batch).sum(1))


def sequence_losses(network: SequenceNetwork, batch: Batch) -> Tensor:
    """Of each sequence, or of its last step."""
    scores, label = network(batch), batch["label"]
    if network.pool == "every":
        last = valid_steps(batch, "x").sum(1)
        scores, label = at_last(scores, last), at_last(label, last)
    if network.shape.classes:
        return cross_entropies(scores, label)
    return ((label - network.target_mean) / network.target_scale - scores).square().mean(-1)


def text_losses(network: TextClassifierNetwork, batch: Batch) -> Tensor:
    """Of each text."""
    return cross_entropies(network(batch), batch["label"])


def tagger_losses(network: TaggerNetwork, batch: Batch) -> Tensor:
    """Of each sentence's last word, without the chain."""
    last = row_lengths(batch)
    return cross_entropies(at_last(network(batch), last), at_last(batch["tags"], last))


def language_losses(network: LanguageNetwork, batch: Batch) -> Tensor:
    """Of the last token of each row that is asked for."""
    scores, _ = network.scores(batch, None)
    return last_token(scores, batch["next"])


def masked_losses(network: MaskedLanguageNetwork, batch: Batch) -> Tensor:
    """Of the last token of each row that is asked for, from both sides."""
    return last_token(network.scores(batch), batch["next"])


def last_token(scores: Tensor, wanted: Tensor) -> Tensor:
    """The nats of the last token that is wanted. scores (B, T, V), wanted (B, T) -> (B,)."""
    steps = torch.arange(1, wanted.shape[1] + 1, device=wanted.device)
    last = torch.where(wanted != NO_TOKEN, steps, 0).amax(1)
    return cross_entropies(at_last(scores, last), torch.where(last > 0, at_last(wanted, last), NO_TOKEN))


def cross_entropies(scores: Tensor, label: Tensor) -> Tensor:
    """In nats, NaN where there is no label. scores (B, K), label (B,) -> (B,)."""
    each = F.cross_entropy(scores, label.clamp(min=0), reduction="none")
    return torch.where(label >= 0, each, torch.nan)


def at_last(values: Tensor, lengths: Tensor) -> Tensor:
    """What stands at each row's last step. values (B, T, ...), lengths (B,) -> (B, ...)."""
    rows = torch.arange(len(values), device=values.device)
    return values[rows, lengths.to(values.device).clamp(min=1) - 1]


LOSSES: dict[type[Any], Any] = {
    SegmentNetwork: segment_losses,
    DirectNetwork: direct_losses,
    RecursiveNetwork: recursive_losses,
    SequenceNetwork: sequence_losses,
    TextClassifierNetwork: text_losses,
    TaggerNetwork: tagger_losses,
    LanguageNetwork: language_losses,
    MaskedLanguageNetwork: masked_losses,
}
