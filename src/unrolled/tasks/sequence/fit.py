"""Fit a sequence network: scaling, network, training, baselines, in this order."""

from dataclasses import dataclass
from functools import lru_cache
from os import PathLike
from typing import Any

import numpy as np
import torch

from unrolled.data import SequenceSet, pad, pad_labels, shuffled
from unrolled.errors import DataError, explain
from unrolled.models import FEED_FORWARD, SequenceNetwork, build
from unrolled.models.sequence import weighted_cross_entropy
from unrolled.preprocess import StandardScaler
from unrolled.tasks.checkpoint import checkpoint_of
from unrolled.tasks.sequence.answers import Answers
from unrolled.tasks.sequence.baselines import PlainModel, fit_plain
from unrolled.tasks.sequence.data import SequenceSplit
from unrolled.tasks.sequence.run import answers_of, scores_of
from unrolled.tasks.sequence.settings import SequenceSettings
from unrolled.training import Checkpoint, History, Reporter, choose_device, fit, reproducible

Batch = dict[str, torch.Tensor]
STEPS = 30  # batches in an epoch at least


@dataclass(frozen=True)
class Fitted:
    """What training leaves behind."""

    network: SequenceNetwork
    history: History
    baselines: tuple[PlainModel, ...]


def fit_sequences(
    settings: SequenceSettings,
    answers: Answers,
    data: SequenceSet,
    split: SequenceSplit,
    class_weight: Any = None,
    checkpoint: str | PathLike[str] | None = None,
    resume: bool = False,
    reporter: Reporter | None = None,
) -> Fitted:
    """Train on the training sequences, stop by the validation sequences, fit the baselines beside it.

    `data` holds labels as the answers encode them.
    """
    network = build_network(settings, answers, data, split.train, class_weight)
    history = fit(
        network,
        SequenceSource(answers, data, split.train, settings.batch_size, settings.training.seed),
        lambda _: validation_loss(network, data, split.validation),
        settings.training,
        checkpoint=as_checkpoint(checkpoint, network, settings, data, split),
        resume=resume,
        reporter=reporter,
    )
    plain = fit_plain(answers, data, split.train, split.validation, network.bidirectional)
    return Fitted(network, history, plain)


def build_network(
    settings: SequenceSettings, answers: Answers, data: SequenceSet, train: np.ndarray, class_weight: Any
) -> SequenceNetwork:
    """A network for these sequences, scaled by the training part; masks where anything is missing."""
    assert data.labels is not None
    shape = answers.shape(data.values.shape[1], bool(np.isnan(data.values).any()))
    with reproducible(choose_device(settings.training.device), settings.training.seed):
        options = settings.network | fixed_length(settings, data)
        network: Any = build({"kind": "sequence", "shape": shape.card()} | options)
    rows = np.concatenate([np.arange(*data.offsets[index : index + 2]) for index in train])
    scaler = StandardScaler.fit(data.values[rows])
    buffers = answers.buffers(data.labels[answers_of(data, train)[0]], class_weight)
    network.set_scaling({"mean": scaler.mean[0], "scale": scaler.scale[0]} | buffers)
    return network


def fixed_length(settings: SequenceSettings, data: SequenceSet) -> dict[str, int]:
    """The length that a feed-forward network reads; nothing for all others.

    Raises: DataError where the sequences are not of one length.
    """
    if settings.network["cell"] != FEED_FORWARD:
        return {}
    shortest, longest = int(data.lengths.min()), int(data.lengths.max())
    if shortest != longest:
        cure = "A feed-forward network takes one length only: cut or pad them, or use cell='gru'."
        raise DataError(explain("X", "sequences of one length", f"{shortest} to {longest} steps", cure))
    return {"steps": longest}


class SequenceSource:
    """Whole sequences, each pass in an order of its own: a pure function of (seed, epoch, index).

    Where there are few, an epoch makes several passes, so that it has at least `STEPS` batches.
    """

    def __init__(
        self, answers: Answers, data: SequenceSet, indices: np.ndarray, batch_size: int, seed: int
    ) -> None:
        self._answers, self._data, self._batch_size = answers, data, batch_size
        self._in_a_pass = -(-len(indices) // batch_size)
        self._passes = -(-STEPS // self._in_a_pass)
        self._order = lru_cache(maxsize=1)(lambda number: indices[shuffled(len(indices), seed, number)])

    @property
    def steps(self) -> int:
        """Batches in an epoch."""
        return self._in_a_pass * self._passes

    def batch(self, epoch: int, index: int) -> Batch:
        """The batch at a place of an epoch: x, lengths and label, as docs/house.md lists them."""
        again, place = divmod(index, self._in_a_pass)
        order = self._order(epoch * self._passes + again)
        picks = order[place * self._batch_size : (place + 1) * self._batch_size]
        x, lengths = pad(self._data, picks)
        assert self._data.labels is not None
        every = self._data.every_step
        label = pad_labels(self._data, picks, self._answers.missing) if every else self._data.labels[picks]
        return {
            "x": torch.from_numpy(x),
            "lengths": torch.from_numpy(lengths),
            "label": self._answers.tensor(label),
        }


def validation_loss(network: SequenceNetwork, data: SequenceSet, indices: np.ndarray) -> float:
    """The loss that is trained, over all answers at once: each counts alike, however they are batched."""
    assert data.labels is not None
    truth = data.labels[answers_of(data, indices)[0]]
    scores = scores_of(network, data, indices)
    if not network.shape.classes:
        scale = float(network.target_scale)
        return float((((scores[:, 0] - truth) / scale) ** 2).mean())
    label = torch.from_numpy(truth)
    weights = network.class_weights.cpu().double()
    loss = weighted_cross_entropy(torch.from_numpy(scores).double(), label, label >= 0, weights)
    return float(loss)


def as_checkpoint(
    path: str | PathLike[str] | None,
    network: SequenceNetwork,
    settings: SequenceSettings,
    data: SequenceSet,
    split: SequenceSplit,
) -> Checkpoint | None:
    """A checkpoint that knows what was trained on what."""
    told = {
        "class_weights": network.class_weights.tolist(),
        "batch_size": settings.batch_size,
        "sequences": len(data),
    }
    assert data.labels is not None
    parts = (data.values, data.offsets, data.labels, split.train, split.validation)
    return checkpoint_of(path, network, told, (np.ascontiguousarray(part).tobytes() for part in parts))
