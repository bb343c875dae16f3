import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from unrolled.errors import ArgumentError
from unrolled.preprocess.tag_schemes import (
    Span,
    allowed_moves,
    convert,
    first_invalid,
    scheme_of,
    spans_of,
    tags_of,
    write_spans,
)

TAGS = st.lists(st.sampled_from(["O", *(f"{p}-{k}" for p in "BIES" for k in "xy")]), max_size=8)


@given(TAGS, st.sampled_from(["iob1", "bio", "bioes"]))
def test_spans_are_kept_by_every_scheme_and_what_is_written_is_valid(tags, scheme):
    written = convert(tags, scheme)
    assert spans_of(written) == spans_of(tags)
    assert first_invalid(written, scheme) is None and convert(written, scheme) == written


@pytest.mark.parametrize("scheme", ["iob1", "bio", "bioes"])
def test_allowed_moves_are_those_of_all_valid_sequences(scheme):
    tags = tags_of("xy", scheme)
    start, follow, end = allowed_moves(tags, scheme)
    for sequence in itertools.product(range(len(tags)), repeat=3):
        a, b, c = sequence
        allowed = start[a] and follow[a, b] and follow[b, c] and end[c]
        valid = first_invalid([tags[place] for place in sequence], scheme) is None
        assert allowed == valid
        if scheme != "iob1":  # an IOB1 B- is written only where it is needed
            written = convert([tags[place] for place in sequence], scheme)
            assert valid == (written == [tags[place] for place in sequence])


def test_the_scheme_is_seen():
    assert scheme_of([["B-x", "I-x"], ["O"]]) == "bio" == scheme_of([["B-x"], ["B-x", "I-x"], ["I-x"]])
    assert scheme_of([["I-x", "I-x", "B-x"]]) == "iob1" and scheme_of([["S-x", "O"]]) == "bioes"
    assert scheme_of([["NOUN", "O"]]) == "plain" == scheme_of([["O"]]) == scheme_of([["B-", "X-y"]])


def test_iob1_and_back():
    tags = ["I-x", "I-x", "B-x", "O", "I-y"]
    assert convert(tags, "bio") == ["B-x", "I-x", "B-x", "O", "B-y"]
    assert convert(convert(tags, "bioes"), "iob1") == tags
    assert write_spans([Span("y", 1, 2), Span("x", 0, 1)], 2, "iob1") == ["I-x", "I-y"]


def test_plain_tags_are_free():
    start, follow, end = allowed_moves(["NOUN", "VERB"], "plain")
    assert start.all() and follow.all() and end.all() and follow.dtype == np.bool_
    assert first_invalid(["I-x"], "plain") is None


def test_refusals():
    with pytest.raises(
        ArgumentError, match=r"tags: expected O or tags of bio, such as B-x, got 'S-x'\. Write it"
    ):
        allowed_moves(["O", "S-x"], "bio")
    with pytest.raises(ArgumentError, match="scheme: expected one of iob1, bio, bioes, plain, got 'iob2'"):
        allowed_moves(["O"], "iob2")
