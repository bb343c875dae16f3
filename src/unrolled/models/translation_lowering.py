"""From an encoder-decoder to its two Programs: one reads the source, one is a step of the decoder."""

from typing import TYPE_CHECKING, Any

from unrolled.models.decoder import Decoder
from unrolled.models.lowering import Builder, cell_attributes, hidden_of
from unrolled.nn import Bidirectional
from unrolled.nn.recurrent import Recurrent
from unrolled.runtime import EncoderDecoder, Program
from unrolled.runtime import operations as ops
from unrolled.runtime.operations.base import ANY

if TYPE_CHECKING:  # the network calls in here
    from unrolled.models.translation import TranslationNetwork

PREFIX = "decoder"


def lower_translation(network: "TranslationNetwork") -> EncoderDecoder:
    """The encoder over the tokens of a source, and the decoder over one token."""
    return EncoderDecoder(_lower_encoder(network), _lower_decoder(network))


def _lower_encoder(network: "TranslationNetwork") -> Program:
    """The memory and its keys at each token; the decoder's first state, and the summary, after the last."""
    b, decoder = Builder(), network.decoder
    x, ends = _embedded(b, "table.weight"), []
    for number, layer in enumerate(network.encoder.layers):
        assert isinstance(layer, Bidirectional)
        ways, end = _both_ways(b, layer, f"encoder.layers.{number}", x)
        ends.append(end)
        if decoder.attention != "none" or number + 1 < network.layers:
            hidden = [hidden_of(b, one, way) for one, way in ways]
            x = b.concat(f"encoder.layers.{number}.both", hidden)
    outputs = {"state": b.concat("state", _bridged(b, decoder, ends))}
    if decoder.attention == "none":
        outputs["summary"] = ends[-1][0]
    else:
        outputs |= {"memory": x, "keys": b.dense(f"{PREFIX}.attend.key", x, bias=False)}
    return b.finish(network, outputs)


def _both_ways(
    b: Builder, layer: Bidirectional, prefix: str, x: str
) -> tuple[list[tuple[Recurrent, str]], list[str]]:
    """The full states of both ways at each token, and of h (and c) what they end with, side by side."""
    size = layer.layer_forward.hidden_size
    full: list[tuple[Recurrent, str]] = []
    parts = []
    ways = (("forward", layer.layer_forward, "last"), ("backward", layer.layer_backward, "first"))
    for way, one, how in ways:
        name = f"{prefix}.layer_{way}"
        cell = ops.Recurrent(**cell_attributes(one, name), direction=way, emit="state")
        full.append((one, b.add(name, cell, x)))
        end = b.add(f"{name}.end", ops.Pool(how), full[-1][1])
        parts.append([b.add(f"{name}.h", ops.Slice(0, size), end)])
        if one.cell.kind == "lstm":
            parts[-1].append(b.add(f"{name}.c", ops.Slice(size, 2 * size), end))
    ends = [b.concat(f"{prefix}.ends", pair) for pair in zip(*parts, strict=True)]
    return full, ends


def _bridged(b: Builder, decoder: Decoder, ends: list[list[str]]) -> list[str]:
    """The decoder's first states from the ends of the encoder's layers: h squashed, c not."""
    states, bridge = [], 0
    for layer in ends:
        for place, end in enumerate(layer):
            state = b.dense(f"{PREFIX}.bridges.{bridge}", end)
            states.append(state if place else b.add(f"{state}.h", ops.Activation("tanh"), state))
            bridge += 1
    return states


def _lower_decoder(network: "TranslationNetwork") -> Program:
    """One token in, the scores of the next out; the steps are those of `Decoder.advance`."""
    b, decoder = Builder(), network.decoder
    read, hidden = [_embedded(b, f"{PREFIX}.table.weight")], decoder.hidden
    width = hidden * (2 if network.cell == "lstm" else 1)
    state = b.input("state", (width * len(decoder.recurrent.layers),))
    outputs: dict[str, str] = {}
    if decoder.attention == "none":
        context = b.input("summary", (2 * network.hidden,))
        read.append(context)
    if decoder.attention == "bahdanau":
        above = width * (len(decoder.recurrent.layers) - 1)
        query = b.add("hidden_before", ops.Slice(above, above + hidden), state)
        context, outputs = _looked(b, decoder, query)
        read.append(context)
    if decoder.input_feeding:
        read.append(b.input("fed", (hidden,)))
    y, after = _stepped(b, decoder, b.concat("read", read), state, width)
    if decoder.attention == "luong":
        context, outputs = _looked(b, decoder, y)
    out = b.dense(f"{PREFIX}.combine", b.concat("beside", [y, context]))
    out = b.add("out", ops.Activation("tanh"), out)
    if decoder.input_feeding:
        outputs["fed"] = out
    return b.finish(network, {"scores": _scores(b, decoder, out), "state": after} | outputs)


def _stepped(b: Builder, decoder: Decoder, x: str, state: str, width: int) -> tuple[str, str]:
    """One step of each layer: the top layer's output and the next state."""
    after = []
    for number, layer in enumerate(decoder.recurrent.layers):
        assert isinstance(layer, Recurrent)
        name = f"{PREFIX}.recurrent.layers.{number}"
        before = b.add(f"{name}.before", ops.Slice(number * width, (number + 1) * width), state)
        after.append(b.add(name, ops.Step(**cell_attributes(layer, name)), x, before))
        x = hidden_of(b, layer, after[-1])
    return x, b.concat("state_after", after)


def _looked(b: Builder, decoder: Decoder, query: str) -> tuple[str, dict[str, str]]:
    """The context that a query finds, and the outputs that attention makes."""
    attend, name = decoder.attend, f"{PREFIX}.attend"
    memory = b.input("memory", (ANY, attend.memory_size))
    keys = b.input("keys", (ANY, attend.key.out_features))
    given: list[Any] = [keys, b.input("memory_length", (), "int64")]
    vector = covered = None
    if attend.score == "additive":
        query, vector = b.dense(f"{name}.query", query), f"{name}.vector.weight"
    if decoder.coverage:
        given.append(b.input("covered", (ANY,)))
        covered = f"{name}.covered.weight"
    score = "additive" if attend.score == "additive" else "dot"
    weights = b.add("weights", ops.Attention(score, vector, covered), query, *given)
    outputs = {"weights": weights}
    if decoder.coverage:
        outputs["covered"] = b.sum("covered_after", given[-1], weights)
    return b.add("context", ops.WeightedSum(), weights, memory), outputs


def _scores(b: Builder, decoder: Decoder, out: str) -> str:
    if decoder.narrow is not None:
        out = b.dense(f"{PREFIX}.narrow", out, bias=False)
    table = f"{PREFIX}.table.weight" if decoder.tied else f"{PREFIX}.output.weight"
    return b.add("scores", ops.Dense(table, f"{PREFIX}.output.bias"), out)


def _embedded(b: Builder, table: str) -> str:
    """The vector of a row's code."""
    code = b.add("code", ops.Reshape(()), b.input("x_codes", (1,), "int64"))
    return b.add("embedded", ops.Embed(table), code)
