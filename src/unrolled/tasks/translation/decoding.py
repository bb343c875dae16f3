"""The trained network as a search wants it: many hypotheses in one call, on its own device."""

from typing import Any

import numpy as np
import torch

from unrolled.models import TranslationNetwork
from unrolled.models.decoder import select
from unrolled.tasks.translation.data import Codes, source_batch
from unrolled.training import to_device

HYPOTHESES = 512  # that one call advances


class NetworkDecoding:
    """A `runtime.translation.Decoding` by PyTorch."""

    def __init__(self, network: TranslationNetwork) -> None:
        self.network = network.eval()
        self.device = next(network.parameters()).device

    @property
    def attention(self) -> bool:
        """Whether it tells where it looks."""
        return self.network.decoder.attention != "none"

    @property
    def together(self) -> int:
        """About how many hypotheses a call advances."""
        return HYPOTHESES

    @torch.no_grad()
    def start(self, sources: Codes) -> Any:
        """Read some sources; the state before the first token."""
        batch = to_device(source_batch(sources), self.device)
        sentence, state = self.network.encode(batch["source"], batch["source_lengths"])
        return sentence, state, np.arange(len(sources))

    @torch.no_grad()
    def advance(self, tokens: np.ndarray, state: Any) -> tuple[np.ndarray, np.ndarray | None, Any]:
        """Read a token of each hypothesis."""
        sentence, before, owners = state
        given = torch.from_numpy(tokens)[:, None].to(self.device)
        out, weights, after = self.network.decoder.advance(sentence, before, given)
        found = self.network.decoder.logits(out[:, 0]).float().log_softmax(-1).cpu().numpy()
        looks = None if weights is None else weights[:, 0].float().cpu().numpy()
        return found, looks, (sentence, after, owners)

    def select(self, state: Any, places: np.ndarray) -> Any:
        """The state of the hypotheses at some places.

        Those of a source keep their places until it is done: the memory, the most of it, then stays as it is.
        """
        sentence, before, owners = state
        picked, rows = owners[places], torch.from_numpy(places)
        if not np.array_equal(picked, owners):
            sentence = select(sentence, rows)
        return sentence, select(before, rows), picked
