"""The loop of a decoder as an ONNX Scan over its steps; sample paths draw from `noise`, an input."""

from dataclasses import replace

from unrolled.deploy.onnx_graph import Body, Port
from unrolled.deploy.onnx_operations import EMIT
from unrolled.deploy.onnx_value import Emitter, Value
from unrolled.runtime.graph import resolve
from unrolled.runtime.rollout import Rollout


def rollout(e: Emitter, op: Rollout, inputs: list[Value], shape: tuple[int, ...]) -> Value:
    """A body run `steps` times: carried values go from step to step, `each` gives a slice a step.

    At many rows at once, the rows are taken as more sequences of the batch.
    """
    lead = max(value.lead for value in inputs)
    if lead == 2:
        every = [e.rows(value) for value in inputs]
        folded = [e.unflat(value.name, 1, value.shape) for value in every]
        return e.unflat(rollout(_folded(e, folded[0]), op, folded, shape).name, 2, shape)
    given: dict[str, list[str]] = {"carried": [], "each": []}
    for how, value in zip(op.wiring, inputs, strict=True):
        if how != "fixed":
            given[how].append(e.filled(value, 1, value.shape).name)
    count = len(given["each"])
    attributes = {
        "body": _body(e, op, inputs),
        "num_scan_inputs": count,
        "scan_input_axes": [1] * count,
        "scan_output_axes": [1],
    }
    names = [f"{name}_after" for name in _carried(op)] + ["path"]
    made = e.graph.add_many("Scan", [*given["carried"], *given["each"]], names, attributes)
    return Value(made[-1], 1, shape)


def _carried(op: Rollout) -> list[str]:
    """The inputs of the body that go from step to step."""
    return [entry.name for how, entry in zip(op.wiring, op.body.inputs, strict=True) if how == "carried"]


def _body(e: Emitter, op: Rollout, inputs: list[Value]) -> Body:
    """One step: what is carried and what comes a step are its ports, what is fixed it sees from inside."""
    inner, scope = e.inner(), e.graph.scope
    values: dict[str, Value] = {}
    ports: dict[str, list[Port]] = {"carried": [], "each": []}
    for how, entry, value in zip(op.wiring, op.body.inputs, inputs, strict=True):
        if how == "fixed":
            values[entry.name] = value
            continue
        port = Port(inner.graph.unique(f"{scope}/{entry.name}"), ("batch", *entry.spec.shape))
        ports[how].append(port)
        values[entry.name] = Value(port.name, 1, entry.spec.shape)
    specs = resolve(op.body, e.weights).values
    for node in op.body.nodes:
        inner.graph.scope = f"{scope}/{node.name}"
        reads = [values[name] for name in node.inputs]
        values[node.name] = EMIT[type(node.operation)](inner, node.operation, reads, specs[node.name].shape)
    outputs = [_out(inner, values[op.body.outputs[name]]) for name in (*_carried(op), op.result)]
    return Body(tuple(inner.graph.nodes), (*ports["carried"], *ports["each"]), tuple(outputs))


def _out(inner: Emitter, value: Value) -> Port:
    """An output of the body, each under a name of its own."""
    filled = inner.filled(value, 1, value.shape)
    return Port(inner.graph.add("Identity", filled.name), ("batch", *value.shape))


def _folded(e: Emitter, first: Value) -> Emitter:
    """For rows taken as more sequences: their number is the batch."""
    size = e.graph.add("Shape", first.name, start=0, end=1, name="size")
    return replace(e, batch=size, extent=None)
