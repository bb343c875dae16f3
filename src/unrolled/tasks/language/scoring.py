"""Run a language network over texts: the nats of every token, and whether it was the first guess."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from unrolled.models import LanguageNetwork, MaskedLanguageNetwork
from unrolled.tasks.language.sources import masked_batch, text_batch
from unrolled.training import to_device

STEPS = 1024  # of a text in one call; its state is carried on
WHOLE = 1 << 30  # as many as there are
SCORES = 1 << 24  # numbers that the scores of one call may take
PIECES, RUN_UP = 32, 256  # a quick score cuts a running text so, and reads so many tokens before each piece


class TokenScores:
    """What a network says of each token of some texts, one text after another, ends included.

    Shapes: nats, guesses (tokens,): the loss, and the likeliest token.
    """

    def __init__(self, lengths: Sequence[int]) -> None:
        self.starts = np.append(0, np.cumsum(lengths)).astype(np.int64)
        self.nats = np.zeros(int(self.starts[-1]))
        self.guesses = np.zeros(int(self.starts[-1]), np.int64)

    def take(self, rows: Sequence[int], first: int, scores: Tensor, answers: Tensor) -> None:
        """Note the scores (B, T, V) of the tokens from `first` on of some texts; padding is left out."""
        flat, wanted = scores.flatten(0, 1).double(), answers.clamp(min=0).flatten()
        nats = F.cross_entropy(flat, wanted, reduction="none").reshape(answers.shape).cpu().numpy()
        guesses = scores.argmax(-1).cpu().numpy()
        for row, (own, guess) in enumerate(zip(nats, guesses, strict=True)):
            start = int(self.starts[rows[row]]) + first
            count = min(len(own), int(self.starts[rows[row] + 1]) - start)
            if count > 0:
                self.nats[start : start + count] = own[:count]
                self.guesses[start : start + count] = guess[:count]


@torch.no_grad()
def score_texts(network: LanguageNetwork, codes: Sequence[np.ndarray], end: int) -> TokenScores:
    """Every token of some texts, each text from a fresh state that is carried to its end."""
    network.eval()
    found, device = TokenScores([len(text) for text in codes]), device_of(network)
    for rows in groups(codes, network.shape.tokens, STEPS):
        batch = to_device(text_batch([codes[row] for row in rows], end), device)
        state: Any = None
        for first in range(0, batch["tokens"].shape[1], STEPS):
            part = {name: batch[name][:, first : first + STEPS] for name in ("tokens", "next")}
            lengths = (batch["lengths"] - first).clamp(0, part["tokens"].shape[1])
            scores, state = network.scores(part | {"lengths": lengths}, state)
            found.take(rows, first, scores, part["next"])
    return found


@torch.no_grad()
def score_masked(network: MaskedLanguageNetwork, codes: Sequence[np.ndarray], end: int) -> TokenScores:
    """Every token of some texts from all others; their ends are not asked for, and have no place in it."""
    network.eval()
    found, device = TokenScores([len(text) - 1 for text in codes]), device_of(network)
    for rows in groups(codes, network.shape.tokens, WHOLE):
        batch = to_device(masked_batch([codes[row] for row in rows], end), device)
        found.take(rows, 0, network.scores(batch), batch["next"])
    return found


@torch.no_grad()
def quick_nats(network: LanguageNetwork, codes: np.ndarray, end: int) -> float:
    """The mean nats of a running text, its pieces read side by side, each after some tokens of run-up."""
    network.eval()
    stream = np.append(end, codes)
    size = -(-len(codes) // PIECES)
    starts = np.arange(0, len(codes), size)
    if len(codes) < PIECES * RUN_UP:  # too short to be cut
        size, starts = len(codes), np.array([0])
    total, device = 0.0, device_of(network)
    places = starts[:, None] + np.arange(-RUN_UP if len(starts) > 1 else 0, size)
    valid = (places >= 0) & (places < len(codes))
    tokens = torch.from_numpy(stream[np.clip(places, 0, len(codes) - 1)])
    answers = torch.from_numpy(stream[np.clip(places + 1, 0, len(codes))])
    counts = torch.from_numpy(valid & (places >= starts[:, None]))
    state: Any = None
    for first in range(0, tokens.shape[1], STEPS // 2):
        span = slice(first, first + STEPS // 2)
        scores, state = network.scores({"tokens": tokens[:, span].to(device)}, state)
        each = F.cross_entropy(scores.transpose(1, 2), answers[:, span].to(device), reduction="none")
        total += float(each.double()[counts[:, span].to(device)].sum())
    return total / len(codes)


def groups(codes: Sequence[np.ndarray], tokens: int, steps: int) -> list[list[int]]:
    """Texts of like length together, as many as one call of at most `steps` steps may hold."""
    order = sorted(range(len(codes)), key=lambda row: len(codes[row]))
    found: list[list[int]] = [[]]
    for row in order:
        width = min(len(codes[row]) + 1, steps)
        if found[-1] and (len(found[-1]) + 1) * width * tokens > SCORES:
            found.append([])
        found[-1].append(row)
    return found


def device_of(network: torch.nn.Module) -> torch.device:
    """Where the network's weights are."""
    return next(network.parameters()).device
