"""From a forecaster's network to its Program: window by window, or with a carried state.

Key: T history · H horizon · C targets · w segment length · S segments read · M segments answered · d hidden.
"""

from typing import TYPE_CHECKING, Any

from unrolled.models.feed_forward import FeedForward
from unrolled.models.inputs import ScaledInputs
from unrolled.models.lowering import Builder, cell_attributes, dense_layers, hidden_of, layers_of, run_stack
from unrolled.models.shape import ForecastShape
from unrolled.nn import Stack
from unrolled.runtime import Graph, Program
from unrolled.runtime import operations as ops
from unrolled.runtime.rollout import Rollout

if TYPE_CHECKING:  # the networks call in here
    from unrolled.models.direct import DirectNetwork
    from unrolled.models.recursive import RecursiveNetwork
    from unrolled.models.segment import SegmentNetwork


def lower_segment(network: "SegmentNetwork") -> Program:
    """A ring buffer of `history` rows, read anew at every row; the steps are those of `SegmentNetwork`."""
    shape, b = network.shape, Builder()
    target = b.input("target", (shape.targets,), missing=shape.masked_target)
    mean, scale = _target_scaling(b, shape)
    window = b.add("window", ops.Window(shape.history), target)  # (T, C)
    anchor = b.add("anchor", ops.WindowAnchor(), window, mean)
    values = b.add("values", ops.Scale(), window, anchor, scale)
    states = _read_segments(b, network, values)
    features = _decode_segments(b, network, _decoder_inputs(b, network, values, anchor, mean, scale), states)
    raw = b.dense("head.dense", features)  # (C, M, w * Q)
    count, segments = len(shape.quantiles), network.answered_segments
    raw = b.add("raw", ops.Reshape((shape.targets, segments * network.segment, count)), raw)
    quantiles = b.add("rising", ops.QuantileHead(network.head.base), raw)
    quantiles = b.add("horizon", ops.Slice(0, shape.horizon, axis=-2), quantiles)
    if network.highway is not None:
        quantiles = b.sum("with_highway", quantiles, _highway(b, network, values))
    quantiles = b.add("by_step", ops.Transpose((1, 0, 2)), quantiles)  # (H, C, Q)
    return b.program(
        network, "quantiles", _raw_units(b, network, quantiles, anchor, scale), levels=shape.quantiles
    )


def lower_direct(network: "DirectNetwork") -> Program:
    """A carried state, one step a row, the whole horizon from each; the steps of `DirectNetwork`."""
    shape, b = network.shape, Builder()
    target = b.input("target", (shape.targets,), missing=shape.masked_target)
    mean, scale = _target_scaling(b, shape)
    anchor = b.add("anchor", ops.CarriedAnchor(), target, mean)
    parts = [_filled_target(b, target, mean, scale, shape.masked_target)]
    for role in ("past", "known", "static"):
        parts += _features(b, network.inputs, role)
    hidden = run_stack(b, network.recurrent, b.concat("features", parts))
    ahead = _features(b, network.inputs, "known", ahead=True)
    if ahead:
        known = b.concat("ahead", ahead)  # (H, size)
        flat = b.add("ahead_flat", ops.Reshape((shape.horizon * network.inputs.sizes["known"],)), known)
        mixed = b.sum("mixed", b.dense("mix_hidden", hidden), b.dense("mix_known", flat, bias=False))
        hidden = b.add("mixed_relu", ops.Activation("relu"), mixed)
    raw = b.dense("head.dense", hidden)
    raw = b.add("raw", ops.Reshape((shape.horizon, shape.targets, len(shape.quantiles))), raw)
    quantiles = b.add("rising", ops.QuantileHead(network.head.base), raw)
    return b.program(
        network, "quantiles", _raw_units(b, network, quantiles, anchor, scale), levels=shape.quantiles
    )


