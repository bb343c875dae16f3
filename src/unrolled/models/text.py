"""What networks of texts read: the vectors of words, of their shapes and of their characters.

A batch holds `words` int64 (B, T), 0 unknown, and `lengths` (B,); where the network reads them `shapes` int64
(B, T) and the characters of the batch's different words: `spelled` int64 (W, L), `spelled_lengths` (W,), and
`spelling` int64 (B, T), the place of each word among them.

Key: B batch · T time · W different words · L characters · E width.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

import torch
from torch import Tensor, nn

from unrolled.arguments import flag, integer, number, one_of
from unrolled.errors import ShapeError, explain
from unrolled.models.inputs import Batch
from unrolled.models.shape import check_names
from unrolled.nn import Spelling
from unrolled.nn.dropout import locked_dropout
from unrolled.nn.spelling import SPELLINGS

SPELLED = ("none", *SPELLINGS)
CHARACTER_WIDTH, SHAPE_WIDTH = 25, 20  # numbers that stand for a character, for a shape


@dataclass(frozen=True)
class TextShape:
    """How many numbers the vocabularies have, 0 (unknown) included, and how many classes or tags are
    answered.

    `characters` and `shapes` are 0 where the network does not read them. Raises: ArgumentError.
    """

    words: int
    answers: int
    characters: int = 0
    shapes: int = 0

    def __post_init__(self) -> None:
        integer("words", self.words, 1)
        integer("answers", self.answers, 1)
        integer("characters", self.characters, 0)
        integer("shapes", self.shapes, 0)

    def card(self) -> dict[str, Any]:
        """As JSON."""
        return asdict(self)

    @classmethod
    def from_card(cls, card: Mapping[str, Any]) -> "TextShape":
        """From JSON. Raises: ArgumentError for a field that a shape does not have."""
        check_names("shape", card, [field.name for field in fields(cls)])
        return cls(**card)


class TextInputs(nn.Module):
    """A batch of texts as vectors (B, T, output_size), dropped out as training wants it.

    `word_dropout`: the probability that a word is read as unknown, in training. `dropout`: of each feature,
    at all steps of a row or at none. `frozen`: the words' vectors stay as they were set. `spelling`: "none",
    or how a word's characters are read, "cnn" or "lstm", into `spelling_size` numbers.
    """

    def __init__(
        self,
        shape: TextShape,
        width: int = 100,
        spelling: str = "none",
        spelling_size: int = 50,
        word_dropout: float = 0.0,
        dropout: float = 0.0,
        frozen: bool = False,
    ) -> None:
        super().__init__()
        self.width = integer("width", width, 1, "100 is usual.")
        self.word_dropout = number("word_dropout", word_dropout, 0.0, 0.95, "0 turns it off.")
        self.dropout = dropout
        self.frozen = flag("frozen", frozen)
        self.words = nn.Embedding(shape.words, width)
        nn.init.normal_(self.words.weight, std=0.1)
        self.words.weight.requires_grad_(not frozen)
        self.shapes = nn.Embedding(shape.shapes, SHAPE_WIDTH) if shape.shapes else None
        if self.shapes is not None:
            nn.init.normal_(self.shapes.weight, std=0.1)
        self.spelling_kind = one_of("characters", spelling, SPELLED)
        self.spelling_size = integer("spelling_size", spelling_size, 2)
        self.spelling = (
            None
            if spelling == "none"
            else Spelling(shape.characters or 1, CHARACTER_WIDTH, spelling_size, spelling)
        )
        self.output_size = width + (SHAPE_WIDTH if shape.shapes else 0)
        self.output_size += self.spelling.width if self.spelling is not None else 0

    @property
    def configuration(self) -> dict[str, Any]:
        """The options, as JSON."""
        return {
            "width": self.width,
            "spelling": self.spelling_kind,
            "spelling_size": self.spelling_size,
            "word_dropout": self.word_dropout,
            "frozen": self.frozen,
        }

    def forward(self, batch: Batch) -> Tensor:
        """The vectors of each row's words."""
        words = batch["words"]
        if words.ndim != 2:
            cure = "One text? Pass words[None]."
            raise ShapeError(explain("batch['words']", "(batch, time)", tuple(words.shape), cure))
        if self.training and self.word_dropout:
            unread = torch.rand(words.shape, device=words.device) < self.word_dropout
            words = words.masked_fill(unread, 0)
        parts = [self.words(words)]
        if self.shapes is not None:
            parts.append(self.shapes(batch["shapes"]))
        if self.spelling is not None:
            spelled = self.spelling(batch["spelled"], batch["spelled_lengths"])
            parts.append(nn.functional.embedding(batch["spelling"], spelled))
        return locked_dropout(torch.cat(parts, -1), self.dropout, self.training)


def row_lengths(batch: Batch) -> Tensor:
    """The length of each row of a batch of texts, (B,)."""
    rows, time = batch["words"].shape
    lengths = batch.get("lengths")
    return torch.full((rows,), time) if lengths is None else lengths
