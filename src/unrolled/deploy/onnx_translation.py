"""An encoder-decoder as two ONNX graphs, and ONNX Runtime as what a translator runs on.

Key: B sources · N hypotheses · S source steps.
"""

import json
from collections.abc import Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unrolled.deploy.onnx_export import NEXT, check_expressible, sequence_model, step_model
from unrolled.deploy.onnx_session import open_session
from unrolled.errors import ModelFileError, explain
from unrolled.preprocess import Sides
from unrolled.runtime import EncoderDecoder
from unrolled.runtime.encoder_decoder import PARTS, State, next_state
from unrolled.runtime.operations.dense import log_softmax
from unrolled.runtime.program import CARRIED

Array = NDArray
TOGETHER = 64  # hypotheses that one call advances
SIDES = "unrolled.sides"  # the tokenizers' cards, in the metadata of both graphs


def write_onnx_pair(programs: EncoderDecoder, sides: Sides, folder: Path, name: str) -> dict[str, int]:
    """Write `NAME_encoder.onnx` and `NAME_decoder.onnx`; their sizes in bytes.

    Raises: ArgumentError that names a node which ONNX cannot express; MissingPartError.
    """
    for program in (programs.encoder, programs.decoder):
        check_expressible(program)
    models = {"encoder": sequence_model(programs.encoder), "decoder": step_model(programs.decoder)}
    sizes = {"weights": sum(array.nbytes for array in programs.weights.values())}
    for part, model in models.items():
        told = model.metadata_props.add()
        told.key, told.value = SIDES, json.dumps(sides.card(), sort_keys=True)
        data = model.SerializeToString()
        (folder / f"{name}_{part}.onnx").write_bytes(data)
        sizes[part] = len(data)
    return sizes


class OnnxDecoding:
    """A `runtime.translation.Decoding` by ONNX Runtime, over the two graphs of a folder.

    Example: `TextTranslator(*OnnxDecoding.load("out/")).predict(["ein Haus"])`
    """

    def __init__(self, encoder: Any, decoder: Any) -> None:
        self._encoder, self._decoder = encoder, decoder
        self._given = {entry.name: entry for entry in decoder.get_inputs()}

    @classmethod
    def load(cls, folder: str | PathLike[str], name: str | None = None) -> "tuple[OnnxDecoding, Sides]":
        """What `export --to onnx` wrote, and the tokenizers. Raises: ModelFileError where it is not there."""
        where = Path(folder)
        pattern = "*" if name is None else name
        found = [sorted(where.glob(f"{pattern}_{part}.onnx")) for part in PARTS]
        if [len(paths) for paths in found] != [1, 1]:
            got = ", ".join(path.name for paths in found for path in paths) or "none"
            cure = "Name the model, or export one into this folder."
            raise ModelFileError(explain(str(where), "one encoder and one decoder", got, cure))
        encoder, decoder = (open_session(paths[0]) for paths in found)
        card = json.loads(encoder.get_modelmeta().custom_metadata_map[SIDES])
        return cls(encoder, decoder), Sides.from_card(card)

    @property
    def attention(self) -> bool:
        """Whether it tells where it looks."""
        return "weights" in [entry.name for entry in self._decoder.get_outputs()]

    @property
    def together(self) -> int:
        """About how many hypotheses a call advances."""
        return TOGETHER

    def encode(self, sources: Sequence[Array]) -> dict[str, Array]:
        """Each output of the encoder for a ragged batch: the memory (B, S, ...), the others (B, ...)."""
        lengths = np.array([len(source) for source in sources], np.int64)
        codes = np.zeros((len(sources), lengths.max(), 1), np.int64)
        for row, source in zip(codes, sources, strict=True):
            row[: len(source), 0] = source
        return _run(self._encoder, {"x_codes": codes, "lengths": lengths})

    def start(self, sources: Sequence[Array]) -> State:
        """Read some sources; the state before the first token."""
        encoded = self.encode(sources)
        lengths = np.array([len(source) for source in sources], np.int64)
        state: dict[str, Array] = {}
        for name, entry in self._given.items():
            if name == "memory_length":
                state[name] = lengths
            elif name in encoded:
                state[name] = encoded[name]
            elif name in CARRIED:
                sizes = [lengths.max() if isinstance(size, str) else size for size in entry.shape[1:]]
                state[name] = np.zeros((len(sources), *sizes), np.float32)
        return state

    def step(self, tokens: Array, state: State) -> dict[str, Array]:
        """Each output of the decoder for a token of each hypothesis, (N, ...)."""
        made = _run(self._decoder, {**state, "x_codes": np.asarray(tokens, np.int64)[:, None]})
        return {name.removeprefix(NEXT): values for name, values in made.items()}

    def advance(self, tokens: Array, state: State) -> tuple[Array, Array | None, State]:
        """Read a token of each hypothesis."""
        made = self.step(tokens, state)
        return log_softmax(made["scores"]), made.get("weights"), next_state(made, state)

    def select(self, state: State, places: Array) -> State:
        """The state of the hypotheses at some places."""
        return {name: values[places] for name, values in state.items()}


def _run(session: Any, feeds: Mapping[str, Array]) -> dict[str, Array]:
    names = [output.name for output in session.get_outputs()]
    return dict(zip(names, session.run(names, dict(feeds)), strict=True))