def lower_recursive(network: "RecursiveNetwork", least_spread: float, paths: int, seed: int) -> Program:
    """Rows are read one late, with the known columns of the next; `paths` sample paths run on from it."""
    shape, b = network.shape, Builder()
    target = b.input("target", (shape.targets,), missing=shape.masked_target)
    mean, scale = _target_scaling(b, shape)
    anchor = b.add("anchor", ops.CarriedAnchor(), target, mean)
    previous = b.add("previous", ops.Delay(), target)
    static = _features(b, network.inputs, "static")
    now = [*_features(b, network.inputs, "known"), *static]
    x = b.concat("features", [_filled_target(b, previous, mean, scale, shape.masked_target), *now])
    states = _run_stack_states(b, network.recurrent, x)
    ahead = _features(b, network.inputs, "known", ahead=True)
    noise = b.input("noise", (paths, shape.horizon, shape.targets))
    draws = b.add("draws", ops.Transpose((1, 0, 2)), noise)  # (H, paths, C)
    wires = [("draws", "each", draws), ("mean", "fixed", mean), ("scale", "fixed", scale)]
    for name, value in (("previous", target), ("anchor", anchor)):
        wires.append((name, "carried", _for_each_path(b, value, (paths, shape.targets))))
    for number, state in enumerate(states):
        width = network.hidden * (2 if network.cell == "lstm" else 1)
        wires.append((f"state_{number}", "carried", _for_each_path(b, state, (paths, width))))
    if ahead:
        wires.append(("known", "each", b.concat("ahead", ahead)))
    if static:
        wires.append(("static", "fixed", b.concat("static_features", static)))
    body = _path_body(network, paths, least_spread, [name for name, _, _ in wires])
    rollout = Rollout(body, shape.horizon, tuple(how for _, how, _ in wires))
    path = b.add("path", rollout, *(value for _, _, value in wires))  # (H, paths, C)
    value = _over_paths(b, network, path, scale)
    return b.program(network, "quantiles", value, levels=shape.quantiles, seed=seed)


def _target_scaling(b: Builder, shape: ForecastShape) -> tuple[str, str]:
    """The mean and the scale of the target columns, each (C,), of the series where each has its own."""
    if shape.series > 1:
        series = b.input("series", (), "int64")
        mean = b.add("mean", ops.Embed("inputs.target_mean"), series)
        return mean, b.add("scale", ops.Embed("inputs.target_scale"), series)
    one = ops.Reshape((shape.targets,))
    mean = b.add("mean", one, b.constant("inputs.target_mean"))
    return mean, b.add("scale", one, b.constant("inputs.target_scale"))


def _filled_target(b: Builder, target: str, mean: str, scale: str, masked: bool) -> str:
    scaled = b.add("scaled", ops.Scale(), target, mean, scale)
    return b.add("filled", ops.Mask(channels=masked), scaled)


def _features(b: Builder, inputs: ScaledInputs, role: str, ahead: bool = False) -> list[str]:
    """A role's features at a row, or with `ahead` at the next H rows: scaled, masked, embedded."""
    leading, prefix = ((inputs.shape.horizon,), "future_") if ahead else ((), "")
    columns, words = inputs.widths[role], inputs.widths[f"{role}_codes"]
    parts = []
    if columns:
        raw = b.input(prefix + role, (*leading, columns), missing=inputs.masked[role])
        statistics = [b.constant(f"inputs.{role}_{name}") for name in ("mean", "scale")]
        part = b.add(f"{prefix}{role}_scaled", ops.Scale(), raw, *statistics)
        parts.append(b.add(f"{role}_filled", ops.Mask(), part) if inputs.masked[role] else part)
    if words:
        codes = b.input(f"{prefix}{role}_codes", (*leading, words), "int64")
        for place in range(words):
            one = b.add(f"{codes}_{place}", ops.Slice(place, place + 1), codes)
            code = b.add(f"{codes}_{place}_code", ops.Reshape(leading), one)
            table = f"inputs.embeddings.{role}.{place}.weight"
            parts.append(b.add(f"{codes}_{place}_embedded", ops.Embed(table), code))
    return parts


def _run_stack_states(b: Builder, stack: Stack, x: str) -> list[str]:
    """The full state of each layer at each row."""
    states = []
    for layer, prefix in layers_of(stack):
        states.append(b.add(prefix, ops.Recurrent(**cell_attributes(layer, prefix), emit="state"), x))
        x = hidden_of(b, layer, states[-1])
    return states


