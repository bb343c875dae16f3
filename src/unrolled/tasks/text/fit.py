"""Fit a text classifier: vocabulary, network, training, sharpness, baselines, in this order."""

from dataclasses import dataclass
from os import PathLike
from typing import Any

import numpy as np
import torch

from unrolled.baselines.text import best_sharpness
from unrolled.data import even_batches
from unrolled.data.vectors import Vectors
from unrolled.models import TextClassifierNetwork, build
from unrolled.preprocess import Tokenizer
from unrolled.tasks.checkpoint import checkpoint_of
from unrolled.tasks.sequence.answers import Classes
from unrolled.tasks.sequence.data import SequenceSplit
from unrolled.tasks.text.batches import TEXTS, TOKENS, CodedTexts, TextSource
from unrolled.tasks.text.settings import TextSettings
from unrolled.training import Checkpoint, History, Reporter, choose_device, fit, reproducible, to_device

PRIOR = 0.4  # log-odds of words beside vectors whose numbers deviate by 0.1


@dataclass(frozen=True)
class Fitted:
    """What training leaves behind; `waste` is the share of padding in its batches."""

    network: TextClassifierNetwork
    history: History
    waste: float


def fit_classifier(
    settings: TextSettings,
    answers: Classes,
    tokenizer: Tokenizer,
    data: CodedTexts,
    labels: np.ndarray,
    split: SequenceSplit,
    class_weight: Any = None,
    vectors: Vectors | None = None,
    prior: bool = False,
    checkpoint: str | PathLike[str] | None = None,
    resume: bool = False,
    reporter: Reporter | None = None,
) -> Fitted:
    """Train on the training texts, stop and sharpen by the validation texts."""
    shape = {"words": len(tokenizer), "answers": len(answers.values)}
    settings = settings.windowed(data.lengths[split.train])
    network = build_network("text classifier", shape, settings, vectors)
    if prior and vectors is None:
        set_prior(network, log_odds(data, labels, split.train, shape["words"], shape["answers"]))
    network.set_scaling(answers.buffers(labels[split.train], class_weight))
    seed = settings.training.seed
    source = TextSource(data, split.train, ("label", labels), settings.batch_tokens, seed)
    truth = labels[split.validation]
    history = fit(
        network,
        source,
        lambda _: best_sharpness(scores_of(network, data, split.validation), truth)[1],
        settings.training,
        checkpoint=as_checkpoint(checkpoint, network, settings, data, labels, split, network.class_weights),
        resume=resume,
        reporter=reporter,
    )
    sharpness, _ = best_sharpness(scores_of(network, data, split.validation), truth)
    network.set_scaling({"sharpness": [sharpness]})
    return Fitted(network, history, source.batches.waste)


def build_network(kind: str, shape: dict[str, int], settings: TextSettings, vectors: Vectors | None) -> Any:
    """A network over words, drawn by the seed; the words with a pretrained vector start from it."""
    with reproducible(choose_device(settings.training.device), settings.training.seed):
        network = build({"kind": kind, "shape": shape} | settings.network)
    set_vectors(network, vectors)
    return network


def set_vectors(network: Any, vectors: Vectors | None) -> None:
    """Start the words that have a pretrained vector from it; number 0, the unknown word, has none."""
    if vectors is not None:
        with torch.no_grad():
            rows = torch.from_numpy(np.flatnonzero(vectors.found))
            network.inputs.words.weight[rows] = torch.from_numpy(vectors.values[vectors.found])


def log_odds(data: CodedTexts, labels: np.ndarray, train: np.ndarray, words: int, classes: int) -> np.ndarray:
    """How much each word speaks for each class in the training texts, float64 (words, classes).

    The logarithm of the share of a class's texts that hold the word, one more counted, less the mean over the
    classes: the weights of naive Bayes.
    Source: Wang and Manning 2012, "Baselines and Bigrams".
    """
    counts = np.ones((words, classes))
    for index in train:
        present = np.unique(data.codes["words"][data.offsets[index] : data.offsets[index + 1]])
        counts[present, labels[index]] += 1
    shares = np.log(counts / counts.sum(0))
    return shares - shares.mean(1, keepdims=True)


def set_prior(network: Any, odds: np.ndarray) -> None:
    """Start the first numbers of each word's vector at its log-odds, two for each class where there is
    room.
    """
    width = network.inputs.width
    repeated = np.tile(odds, 2)[:, : width // 2]
    with torch.no_grad():
        network.inputs.words.weight[:, : repeated.shape[1]] = PRIOR * torch.from_numpy(repeated).float()


@torch.no_grad()
def scores_of(network: TextClassifierNetwork, data: CodedTexts, indices: np.ndarray) -> np.ndarray:
    """The network's scores for some texts, float64 (texts, classes)."""
    network.eval()
    device = next(network.parameters()).device
    out = np.empty((len(indices), network.shape.answers), np.float64)
    for places in even_batches(data.lengths[indices], TOKENS, TEXTS):
        found = network.scores(to_device(data.batch(indices[places]), device))
        out[places] = found.float().cpu().numpy()
    return out


def as_checkpoint(
    path: str | PathLike[str] | None,
    network: Any,
    settings: TextSettings,
    data: CodedTexts,
    answers: np.ndarray,
    split: SequenceSplit,
    weights: torch.Tensor | None = None,
) -> Checkpoint | None:
    """A checkpoint that knows what was trained on what."""
    told = {
        "weights": None if weights is None else weights.tolist(),
        "batch_tokens": settings.batch_tokens,
        "texts": len(data),
    }
    parts = (*data.codes.values(), data.offsets, answers, split.train, split.validation)
    return checkpoint_of(path, network, told, (np.ascontiguousarray(part).tobytes() for part in parts))
