"""The recurrent operations as C: a cell's function called over rows, over the steps of a window, once."""

from typing import Any

from unrolled.deploy.c.body import Body, Value, state_of
from unrolled.deploy.c.cells import CellWriter, same_cell
from unrolled.runtime import Node


def cell_call(body: Body, node: Node) -> tuple[str, str]:
    """The function of a node's cell, and the scratch that it is called with."""
    op, source = node.operation, body.source
    key = same_cell(op)
    if key not in source.cells:
        prefix = op.weight_ih.removesuffix(".weight_ih")  # type: ignore[attr-defined]
        source.cells[key] = CellWriter(
            source.name(f"{prefix}_step"), op, source.weights, source.tables
        ).write()
        source.parts |= source.cells[key].parts
    function = source.cells[key]
    source.quantised = max(source.quantised, function.bytes)
    scratch = body.scratch(f"{node.name}_sums", function.floats)
    return function.name, scratch + (", state->quantised" if function.bytes else "")


def _sizes(body: Body, node: Node) -> tuple[int, int, int]:
    """Inputs, units, states of a cell."""
    op: Any = node.operation
    hidden, inputs = body.source.weights[op.weight_hh].shape[1], body.source.weights[op.weight_ih].shape[1]
    return inputs, hidden, 2 if op.cell == "lstm" else 1


def write_recurrent(body: Body, node: Node, inputs: list[Value]) -> None:
    """A cell over the rows: its state stays in the state."""
    op: Any = node.operation
    width, H, states = _sizes(body, node)
    vectors = inputs[0].spec.size // width
    spec = body.specs[node.name]
    own = [state_of(body, node, name, vectors * H) for name in ("h", "c")[:states]]
    if len(inputs) == 2:
        _start(body, node, own, inputs[1], H)
    function, scratch = cell_call(body, node)
    at = [*(_at(pointer, vectors, H) for pointer in own), _at(inputs[0].name, vectors, width)]
    body.say([*_each(vectors), f"{_in(vectors)}{function}({', '.join(at)}, {scratch});"])
    if op.emit == "h" or states == 1:
        body.see(node.name, spec, own[0])
        return
    y = body.make(node.name, spec)
    body.source.parts.add("copy")
    for place, pointer in enumerate(own):
        target = f"{y.name} + {place * H}" if place else y.name
        line = f"copy({_at(target, vectors, 2 * H)}, {_at(pointer, vectors, H)}, {H});"
        body.say([*_each(vectors), _in(vectors) + line])


def _start(body: Body, node: Node, own: list[str], start: Value, H: int) -> None:
    """At the first row the state is taken from a value, h and then c of each vector."""
    started = state_of(body, node, "started", 1)
    full = len(own) * H
    vectors = start.spec.size // full
    body.source.parts.add("copy")
    body.say(f"for (int i = 0; i < {vectors} && *{started} == 0.0f; ++i) {{")
    for place, pointer in enumerate(own):
        offset = f" + {place * H}" if place else ""
        body.say(f"    copy({pointer} + i * {H}, {start.name} + i * {full}{offset}, {H});")
    body.say(["}", f"*{started} = 1.0f;"])


def _each(vectors: int) -> list[str]:
    return [f"for (int i = 0; i < {vectors}; ++i)"] if vectors > 1 else []


def _in(vectors: int) -> str:
    return "    " if vectors > 1 else ""


def _at(pointer: str, vectors: int, width: int) -> str:
    return f"{pointer} + i * {width}" if vectors > 1 else pointer


def write_step(body: Body, node: Node, inputs: list[Value]) -> None:
    """One step from a given state, in the new state's place."""
    width, H, states = _sizes(body, node)
    spec = body.specs[node.name]
    vectors = spec.size // (states * H)
    y = body.make(node.name, spec, over=inputs[1:], reads=inputs)
    if y.place is not inputs[1].place:
        body.call("copy", y.name, inputs[1].name, spec.size)
    function, scratch = cell_call(body, node)
    at = [_at(y.name, vectors, states * H)]
    if states == 2:
        at.append(_at(f"{y.name} + {H}", vectors, 2 * H))
    at.append(_at(inputs[0].name, vectors, width))
    body.say([*_each(vectors), f"{_in(vectors)}{function}({', '.join(at)}, {scratch});"])


def write_scan(body: Body, node: Node, inputs: list[Value]) -> None:
    """A cell over the steps of a window, which starts anew at each row."""
    op: Any = node.operation
    width, H, states = _sizes(body, node)
    steps = inputs[0].spec.shape[-2]
    vectors, full = inputs[0].spec.size // (steps * width), states * H
    spec = body.specs[node.name]
    y = body.make(node.name, spec)
    now = body.scratch(f"{node.name}_state", full)
    function, scratch = cell_call(body, node)
    out = spec.shape[-1]
    body.source.parts |= {"copy", "zeros"}
    start = (
        f"copy({now}, {inputs[1].name} + i * {full}, {full});"
        if len(inputs) == 2
        else f"zeros({now}, {full});"
    )
    order = "s = 0; s < {0}; ++s" if op.direction == "forward" else "s = {0}; s-- > 0;"
    state = [now, *[f"{now} + {H}"][: states - 1]]
    x = f"{inputs[0].name} + (i * {steps} + s) * {width}"
    body.say(
        [
            f"for (int i = 0; i < {vectors}; ++i) {{",
            f"    {start}",
            f"    for (int {order.format(steps)}) {{",
            f"        {function}({', '.join(state)}, {x}, {scratch});",
            f"        copy({y.name} + (i * {steps} + s) * {out}, {now}, {out});",
            "    }",
            "}",
        ]
    )
