"""Reading and cutting texts, and the batches made of them."""

import numpy as np
import pytest
import torch

from unrolled.errors import ArgumentError, DataError
from unrolled.models import NO_TOKEN
from unrolled.preprocess import TextCodec
from unrolled.tasks.language.data import Coded, cut_places, read_language, split_language, text_digests
from unrolled.tasks.language.sources import LaneSource, TextSource, masked_batch, text_batch


def test_lines_are_texts_of_their_own_and_empty_ones_are_counted(tmp_path):
    (tmp_path / "a.txt").write_text("one two\n\n  \nthree\n")
    running = read_language(tmp_path / "a.txt", lines=False)
    assert running.texts == ("one two\n\n  \nthree\n",) and not running.by_text
    lines = read_language(tmp_path / "a.txt", lines=True)
    assert lines.texts == ("one two", "three") and lines.by_text and lines.empty == 2
    assert lines.names[1].endswith("a.txt, line 4")
    table = read_language({"t": ["one two", "three"]}, lines=False, column="t")
    assert table.texts == lines.texts and table.by_text
    assert read_language(["one two", "three"], lines=True).digest == lines.digest != running.digest


def test_the_parts_follow_one_another():
    text = "abcdefghij" * 10
    parts = split_language(read_language([text], lines=False), (0.9, 0.1), "characters")
    assert parts.train[0] + parts.validation[0] == text + "\n"
    assert len(parts.train[0]) == int(0.9 * 101) and parts.test == () and parts.judged == parts.validation
    three = split_language(read_language(["a", "b", "c", "d"], lines=True), (2, 1, 1), "words")
    assert three == type(three)(("a", "b"), ("c",), ("d",), (0, 2, 3, 4))


def test_no_cut_goes_through_a_word():
    text = "lorem ipsum dolor sit amet consetetur " * 4
    for share in np.linspace(0.3, 0.7, 20):
        parts = split_language(read_language([text], lines=False), (share, 0.2), "words")
        assert all(part[0][-1].isspace() for part in (parts.train, parts.validation))


@pytest.mark.parametrize("split", [(0.9,), (0.9, 0.2), (3, 2, 9), "ab", (0.5, 0, 0.5), (5, 0.5), None])
def test_a_split_that_cannot_be_used_is_refused(split):
    with pytest.raises(ArgumentError, match=r"split: expected two or three shares .*\. For example split="):
        cut_places(split, 10)


def test_an_empty_part_and_an_empty_source_are_refused(tmp_path):
    with pytest.raises(DataError, match=r"split: expected some text for validation, got none with split"):
        split_language(read_language(["a", "b"], lines=True), (0.9, 0.05, 0.05), "words")
    (tmp_path / "a.txt").write_text(" \n\n")
    for lines in (True, False):
        with pytest.raises(DataError, match=r"expected text, got nothing but white space. Is it the right"):
            read_language(tmp_path / "a.txt", lines=lines)


def test_lanes_read_the_text_once_and_in_order():
    codes = np.arange(1, 4401)
    source = LaneSource(codes, end=0, lanes=4, bptt=10, seed=3)
    batches = [source.batch(2, index) for index in range(source.steps)]
    lanes = torch.cat([batch["tokens"] for batch in batches], dim=1)
    assert lanes.shape == (4, 10 * source.steps)
    assert (lanes.diff(dim=1) == 1).all()
    assert (batches[0]["next"] == batches[0]["tokens"] + 1).all()
    assert len(lanes.unique()) == lanes.numel() > 4300
    again, other = source.batch(2, 1), source.batch(3, 1)
    assert torch.equal(again["tokens"], batches[1]["tokens"])
    assert not torch.equal(other["tokens"], again["tokens"])


@pytest.mark.parametrize("count", [2, 3, 9, 25, 200])
def test_a_short_text_has_fewer_lanes_and_never_runs_out(count):
    source = LaneSource(np.arange(1, count + 1), end=0, lanes=16, bptt=8, seed=0)
    for epoch in range(5):
        for index in range(source.steps):
            batch = source.batch(epoch, index)
            assert (batch["next"] == batch["tokens"] + 1).all()


def test_texts_from_the_left_and_around_blanks():
    texts = [np.array([5, 6, 1]), np.array([7, 1])]
    left = text_batch(texts, end=1)
    assert left["tokens"].tolist() == [[1, 5, 6], [1, 7, 1]] and left["lengths"].tolist() == [3, 2]
    assert left["next"].tolist() == [[5, 6, 1], [7, 1, NO_TOKEN]]
    around = masked_batch(texts, end=1)
    assert around["tokens"].tolist() == [[1, 5, 6, 1], [1, 7, 1, 1]] and around["lengths"].tolist() == [4, 3]
    assert around["next"].tolist() == [[5, 6], [7, NO_TOKEN]]


def test_every_text_is_in_an_epoch_once():
    random = np.random.default_rng(0)
    texts = [np.append(np.full(random.integers(1, 9), 10 + n), 1) for n in range(40)]
    source = TextSource(texts, end=1, tokens=30, seed=0)
    rows = [source.batch(1, index)["next"] for index in range(source.steps)]
    assert sorted(int(row[0]) for batch in rows for row in batch) == list(range(10, 50))
    assert source.steps > 3 and all(batch.numel() <= 30 for batch in rows) and 0 <= source.waste < 0.5


def test_codes_and_digests():
    codec = TextCodec.fit(["a b", "c"], "words", by_text=True)
    coded = Coded.of(codec, ["a b", "c"])
    assert (coded.tokens, coded.characters) == (5, 6)
    same, other = text_digests(["a b ", "c"]), text_digests(["a b"])
    assert same.dtype == np.uint64 and same[0] == other[0] != same[1]
    assert text_digests([]).shape == (0,)
