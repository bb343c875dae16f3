"""A vector for a word from its characters.

Key: W words · L characters of a word · E width of a character · H width of the result.
"""

import torch
from torch import Tensor, nn

from unrolled.arguments import integer, one_of
from unrolled.nn.bidirectional import Bidirectional
from unrolled.nn.lstm import LSTM
from unrolled.nn.pooling import last_hidden

SPELLINGS = ("cnn", "lstm")


class Spelling(nn.Module):
    """Reads a word character by character: "lstm" both ways, "cnn" three neighbours at a time.

    The LSTM gives its last states (Lample et al. 2016, arXiv:1603.01360), the convolution the largest value
    of each of its features (Ma and Hovy 2016, arXiv:1603.01354). Code 0 is an unknown character.

    Shapes: codes int64 (W, L), lengths (W,), each at least 1 -> (W, H).

    Example:
        >>> Spelling(30, 8, 10, "cnn")(torch.zeros(2, 5, dtype=torch.int64), torch.tensor([5, 1])).shape
        torch.Size([2, 10])
    """

    def __init__(self, characters: int, width: int, hidden: int, kind: str = "lstm") -> None:
        super().__init__()
        self.kind = one_of("characters", kind, SPELLINGS)
        self.table = nn.Embedding(integer("characters", characters, 1), integer("width", width, 1))
        nn.init.normal_(self.table.weight, std=width**-0.5)
        self.hidden = integer("hidden", hidden, 2)
        if kind == "lstm":
            self.reader: nn.Module = Bidirectional(LSTM(width, hidden // 2))
        else:
            self.reader = nn.Conv1d(width, hidden, kernel_size=3, padding=1)

    @property
    def width(self) -> int:
        """How many numbers stand for a word."""
        return self.hidden // 2 * 2 if self.kind == "lstm" else self.hidden

    def forward(self, codes: Tensor, lengths: Tensor) -> Tensor:
        """The vector of each word."""
        embedded = self.table(codes)
        valid = torch.arange(codes.shape[1], device=codes.device) < lengths.to(codes.device)[:, None]
        embedded = embedded * valid[..., None]  # the end of a word looks like the padding behind it
        if self.kind == "lstm":
            _, state = self.reader(embedded, None, lengths)
            return last_hidden(state)
        found = self.reader(embedded.mT)  # (W, H, L)
        return found.masked_fill(~valid[:, None], -torch.inf).amax(2)
