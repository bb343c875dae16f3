"""Language models: what comes next in a text, and what stands in a blank."""

from unrolled.tasks.language.language_model import LanguageModel as LanguageModel
from unrolled.tasks.language.masked_language_model import MaskedLanguageModel as MaskedLanguageModel
