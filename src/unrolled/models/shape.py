"""What a network must know of its data: the columns of each role, how far it looks back and ahead."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from itertools import pairwise
from typing import Any

from unrolled.arguments import flag, integer
from unrolled.errors import ArgumentError, explain, nearest

Card = dict[str, Any]


@dataclass(frozen=True)
class ForecastShape:
    """The columns, the window and the quantiles of a forecast.

    `*_codes` hold the vocabulary size of each text column, code 0 (unknown or missing) included. A `masked_*`
    flag says that the training data had missing values there: those columns then get a mask channel. Known
    columns have none: what is known ahead is never missing.

    Raises: ArgumentError for a count that is not one, a quantile outside (0, 1), or quantiles out of order.

    Example:
        >>> shape = ForecastShape(targets=2, history=96, horizon=24)
        >>> ForecastShape.from_card(shape.card()) == shape
        True
    """

    targets: int = 1
    series: int = 1
    past: int = 0
    known: int = 0
    static: int = 0
    past_codes: tuple[int, ...] = ()
    known_codes: tuple[int, ...] = ()
    static_codes: tuple[int, ...] = ()
    history: int = 96
    horizon: int = 24
    quantiles: tuple[float, ...] = (0.1, 0.5, 0.9)
    masked_target: bool = False
    masked_past: bool = False
    masked_static: bool = False

    def __post_init__(self) -> None:
        for name in ("targets", "series", "history", "horizon"):
            integer(name, getattr(self, name), minimum=1)
        for name in ("past", "known", "static"):
            integer(name, getattr(self, name), minimum=0)
        for name in ("past_codes", "known_codes", "static_codes"):
            object.__setattr__(self, name, checked_sizes(name, getattr(self, name)))
        for name in ("masked_target", "masked_past", "masked_static"):
            flag(name, getattr(self, name))
        object.__setattr__(self, "quantiles", checked_quantiles(self.quantiles))

    def card(self) -> Card:
        """As JSON."""
        return card_of(self)

    @classmethod
    def from_card(cls, card: Mapping[str, Any]) -> "ForecastShape":
        """From JSON. Raises: ArgumentError for a field that a shape does not have."""
        check_names("shape", card, [field.name for field in fields(cls)])
        return cls(**card)


@dataclass(frozen=True)
class SequenceShape:
    """The inputs and answers of a network that labels or rates a sequence.

    Exactly one of `classes` (classification) and `targets` (regression) is not 0. `masked` says that the
    training data had missing values: every feature then gets a mask channel.

    Raises: ArgumentError unless there is exactly one kind of answer.
    """

    features: int = 1
    classes: int = 0
    targets: int = 0
    masked: bool = False

    def __post_init__(self) -> None:
        integer("features", self.features, minimum=1)
        integer("classes", self.classes, minimum=0)
        integer("targets", self.targets, minimum=0)
        flag("masked", self.masked)
        if (self.classes > 0) == (self.targets > 0) or self.classes == 1:
            got = f"classes={self.classes}, targets={self.targets}"
            cure = "Name what the network answers: one of these classes, or so many numbers."
            raise ArgumentError(explain("shape", "classes >= 2 or targets >= 1, not both", got, cure))

    def card(self) -> Card:
        """As JSON."""
        return card_of(self)

    @classmethod
    def from_card(cls, card: Mapping[str, Any]) -> "SequenceShape":
        """From JSON. Raises: ArgumentError for a field that a shape does not have."""
        check_names("shape", card, [field.name for field in fields(cls)])
        return cls(**card)


def card_of(shape: ForecastShape | SequenceShape) -> Card:
    """A shape as JSON: its tuples become lists."""
    return {name: list(value) if isinstance(value, tuple) else value for name, value in asdict(shape).items()}


def check_names(what: str, given: Mapping[str, Any], names: list[str]) -> None:
    """Refuse a name that is not one of `names`. Raises: ArgumentError that names the nearest."""
    for name in given:
        if name not in names:
            cure = nearest(name, names) or "Choose among these."
            raise ArgumentError(explain(what, f"only {', '.join(names)}", repr(name), cure))


def checked_sizes(name: str, sizes: Any) -> tuple[int, ...]:
    """Vocabulary sizes as a tuple of whole numbers >= 1. Raises: ArgumentError."""
    if not isinstance(sizes, list | tuple):
        cure = "One for each text column, such as (12, 3)."
        raise ArgumentError(explain(name, "a list of vocabulary sizes", repr(sizes), cure))
    return tuple(integer(name, size, minimum=1) for size in sizes)


def checked_quantiles(quantiles: Any) -> tuple[float, ...]:
    """The quantiles as a tuple, if they rise strictly inside (0, 1). Raises: ArgumentError."""
    cure = "Give them in order and without 0 and 1, such as (0.1, 0.5, 0.9)."
    expected = "rising numbers between 0 and 1"
    try:
        levels = tuple(float(level) for level in quantiles)
    except (TypeError, ValueError):
        raise ArgumentError(explain("quantiles", expected, repr(quantiles), cure)) from None
    bounds = (0.0, *levels, 1.0)
    if not levels or not all(low < high for low, high in pairwise(bounds)):
        raise ArgumentError(explain("quantiles", expected, repr(quantiles), cure))
    return levels


def base_quantile(quantiles: tuple[float, ...]) -> int:
    """The place of the quantile that is the point forecast: 0.5 where it is one of them, else the middle one.

    Example:
        >>> base_quantile((0.05, 0.25, 0.5, 0.75)), base_quantile((0.2, 0.4, 0.9))
        (2, 1)
    """
    return quantiles.index(0.5) if 0.5 in quantiles else len(quantiles) // 2
