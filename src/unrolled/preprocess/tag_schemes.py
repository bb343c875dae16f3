"""How spans are written as tags: IOB1, BIO, BIOES; what may follow what; from one to another.

A tag is "O" (outside) or a prefix, a hyphen and the span's type, such as "B-person".

    IOB1   I- goes on or begins; B- begins only where a span of the same type ends just before
    BIO    B- begins, I- goes on (also called IOB2)
    BIOES  B- begins, I- goes on, E- ends, S- is a span of one word

Tags of any other form are plain, such as parts of speech: each may follow each.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np

from unrolled.arguments import one_of
from unrolled.errors import ArgumentError, explain

SCHEMES = ("iob1", "bio", "bioes", "plain")
OUTSIDE = "O"
_PREFIXES = {"iob1": "BI", "bio": "BI", "bioes": "BIES"}


class Span(NamedTuple):
    """A span of a sentence: its type, its first word, the word behind its last."""

    kind: str
    start: int
    stop: int


def parted(tag: str) -> tuple[str, str]:
    """Prefix and type of a tag; ("O", "") outside.

    Example:
        >>> parted("B-creative-work"), parted("O")
        (('B', 'creative-work'), ('O', ''))
    """
    prefix, _, kind = tag.partition("-")
    return prefix, kind


def scheme_of(sentences: Iterable[Sequence[str]]) -> str:
    """The scheme of some sentences of tags: the one they keep; BIO where some of them keep none.

    Example:
        >>> scheme_of([["O", "B-x", "I-x"]]), scheme_of([["I-x", "O"]]), scheme_of([["NOUN", "VERB"]])
        ('bio', 'iob1', 'plain')
    """
    listed = [list(tags) for tags in sentences]
    tags = {tag for sentence in listed for tag in sentence}
    prefixes = {parted(tag)[0] for tag in tags if tag != OUTSIDE}
    spelled = all(tag == OUTSIDE or (len(parted(tag)[0]) == 1 and parted(tag)[1]) for tag in tags)
    if not prefixes or not spelled or not prefixes <= set("BIES"):
        return "plain"
    if prefixes & set("ES"):
        return "bioes"
    if all(first_invalid(sentence, "bio") is None for sentence in listed):
        return "bio"
    return "iob1" if all(first_invalid(sentence, "iob1") is None for sentence in listed) else "bio"


def first_invalid(tags: Sequence[str], scheme: str) -> int | None:
    """The place of the first tag that may not stand where it does, or None.

    Example:
        >>> first_invalid(["O", "I-x"], "bio"), first_invalid(["B-x", "I-x"], "bio")
        (1, None)
        >>> first_invalid(["B-x", "O"], "bioes")  # a span that does not end
        1
    """
    before = OUTSIDE
    for place, tag in enumerate(tags):
        if not _may_follow(before, tag, scheme):
            return place
        before = tag
    return None if _may_end(before, scheme) else len(tags) - 1


def spans_of(tags: Sequence[str]) -> list[Span]:
    """The spans of a sentence as the CoNLL shared tasks read them, whatever the scheme: invalid tags too.

    A span begins at B- or S-, behind E- or S-, and where outside, or another type, came before.

    Example:
        >>> spans_of(["I-x", "I-x", "B-x", "I-y"])
        [Span(kind='x', start=0, stop=2), Span(kind='x', start=2, stop=3), Span(kind='y', start=3, stop=4)]
    """
    found: list[Span] = []
    start, before, kind_before = 0, OUTSIDE, ""
    for place, tag in enumerate([*tags, OUTSIDE]):
        prefix, kind = parted(tag)
        inside = before != OUTSIDE
        ends = inside and (prefix in "BSO" or before in "ES" or kind != kind_before)
        if ends:
            found.append(Span(kind_before, start, place))
        if prefix != OUTSIDE and (ends or not inside):
            start = place
        before, kind_before = prefix, kind
    return found


def strict_spans(tags: Sequence[str], scheme: str) -> list[Span]:
    """The spans of a sentence that are written as the scheme wants them; others are none.

    Example:
        >>> strict_spans(["I-x", "O", "B-x", "I-y"], "bio")
        [Span(kind='x', start=2, stop=3)]
    """
    one_of("scheme", scheme, ("bio", "bioes"))
    found, place = [], 0
    while place < len(tags):
        prefix, kind = parted(tags[place])
        stop = place + 1
        if prefix == "S" and scheme == "bioes":
            found.append(Span(kind, place, stop))
        elif prefix == "B":
            while stop < len(tags) and tags[stop] == f"I-{kind}":
                stop += 1
            if scheme == "bio":
                found.append(Span(kind, place, stop))
            elif stop < len(tags) and tags[stop] == f"E-{kind}":
                stop += 1
                found.append(Span(kind, place, stop))
        place = stop
    return found


def write_spans(spans: Iterable[Span], length: int, scheme: str) -> list[str]:
    """The tags of a sentence with these spans, which do not overlap.

    Example:
        >>> write_spans([Span("x", 0, 2), Span("y", 3, 4)], 4, "bioes")
        ['B-x', 'E-x', 'O', 'S-y']
    """
    one_of("scheme", scheme, SCHEMES[:3])
    tags = [OUTSIDE] * length
    for kind, start, stop in sorted(spans, key=lambda span: span.start):
        touches = start > 0 and parted(tags[start - 1])[1] == kind
        for place in range(start, stop):
            tags[place] = f"I-{kind}"
        if scheme != "iob1" or touches:
            tags[start] = f"B-{kind}"
        if scheme == "bioes":
            tags[stop - 1] = f"{'S' if stop - start == 1 else 'E'}-{kind}"
    return tags


def convert(tags: Sequence[str], scheme: str) -> list[str]:
    """The tags of a sentence in another scheme. Invalid ones are read as the CoNLL shared tasks read them.

    Example:
        >>> convert(["I-x", "I-x", "O"], "bioes")
        ['B-x', 'E-x', 'O']
    """
    return write_spans(spans_of(tags), len(tags), scheme)


def tags_of(kinds: Iterable[str], scheme: str) -> tuple[str, ...]:
    """Every tag of a scheme for some types: "O" first, then by type.

    Example:
        >>> tags_of(["x"], "bioes")
        ('O', 'B-x', 'I-x', 'E-x', 'S-x')
    """
    return (OUTSIDE, *(f"{prefix}-{kind}" for kind in sorted(kinds) for prefix in _PREFIXES[scheme]))


def allowed_moves(tags: Sequence[str], scheme: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Which tags may begin a sentence, follow one another (from, to) and end it.

    Shapes: bool (tags,), (tags, tags), (tags,).
    Raises: ArgumentError for a tag that is none of the scheme.
    """
    one_of("scheme", scheme, SCHEMES)
    for tag in tags:
        prefix, kind = parted(tag)
        if scheme != "plain" and tag != OUTSIDE and (prefix not in _PREFIXES[scheme] or not kind):
            cure = "Write it with its prefix and a hyphen, or train with scheme='plain'."
            raise ArgumentError(explain("tags", f"O or tags of {scheme}, such as B-x", repr(tag), cure))
    start = np.array([_may_follow(OUTSIDE, tag, scheme) for tag in tags])
    follow = np.array([[_may_follow(before, tag, scheme) for tag in tags] for before in tags])
    return start, follow, np.array([_may_end(tag, scheme) for tag in tags])


def _may_follow(before: str, tag: str, scheme: str) -> bool:
    if scheme == "plain":
        return True
    (was, kind_was), (prefix, kind) = parted(before), parted(tag)
    open_before = was in "BI" and before != OUTSIDE
    if scheme == "iob1":
        return prefix != "B" or (open_before and kind == kind_was)
    if prefix in ("I", "E"):
        return open_before and kind == kind_was
    return scheme == "bio" or not open_before


def _may_end(tag: str, scheme: str) -> bool:
    return scheme != "bioes" or tag == OUTSIDE or parted(tag)[0] in "ES"
