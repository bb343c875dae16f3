"""`unrolled.load`: from a model file to the task that wrote it."""

from pathlib import Path
from typing import Any

from unrolled.errors import ArgumentError, DataError, ModelFileError, explain
from unrolled.format import choice, naming, read_model
from unrolled.tasks.forecast.forecaster import Forecaster
from unrolled.tasks.language.language_model import LanguageModel
from unrolled.tasks.language.masked_language_model import MaskedLanguageModel
from unrolled.tasks.sequence.classifier import SequenceClassifier
from unrolled.tasks.sequence.regressor import SequenceRegressor
from unrolled.tasks.text.classifier import TextClassifier
from unrolled.tasks.text.tagger import Tagger
from unrolled.tasks.translation.translator import Translator

TASKS: dict[str, Any] = {
    "forecast": Forecaster,
    "classify": SequenceClassifier,
    "regress": SequenceRegressor,
    "translate": Translator,
    "lm": LanguageModel,
    "mlm": MaskedLanguageModel,
    "classify text": TextClassifier,
    "tag": Tagger,
}


def load(path: str | Path) -> Any:
    """The fitted model of a `.unrolled` file, ready to predict; no code of the file is run.

    Raises: ModelFileError naming the file and the field if it is damaged, foreign, or of a newer version.
    """
    where = Path(path)
    file = read_model(where)
    with naming(where):
        if file.card["kind"] == "program":
            cure = "It streams and exports: unrolled stream, unrolled.runtime.Stream."
            if "programs" in file.card:
                cure = "It writes: unrolled predict, unrolled.runtime.TextTranslator."
            raise ModelFileError(explain("card.kind", "'model'", "'program'", cure))
        try:
            return TASKS[choice(file.card, "task", TASKS)].from_file(file)
        except (ArgumentError, DataError) as error:  # whatever does not fit came out of the file
            raise ModelFileError(str(error)) from None
