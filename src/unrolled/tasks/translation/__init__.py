"""Write one string from another: translations, pronunciations, spellings."""

from unrolled.tasks.translation.translator import Translator as Translator
