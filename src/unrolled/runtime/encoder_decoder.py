"""Two Programs that work together: an encoder reads a whole source, a decoder writes token by token.

Key: B sources · N hypotheses · S source steps · V target tokens.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unrolled.errors import ArgumentError, ModelFileError, explain
from unrolled.runtime.interpreter import evaluate
from unrolled.runtime.operations.base import Arrays
from unrolled.runtime.operations.dense import log_softmax
from unrolled.runtime.program import CARRIED, OPEN, Program

Array = NDArray
State = Mapping[str, Array]  # the decoder's inputs but for the token, each (N, ...)
PARTS = ("encoder", "decoder")


@dataclass(frozen=True, eq=False)
class EncoderDecoder:
    """The two Programs of a translator. The decoder is a pure step: all it remembers goes in and comes out.

    Raises: ArgumentError where the decoder reads what the encoder does not answer.
    """

    encoder: Program
    decoder: Program

    def __post_init__(self) -> None:
        cure = "The two must be lowered from one network."
        for name, program, fits in (
            ("encoder", self.encoder, self.encoder.is_encoder),
            ("decoder", self.decoder, self.decoder.is_decoder and not self.decoder.states),
        ):
            if not fits or "x_codes" not in program.inputs or program.inputs["x_codes"].spec.shape != (1,):
                got = f"one that answers {program.output}"
                raise ArgumentError(explain(name, f"the program of {name}s of tokens", got, cure))
        made = {
            name: self.encoder.resolved.values[value].shape
            for name, value in self.encoder.graph.outputs.items()
        }
        for name in self._handed:
            shape = self.decoder.inputs[name].spec.shape
            wanted = shape[1:] if name in OPEN else shape
            if made.get(name) != wanted:
                told = made.get(name, "none")
                raise ArgumentError(explain(f"encoder: output '{name}'", f"one of {wanted}", told, cure))

    @property
    def attention(self) -> bool:
        """Whether the decoder tells where it looks."""
        return "weights" in self.decoder.graph.outputs

    @property
    def together(self) -> int:
        """How many hypotheses a call advances: those of one source, so that company changes no bit."""
        return 1

    @property
    def words(self) -> int:
        """How many tokens the target has."""
        return self.decoder.output_shape[0]

    @property
    def weights(self) -> Arrays:
        """The arrays of both, by name."""
        return {**self.encoder.weights, **self.decoder.weights}

    @property
    def _handed(self) -> list[str]:
        """What the decoder has from the encoder."""
        own = ("x_codes", "memory_length", "fed", "covered")
        return [name for name in self.decoder.inputs if name not in own]

    @cached_property
    def _fresh(self) -> dict[str, dict[str, Array]]:
        """The states of the encoder before the first token."""
        return {
            node: {name: np.zeros(spec.shape, np.float32) for name, spec in own.items()}
            for node, own in self.encoder.resolved.states.items()
            if own
        }

    def encode(self, source: Array) -> dict[str, Array]:
        """Read a source (S,); each output of the encoder: the memory (S, ...), the others (...)."""
        program = self.encoder
        rows = {"x_codes": np.asarray(source, np.int64)[:, None]}
        outputs, _ = evaluate(program.graph, rows, self._fresh, program.weights, program.every_row)
        return {name: value if name in OPEN else value[0] for name, value in outputs.items()}

    def start(self, sources: Sequence[Array]) -> State:
        """Read some sources; the decoder's inputs before the first token, each (B, ...)."""
        return first_state(self.decoder, [self.encode(source) for source in sources])

    def step(self, tokens: Array, state: State) -> dict[str, Array]:
        """Each output of the decoder for a token of each hypothesis, (N, ...)."""
        program = self.decoder
        inputs = {**state, "x_codes": np.asarray(tokens, np.int64)[:, None]}
        return evaluate(program.graph, inputs, {}, program.weights)[0]

    def advance(self, tokens: Array, state: State) -> tuple[Array, Array | None, State]:
        """Read a token of each hypothesis.

        Returns: log-probabilities of the next (N, V), the weights of the source (N, S) or None, the state.
        """
        made = self.step(tokens, state)
        return log_softmax(made["scores"]), made.get("weights"), next_state(made, state)

    def select(self, state: State, places: Array) -> State:
        """The state of the hypotheses at some places."""
        return {name: values[places] for name, values in state.items()}

    def to_card(self) -> dict[str, Any]:
        """As JSON; the weights are in `weights`."""
        return {"encoder": self.encoder.to_card(), "decoder": self.decoder.to_card()}

    @classmethod
    def from_card(cls, card: Any, tensors: Arrays) -> "EncoderDecoder":
        """The two of a model file. Raises: ModelFileError that names the part and the node."""
        cure = "Take another copy of the file, or save the model again."
        if not isinstance(card, dict) or set(card) != set(PARTS):
            got = ", ".join(card) if isinstance(card, dict) else repr(card)[:60]
            raise ModelFileError(explain("card.programs", "encoder and decoder", got or "none", cure))
        try:
            return cls(*(Program.from_card(card[name], tensors) for name in PARTS))
        except ArgumentError as error:
            raise ModelFileError(str(error)) from None


def next_state(made: Arrays, state: State) -> State:
    """The decoder's inputs at the next token, from its outputs at this one."""
    return {**state, **{name: made[name] for name in CARRIED if name in made}}


def first_state(decoder: Program, encoded: Sequence[Arrays]) -> State:
    """The decoder's inputs before the first token from what an encoder answered for some sources.

    Sources of different lengths are filled up with zeros, which the length keeps out.
    """
    longest = max((len(one["memory"]) for one in encoded if "memory" in one), default=0)
    state: dict[str, Array] = {}
    for name, entry in decoder.inputs.items():
        sizes = tuple(longest if name in OPEN and axis == 0 else n for axis, n in enumerate(entry.spec.shape))
        if name == "memory_length":
            state[name] = np.array([len(one["memory"]) for one in encoded], np.int64)
        elif name in encoded[0]:
            values = np.zeros((len(encoded), *sizes), np.float32)
            for row, one in zip(values, encoded, strict=True):
                row[: len(one[name])] = one[name]
            state[name] = values
        elif name in CARRIED:
            state[name] = np.zeros((len(encoded), *sizes), np.float32)
    return state
