"""Export of an encoder-decoder: two Programs in one file, or two ONNX graphs, tried before they are written.

Each text that is tried is read by the encoder, and then written by the decoder along what the Programs
themselves write, with the state that the export has carried: every number of both must be within the bound.

Key: S source steps · T target tokens.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from unrolled.arguments import one_of
from unrolled.deploy.export import Exported
from unrolled.deploy.folder import whole_folder
from unrolled.deploy.names import identifier
from unrolled.deploy.onnx_translation import OnnxDecoding, write_onnx_pair
from unrolled.deploy.parity import BOUND, Parity, demand
from unrolled.errors import ArgumentError, explain
from unrolled.format import new_card, write_model
from unrolled.preprocess.sides import BEGIN, END, SPECIALS, Sides
from unrolled.runtime import EncoderDecoder, SearchOptions, TextTranslator
from unrolled.runtime.encoder_decoder import State, next_state
from unrolled.runtime.operations import Attention
from unrolled.runtime.translation import search_texts

Array = NDArray
TEXTS = 64  # that are tried: the last ones
DRAWN, LONGEST = 8, 12  # texts that are drawn where none are given, and their most tokens
TOKENS = 24  # that are written of each
TARGETS = ("onnx", "program")


class Stepping(Protocol):
    """What an export is tried by; `EncoderDecoder` and `OnnxDecoding` are."""

    def start(self, sources: Sequence[Array]) -> State:
        """Read some sources; the decoder's inputs before the first token, each (B, ...)."""

    def step(self, tokens: Array, state: State) -> dict[str, Array]:
        """Each output of the decoder for a token of each source, (B, ...)."""


@dataclass(frozen=True)
class _Made:
    """What has been written: sizes in bytes, and the same through the artefact itself."""

    sizes: Mapping[str, int]
    run: Stepping


def export_translator(
    model: TextTranslator,
    folder: str | PathLike[str],
    to: str = "onnx",
    *,
    texts: Sequence[str] | None = None,
    name: str | None = None,
    bound: float = BOUND,
) -> Exported:
    """Write a translator for another runtime, once it answers as its Programs do.

    `texts` are held-out source texts to try it on; without them tokens are drawn.
    Raises: ArgumentError for a target that has no words for it, naming the node; ExportError where an answer
    differs by more than the bound; DataError for a text that is empty or endless; OutputError. Nothing is
    written then.
    """
    one_of("to", to, ("c", "wasm", *TARGETS))
    programs = model.decoding
    assert isinstance(programs, EncoderDecoder)
    if to not in TARGETS:
        raise _no_words(programs, to)
    name = identifier(Path(folder).resolve().name if name is None else name)
    tried = _sources(model, texts)
    with whole_folder(Path(folder)) as made_in:
        made = _WRITERS[to](programs, model.sides, made_in, name)
        parity = compare_steps(programs, made.run, tried, bound)
        demand(parity, f"export to {to}")
        files = tuple(Path(folder) / file.name for file in sorted(made_in.iterdir()))
    return Exported(files, made.sizes, parity)


def compare_steps(
    programs: EncoderDecoder, other: Stepping, sources: Sequence[Array], bound: float = BOUND
) -> Parity:
    """The largest difference between two runtimes: what is remembered, and each step of each answer.

    `other` reads all sources as one ragged batch; what lies behind a length is not compared.
    """
    never, rules = (BEGIN,), SearchOptions(beam=1, maximum=TOKENS)
    written = [row[0].tokens for row in search_texts(programs, sources, rules, never)]
    pairs: list[tuple[Array, Array]] = []
    states = [programs.start([source]) for source in sources]
    theirs = other.start(sources)
    lengths = [len(source) for source in sources]
    pairs += [_pair(theirs, own, row, lengths[row]) for row, own in enumerate(states)]
    for step in range(TOKENS + 1):
        tokens = np.array([(BEGIN, *row)[step] if step <= len(row) else END for row in written])
        made = other.step(tokens, theirs)
        theirs = next_state(made, theirs)
        for row, own in enumerate(states):
            if step <= len(written[row]):
                wanted = programs.step(tokens[row : row + 1], own)
                states[row] = next_state(wanted, own)
                pairs.append(_pair(made, wanted, row, lengths[row]))
    return _parity(pairs, bound)


