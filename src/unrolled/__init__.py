"""Recurrent networks: train them on your own sequences, see inside them, ship them as a stream.

Every public name is loaded when it is first used, so that `import unrolled` is quick and needs numpy alone.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

# Public name -> the module it lives in.
_HOMES = {
    "Forecaster": "unrolled.tasks",
    "LanguageModel": "unrolled.tasks",
    "MaskedLanguageModel": "unrolled.tasks",
    "Roles": "unrolled.data",
    "SearchOptions": "unrolled.runtime",
    "SequenceClassifier": "unrolled.tasks",
    "SequenceRegressor": "unrolled.tasks",
    "Translator": "unrolled.tasks",
    "Tagger": "unrolled.tasks",
    "TextClassifier": "unrolled.tasks",
    "compare": "unrolled.insight",
    "compare_synthetic": "unrolled.insight",
    "inspect": "unrolled.insight",
    "load": "unrolled.tasks",
    "Watch": "unrolled.training",
    "check": "unrolled.data",
    "deploy": "unrolled.deploy",
    "errors": "unrolled.errors",
    "kernels": "unrolled.kernels",
    "nn": "unrolled.nn",
    "runtime": "unrolled.runtime",
    "types": "unrolled.types",
}
__all__ = ["__version__", *_HOMES]

if TYPE_CHECKING:
    from unrolled.data import Roles as Roles
    from unrolled.data import check as check  # type: ignore[no-redef]
    from unrolled.runtime import SearchOptions as SearchOptions
    from unrolled.tasks import Forecaster as Forecaster
    from unrolled.tasks import LanguageModel as LanguageModel
    from unrolled.tasks import MaskedLanguageModel as MaskedLanguageModel
    from unrolled.tasks import SequenceClassifier as SequenceClassifier
    from unrolled.tasks import SequenceRegressor as SequenceRegressor
    from unrolled.tasks import Tagger as Tagger
    from unrolled.tasks import TextClassifier as TextClassifier
    from unrolled.tasks import Translator as Translator
    from unrolled.tasks import load as load
    from unrolled.training import Watch as Watch


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        from unrolled.errors import nearest

        raise AttributeError(f"unrolled has no '{name}'. {nearest(name, _HOMES)}".rstrip())
    try:
        module = import_module(home)
    except ModuleNotFoundError as error:
        if error.name is None or error.name.split(".")[0] == "unrolled":
            raise
        from unrolled.errors import MissingPartError, explain

        cure = "pip install 'unrolled[train]'"
        raise MissingPartError(
            explain(name, "the part 'unrolled[train]'", f"no {error.name}", cure)
        ) from None
    value = module if home == f"unrolled.{name}" else getattr(module, name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
