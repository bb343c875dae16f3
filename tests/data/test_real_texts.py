"""The real texts read as they are known to be."""

import os
from pathlib import Path

import pytest

from unrolled.data import read_conll, read_parallel, read_texts
from unrolled.preprocess import first_invalid, scheme_of, spans_of

pytestmark = [
    pytest.mark.real_data,
    pytest.mark.skipif(
        "UNROLLED_DATA" not in os.environ, reason="UNROLLED_DATA names no folder of real data"
    ),
]


def path(name):
    return Path(os.environ["UNROLLED_DATA"]) / name


@pytest.mark.parametrize(
    ("part", "sentences", "words", "spans"),
    [("train", 3394, 62730, 1975), ("dev", 1009, 15733, 836), ("test", 1287, 23394, 1079)],
)
def test_wnut17_in_spite_of_lone_tabs(part, sentences, words, spans):
    data = read_conll(path(f"ner/wnut17-{part}.conll"))
    tags = [data.sentence_tags(index) for index in range(len(data))]
    assert (len(data), len(data.words)) == (sentences, words) and scheme_of(tags) == "bio"
    assert all(first_invalid(own, "bio") is None for own in tags)
    assert sum(len(spans_of(own)) for own in tags) == spans


def test_reviews_are_a_file_for_each_class():
    data = read_texts({name: path(f"sentiment/rt-polarity.{name}") for name in ("neg", "pos")})
    assert len(data) == 10_662 and data.labels is not None and (data.labels == "pos").sum() == 5331


def test_captions_are_parallel():
    data = read_parallel(path("translation/train.de"), path("translation/train.en"))
    assert len(data) == 29_000
