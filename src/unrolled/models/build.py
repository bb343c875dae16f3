"""From a configuration to a network: the one table of kinds."""

import inspect
from collections.abc import Mapping
from typing import Any

from unrolled.arguments import one_of
from unrolled.errors import ArgumentError, explain
from unrolled.models.direct import DirectNetwork
from unrolled.models.language import LanguageShape
from unrolled.models.language_model import LanguageNetwork
from unrolled.models.masked_language_model import MaskedLanguageNetwork
from unrolled.models.recursive import RecursiveNetwork
from unrolled.models.segment import SegmentNetwork
from unrolled.models.sequence import SequenceNetwork
from unrolled.models.shape import ForecastShape, SequenceShape, check_names
from unrolled.models.text import TextShape
from unrolled.models.text_classifier import TextClassifierNetwork
from unrolled.models.text_tagger import TaggerNetwork
from unrolled.models.translation import TranslationNetwork, TranslationShape

Network = (
    SegmentNetwork
    | DirectNetwork
    | RecursiveNetwork
    | SequenceNetwork
    | LanguageNetwork
    | MaskedLanguageNetwork
    | TranslationNetwork
    | TextClassifierNetwork
    | TaggerNetwork
)

KINDS: dict[str, tuple[Any, Any]] = {
    "segment": (SegmentNetwork, ForecastShape),
    "direct": (DirectNetwork, ForecastShape),
    "recursive": (RecursiveNetwork, ForecastShape),
    "sequence": (SequenceNetwork, SequenceShape),
    "language": (LanguageNetwork, LanguageShape),
    "masked": (MaskedLanguageNetwork, LanguageShape),
    "translation": (TranslationNetwork, TranslationShape),
    "text classifier": (TextClassifierNetwork, TextShape),
    "tagger": (TaggerNetwork, TextShape),
}


def build(configuration: Mapping[str, Any]) -> Network:
    """The network that a configuration describes, its weights drawn anew.

    {"kind": "segment", "shape": {...}, then the options of that network's constructor}. What is left out is
    at its default. `build(network.configuration)` with `load_state_dict` is the same network to the bit.

    Raises: ArgumentError for a kind, an option or a field of the shape that there is not, naming the nearest.

    Example:
        >>> network = build({"kind": "direct", "shape": {"horizon": 3}, "hidden": 8})
        >>> build(network.configuration).configuration == network.configuration
        True
    """
    options = dict(configuration)
    kind = one_of("kind", options.pop("kind", None), KINDS)
    network, shape = KINDS[kind]
    names = [name for name in inspect.signature(network).parameters if name != "shape"]
    card = options.pop("shape", None)
    if not isinstance(card, Mapping):
        cure = "A shape names the columns, such as {'targets': 1, 'horizon': 24}."
        raise ArgumentError(explain("shape", "an object", repr(card), cure))
    check_names(f"a {kind} network's options", options, names)
    return network(shape.from_card(card), **options)