def _pair(
    found: Mapping[str, Array], wanted: Mapping[str, Array], row: int, length: int
) -> tuple[Array, Array]:
    """The numbers of one source in two runtimes, side by side; of what is as long as the batch, its own."""
    parts = []
    for name, values in wanted.items():
        if name == "memory_length":
            continue
        own = found[name][row]
        cut = own[:length] if values.shape[1:] != own.shape else own
        parts.append((cut.ravel(), values[0].ravel()))
    return np.concatenate([a for a, _ in parts]), np.concatenate([b for _, b in parts])


def _parity(pairs: Sequence[tuple[Array, Array]], bound: float) -> Parity:
    found, wanted = (np.concatenate([pair[side] for pair in pairs]).astype(np.float64) for side in (0, 1))
    distance = np.abs(found - wanted)
    distance = np.where(np.isnan(distance), np.inf, distance)
    share = distance / np.maximum(np.abs(wanted), 1.0)
    return Parity(float(distance.max()), float(share.max()), len(distance), bound)


def _sources(model: TextTranslator, texts: Sequence[str] | None) -> list[Array]:
    """The codes of the texts that are tried."""
    if texts is not None:
        last = list(texts)[-TEXTS:]
        if not last:
            raise ArgumentError(explain("texts", "at least one text", 0, "Leave it out, or pass some."))
        return model.sides.read(last, [f"texts[{len(texts) - len(last) + n}]" for n in range(len(last))])
    random, first = np.random.default_rng(0), len(SPECIALS) + 1
    codes = [0, *range(first, len(model.sides.source))]
    return [random.choice(codes, length) for length in random.integers(1, LONGEST + 1, DRAWN)]


def _no_words(programs: EncoderDecoder, to: str) -> ArgumentError:
    """Why a target that answers row by row without allocation cannot have it, by the node."""
    for node in programs.decoder.graph.nodes:
        if isinstance(node.operation, Attention):
            got = "a memory as long as the text, whose size C must know beforehand"
            return _refused(node.name, node.operation.kind, to, got)
    for node in programs.encoder.graph.nodes:
        if node.operation.whole_sequence:
            return _refused(node.name, node.operation.kind, to, node.operation.whole_sequence)
    raise AssertionError("an encoder reads both ways")


def _refused(node: str, kind: str, to: str, got: str) -> ArgumentError:
    language = {"c": "C", "wasm": "WebAssembly"}[to]
    cure = "Export it to onnx, or to program for runtime.TextTranslator."
    return ArgumentError(
        explain(f"node '{node}' ({kind})", f"an operation that {language} can run", got, cure)
    )


def _write_program(programs: EncoderDecoder, sides: Sides, folder: Path, name: str) -> _Made:
    """`NAME.unrolled` of the kind "program": both Programs and the tokenizers."""
    path, weights = folder / f"{name}.unrolled", dict(programs.weights)
    card: dict[str, Any] = {"programs": programs.to_card(), **sides.card()}
    write_model(path, new_card("program", "translate", card), weights)
    read = TextTranslator.load(path).decoding
    assert isinstance(read, EncoderDecoder)
    sizes = {"file": path.stat().st_size, "weights": sum(array.nbytes for array in weights.values())}
    return _Made(sizes, read)


def _write_onnx(programs: EncoderDecoder, sides: Sides, folder: Path, name: str) -> _Made:
    sizes = write_onnx_pair(programs, sides, folder, name)
    return _Made(sizes, OnnxDecoding.load(folder, name)[0])


_WRITERS: dict[str, Callable[[EncoderDecoder, Sides, Path, str], _Made]] = {
    "onnx": _write_onnx,
    "program": _write_program,
}
