"""Label texts, and tag their words."""

from unrolled.tasks.text.classifier import TextClassifier as TextClassifier
from unrolled.tasks.text.tagger import Tagger as Tagger