def _cut(b: Builder, name: str, x: str, size: tuple[int, ...], w: int, at_end: bool) -> str:
    """Time on axis -2 cut into segments, filled up with zeros. size (..., time, features)."""
    *leading, steps, features = size
    missing = -steps % w
    if missing:
        x = b.add(f"{name}_padded", ops.Pad(0 if at_end else missing, missing if at_end else 0, axis=-2), x)
    return b.add(name, ops.Reshape((*leading, (steps + missing) // w, w * features)), x)


def _read_segments(b: Builder, network: "SegmentNetwork", values: str) -> list[str]:
    """The full state of each layer after the window, each (C, states * d)."""
    shape, w = network.shape, network.segment
    channels = 1 + shape.masked_target
    own = b.add("by_column", ops.Transpose((1, 0)), values)
    own = b.add("channels", ops.Reshape((shape.targets, shape.history, 1)), own)
    own = b.add("filled", ops.Mask(channels=shape.masked_target), own)  # (C, T, channels)
    own = _cut(b, "segments", own, (shape.targets, shape.history, channels), w, at_end=False)
    x = b.dense("embed_own", own)  # (C, S, d)
    if network.embed_shared is not None:
        parts = _features(b, network.inputs, "past") + _features(b, network.inputs, "known")
        size = network.inputs.sizes["past"] + network.inputs.sizes["known"]
        shared = b.add("shared_window", ops.Window(shape.history), b.concat("shared", parts))
        shared = _cut(b, "shared_segments", shared, (shape.history, size), w, at_end=False)
        x = b.sum("embedded", x, b.dense("embed_shared", shared))
    x = b.add("embedded_relu", ops.Activation("relu"), x)
    if isinstance(network.recurrent, FeedForward):
        width = network.read_segments * network.hidden
        flat = b.add("flat", ops.Reshape((shape.targets, width)), x)
        return [dense_layers(b, network.recurrent, flat)]
    states = []
    for layer, prefix in layers_of(network.recurrent):
        y = b.add(prefix, ops.Scan(**cell_attributes(layer, prefix), emit="state"), x)
        states.append(b.add(f"{prefix}.last", ops.Final(), y))
        x = hidden_of(b, layer, y)
    return states


def _decoder_inputs(b: Builder, network: "SegmentNetwork", *read: str) -> str:
    """What the decoder is told of each segment to answer, (C, M, d). `read`: values, anchor, mean, scale."""
    values, anchor, mean, scale = read
    shape, w, d, sizes = network.shape, network.segment, network.hidden, network.inputs.sizes
    C, M = shape.targets, network.answered_segments
    parts = [b.add("channels_told", ops.Reshape((C, 1, d - d // 2)), b.constant("channel"))]
    parts = [b.add("channel_each", ops.Repeat((C, M, d - d // 2)), parts[0])]
    if d // 2:
        parts.insert(0, b.add("position_each", ops.Repeat((C, M, d // 2)), b.constant("position")))
    total = b.concat("places", parts)
    if network.decode_known is not None:
        known = b.concat("ahead", _features(b, network.inputs, "known", ahead=True))
        segments = _cut(b, "ahead_segments", known, (shape.horizon, sizes["known"]), w, at_end=True)
        total = b.sum("with_known", total, b.dense("decode_known", segments))
    if network.decode_static is not None:
        static = b.concat("static_features", _features(b, network.inputs, "static"))
        total = b.sum("with_static", total, b.dense("decode_static", static))
    if network.decode_level is not None:
        level = b.add("level", ops.Scale(), anchor, mean, scale)
        both = [level, b.add("spread", ops.Spread(), values)]
        both = [b.add(f"{value}_column", ops.Reshape((C, 1)), value) for value in both]
        told = b.dense("decode_level", b.concat("levels", both))
        total = b.sum("with_level", total, b.add("level_each", ops.Reshape((C, 1, d)), told))
    return total


def _highway(b: Builder, network: "SegmentNetwork", values: str) -> str:
    """The last values of each column straight to its answers, (C, H, 1)."""
    shape, steps = network.shape, network.highway_steps
    last = b.add("highway_columns", ops.Transpose((1, 0)), values)  # (C, T)
    last = b.add("highway_steps", ops.Slice(shape.history - steps, shape.history), last)
    last = b.add("highway_filled", ops.Mask(channels=False), last)
    told = b.dense("highway", last, bias=False)  # (C, H)
    return b.add("highway_each", ops.Reshape((shape.targets, shape.horizon, 1)), told)


def _decode_segments(b: Builder, network: "SegmentNetwork", x: str, states: list[str]) -> str:
    """One step per answered segment, each from the state after the window, (C, M, d)."""
    C, M = network.shape.targets, network.answered_segments
    if isinstance(network.recurrent, FeedForward):
        start = b.add("start", ops.Reshape((C, 1, network.hidden)), states[0])
        start = b.add("starts", ops.Repeat((C, M, network.hidden)), start)
        return b.add(
            "going_on", ops.Activation("relu"), b.dense("recurrent.go_on", b.concat("both", [start, x]))
        )
    for (layer, prefix), state in zip(layers_of(network.recurrent), states, strict=True):
        width = network.hidden * (2 if layer.cell.kind == "lstm" else 1)
        start = b.add(f"{prefix}.start", ops.Reshape((C, 1, width)), state)
        start = b.add(f"{prefix}.starts", ops.Repeat((C, M, width)), start)
        x = hidden_of(
            b, layer, b.add(f"{prefix}.decode", ops.Step(**cell_attributes(layer, prefix)), x, start)
        )
    return x


def _raw_units(b: Builder, network: Any, quantiles: str, anchor: str, scale: str) -> str:
    """Offsets, then back from the anchor and in raw units, (H, C, Q)."""
    column = ops.Reshape((network.shape.targets, 1))
    offsets = ops.Conformal("offsets.values", network.offsets.base)
    calibrated = b.add("calibrated", offsets, quantiles)
    columns = [b.add("anchor_column", column, anchor), b.add("scale_column", column, scale)]
    return b.add("in_raw_units", ops.Unscale(), calibrated, *columns)


def _over_paths(b: Builder, network: "RecursiveNetwork", path: str, scale: str) -> str:
    """The quantiles over sample paths in raw units, with their offsets, (H, C, Q)."""
    by_path = b.add("by_path", ops.Transpose((1, 0, 2)), path)
    quantiles = b.add("over_paths", ops.PathQuantiles(network.shape.quantiles), by_path)
    spread = b.add("scale_column", ops.Reshape((network.shape.targets, 1)), scale)
    offsets = ops.Conformal("offsets.values", network.offsets.base)
    return b.add("calibrated", offsets, quantiles, spread)


def _for_each_path(b: Builder, value: str, shape: tuple[int, ...]) -> str:
    return b.add(f"{value}_paths", ops.Repeat(shape), value)


def _path_body(network: "RecursiveNetwork", paths: int, least_spread: float, names: list[str]) -> Graph:
    """One step of all sample paths: distribution, draw, state."""
    shape, C, b = network.shape, network.shape.targets, Builder()
    widths = {"known": network.inputs.sizes["known"], "static": network.inputs.sizes["static"]}
    for name in names:
        width = network.hidden * (2 if network.cell == "lstm" else 1) if name.startswith("state_") else C
        fixed = name in ("mean", "scale", *widths)
        b.input(name, (widths.get(name, C),) if fixed else (paths, width))
    parts = [_filled_target(b, "previous", "mean", "scale", shape.masked_target)]
    for name in widths:
        if name in names:
            parts.append(_for_each_path(b, name, (paths, widths[name])))
    x, outputs = b.concat("features", parts), {}
    for number, (layer, prefix) in enumerate(layers_of(network.recurrent)):
        state = b.add(prefix, ops.Step(**cell_attributes(layer, prefix)), x, f"state_{number}")
        outputs[f"state_{number}"] = state
        x = hidden_of(b, layer, state)
    told = b.dense("head", x)  # (paths, 2 * C)
    centre = b.add("centre", ops.Slice(0, C), told)
    spread = b.add("spread_raw", ops.Activation("softplus"), b.add("spread_told", ops.Slice(C, 2 * C), told))
    least = b.add("least_spread", ops.Fill(least_spread), "draws")
    drawn = b.add("drawn", ops.Combine("multiply"), b.sum("spread", spread, least), "draws")
    row = b.add("row", ops.Unscale(), b.sum("sample", centre, drawn), "anchor", "scale")
    outputs |= {"previous": row, "anchor": row, "result": row}
    return Graph(tuple(b.inputs), tuple(b.nodes), outputs)
