"""From a batch in raw units to the features of a forecasting network: scale, anchor, mask, embed.

Key: B batch · T time · C targets.
"""

from collections.abc import Mapping
from typing import Any, cast

import torch
from torch import Tensor, nn

from unrolled.errors import ShapeError, explain
from unrolled.models.shape import ForecastShape, check_names

Batch = Mapping[str, Tensor]
ROLES = ("past", "known", "static")


class ScaledInputs(nn.Module):
    """The scalers, masks and embeddings of a forecasting network.

    Buffers: `target_mean`, `target_scale` (series, targets), the row picked by `batch["series"]`;
    `past_mean`, `past_scale`, `known_...`, `static_...` (columns,). They start at 0 and 1; `set_scaling`
    fills them.
    """

    target_mean: Tensor
    target_scale: Tensor

    def __init__(self, shape: ForecastShape) -> None:
        super().__init__()
        self.shape = shape
        columns = {"past": shape.past, "known": shape.known, "static": shape.static}
        codes = {"past": shape.past_codes, "known": shape.known_codes, "static": shape.static_codes}
        self.masked = {"past": shape.masked_past, "known": False, "static": shape.masked_static}
        self.register_buffer("target_mean", torch.zeros(shape.series, shape.targets))
        self.register_buffer("target_scale", torch.ones(shape.series, shape.targets))
        for role in ROLES:
            self.register_buffer(f"{role}_mean", torch.zeros(columns[role]))
            self.register_buffer(f"{role}_scale", torch.ones(columns[role]))
        self.embeddings = nn.ModuleDict(
            {role: nn.ModuleList([embedding(size) for size in codes[role]]) for role in ROLES}
        )
        embedded = {role: sum(embedding_size(size) for size in codes[role]) for role in ROLES}
        self.sizes = {role: columns[role] * (1 + self.masked[role]) + embedded[role] for role in ROLES}
        self.widths = {"target": shape.targets, **columns} | {
            f"{role}_codes": len(codes[role]) for role in ROLES
        }

    def set_scaling(self, scaling: Mapping[str, Any]) -> None:
        """Copy fitted scalers into the buffers, by name: {"target_mean": array (series, targets), ...}.

        Raises: ArgumentError for a name that is no buffer; ShapeError for an array of another shape.
        """
        copy_buffers(self, scaling)

    def check(self, batch: Batch) -> None:
        """Refuse a batch that does not hold the shape's columns. Raises: ShapeError naming the key."""
        for key, width in self.widths.items():
            got = batch[key].shape[-1] if key in batch else 0
            if got != width:
                cure = "Build the batch with the columns that the network was made for."
                raise ShapeError(explain(f"batch['{key}']", f"{width} columns", str(got), cure))
        steps = batch["target"].shape[1] + self.shape.horizon
        for key in ("known", "known_codes"):
            if self.widths[key] and batch[key].shape[1] != steps:
                cure = "Known columns reach over the chunk and the horizon after it."
                raise ShapeError(explain(f"batch['{key}']", f"{steps} steps", str(batch[key].shape[1]), cure))
        if self.shape.series > 1 and "series" not in batch:
            cure = "Say for each row which target scaler is its own."
            raise ShapeError(explain("batch['series']", "(batch,) of int64", "nothing", cure))

    @property
    def row_size(self) -> int:
        """How many numbers a network reads of a row: the targets, their masks, and all features."""
        return self.shape.targets * (1 + self.shape.masked_target) + sum(self.sizes.values())

    def target_scaling(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """The mean and the scale of each row's series, each (B, C)."""
        series = batch.get("series")
        if series is None:
            rows = len(batch["target"])
            return self.target_mean.expand(rows, -1), self.target_scale.expand(rows, -1)
        return self.target_mean[series], self.target_scale[series]

    def features(self, role: str, batch: Batch) -> list[Tensor]:
        """The parts of a role's features, each (..., size): scaled columns, 0 where missing; masks;
        embeddings.

        Parts, so that a role without columns costs nothing; together they are `sizes[role]` wide.
        """
        parts: list[Tensor] = []
        if role in batch and batch[role].shape[-1]:
            mean, scale = getattr(self, f"{role}_mean"), getattr(self, f"{role}_scale")
            parts = fill((batch[role] - mean) / scale, self.masked[role])
        tables = cast(nn.ModuleList, self.embeddings[role])
        for column, table in enumerate(tables):
            parts.append(table(batch[f"{role}_codes"][..., column]))
        return parts


def embedding_size(codes: int) -> int:
    """How many numbers stand for one of `codes` words.

    Example:
        >>> [embedding_size(codes) for codes in (2, 8, 1000)]
        [2, 5, 16]
    """
    return min(16, (codes + 1) // 2 + 1)


def embedding(codes: int) -> nn.Embedding:
    """A table of word vectors whose length is about 1, so that they stand beside scaled columns."""
    table = nn.Embedding(codes, embedding_size(codes))
    nn.init.normal_(table.weight, std=embedding_size(codes) ** -0.5)
    return table


def fill(values: Tensor, masked: bool) -> list[Tensor]:
    """The values with 0 for NaN and, where `masked`, a channel beside them: 1 = present, 0 = missing.

    1 is "present" so that padding with zeros and a missing value are the same input.
    """
    missing = values.isnan()
    filled = torch.where(missing, 0.0, values)
    return [filled, (~missing).to(values.dtype)] if masked else [filled]


def last_valid(values: Tensor, before: Tensor) -> Tensor:
    """At each step the last value so far that is not NaN; `before` where none has come yet.

    Shapes: values (B, T, C); before (B, C) -> (B, T, C).

    Example:
        >>> nan = float("nan")
        >>> last_valid(torch.tensor([[[nan], [2.0], [nan]]]), torch.tensor([[7.0]])).flatten()
        tensor([7., 2., 2.])
    """
    row = torch.cat([before[:, None], values], dim=1)
    steps = torch.arange(row.shape[1], device=row.device)[:, None]
    newest = torch.where(row.isnan(), 0, steps).cummax(dim=1).values  # step 0 is `before`, NaN or not
    return row.gather(1, newest)[:, 1:]


def valid_steps(batch: Batch, key: str = "target") -> Tensor:
    """Which steps of a right-padded batch are there: bool (B, T)."""
    rows, time = batch[key].shape[:2]
    steps = torch.arange(time, device=batch[key].device)
    lengths = batch.get("lengths")
    return (steps >= 0).expand(rows, -1) if lengths is None else steps < lengths[:, None]


def copy_buffers(module: nn.Module, values: Mapping[str, Any]) -> None:
    """Fill a module's own buffers by name.

    Raises: ArgumentError for a name that is no buffer; ShapeError for an array of another shape.
    """
    buffers = dict(module.named_buffers(recurse=False))
    check_names("scaling", values, list(buffers))
    for name, given in values.items():
        numbers = torch.as_tensor(given)
        if numbers.shape != buffers[name].shape:
            expected, got = str(tuple(buffers[name].shape)), str(tuple(numbers.shape))
            cure = "Fit it on the columns and series that the network was made for."
            raise ShapeError(explain(name, expected, got, cure))
        buffers[name].copy_(numbers)
