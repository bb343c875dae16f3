"""The C source, whole."""

from dataclasses import dataclass

from unrolled.deploy.c.body import Body, Source
from unrolled.deploy.c.interface import Field, Interface
from unrolled.deploy.c.operations import WRITERS, write_nodes, write_window_rows
from unrolled.deploy.c.parts import in_order, part
from unrolled.deploy.c.time_features import write_next_stamp
from unrolled.errors import ArgumentError, explain
from unrolled.runtime import Graph, Program
from unrolled.runtime.operations import Window
from unrolled.runtime.program import column_key
from unrolled.runtime.rollout import Rollout

BYTES = {"float": 4, "int32_t": 4, "int8_t": 1, "int64_t": 8, "uint64_t": 8}
ORDER = ("uint64_t", "int64_t", "float", "int32_t", "int8_t")


@dataclass(frozen=True)
class Generated:
    """The texts of an export in C, and what is known of its sizes."""

    interface: Interface
    members: tuple[tuple[str, str, int, str], ...]
    source: str
    constant_bytes: int
    state_bytes: int


def check_expressible(program: Program) -> None:
    """Refuse, by the name of the node, what has no words in C.

    Raises: ArgumentError.
    """
    if program.not_streamable:
        cure = "C answers row by row: train one that is not bidirectional, or export it to onnx."
        raise ArgumentError(explain("program", "one that runs row by row", program.not_streamable, cure))

    def check(graph: Graph) -> None:
        for node in graph.nodes:
            if isinstance(node.operation, Rollout):
                check(node.operation.body)
            if type(node.operation) not in WRITERS:
                known = "an operation that C has words for"
                cure = "Export it to program, or to onnx."
                raise ArgumentError(explain(f"node '{node.name}'", known, f"'{node.operation.kind}'", cure))

    check(program.graph)


def generate(program: Program, prefix: str) -> Generated:
    """Write the C of a Program. Raises: ArgumentError, as `check_expressible`."""
    check_expressible(program)
    interface = Interface(program, prefix)
    source = Source(program.weights)
    remember = [name for name, own in program.resolved.states.items() if own]
    body = Body(source, program.graph, program.resolved.values, remember)
    _write_step(body, interface)
    floats = source.memory.plan()
    places = {f"@{buffer.name}@": str(buffer.offset) for buffer in source.memory.buffers}
    lines = [_placed(line, places) for line in body.lines]
    members = _members(source, interface, floats)
    total = sum(BYTES[kind] * count for kind, _, count, _ in members)
    text = _source_text(interface, source, lines, total)
    return Generated(interface, tuple(members), text, source.tables.nbytes, total)


def _placed(line: str, places: dict[str, str]) -> str:
    if "@" in line:
        for token, offset in places.items():
            line = line.replace(f"work + {token}", f"work + {offset}" if offset != "0" else "work")
    return line


def _members(source: Source, interface: Interface, floats: int) -> list[tuple[str, str, int, str]]:
    """The members of the state, large types first so that there are no gaps; 8 bytes divide the whole."""
    found = [("uint64_t", "rows", 1, "how many have come")]
    if interface.has_series:
        found.append(("int32_t", "series", 1, "whose rows they are"))
    found += source.members
    found.append(("float", "work", max(floats, 1), "scratch of a step: nothing in it is kept"))
    if source.quantised:
        found.append(("int8_t", "quantised", source.quantised, "scratch: a vector in int8"))
    found.sort(key=lambda member: ORDER.index(member[0]))
    short = -sum(BYTES[kind] * count for kind, _, count, _ in found) % 8
    if short:
        found.append(("int8_t", "unused", short, "fills up to a multiple of 8 bytes"))
    return found


def _write_step(body: Body, interface: Interface) -> None:
    """Checks, the part that runs at every row, the part that runs where there is an answer."""
    program, upper = interface.program, interface.upper
    _check_row(body, interface)
    body.say("state->rows += 1;")
    nodes, every = body.nodes, program.every_row
    first = [n for n in nodes if n.name in every or program.resolved.states[n.name]]
    later = [n for n in nodes if n not in first] if program.history > 1 else []
    if program.history == 1:
        first = list(nodes)
    needed = {name for node in first for name in node.inputs}
    _read_inputs(body, interface, [name for name in program.inputs if name in needed])
    _write_all(body, first, program.history == 1, every)
    if program.history > 1:
        body.say(["", f"if (state->rows < {upper}_HISTORY)", f"    return {upper}_WAIT;"])
        body.source.memory.now += 1
        rest = {name for node in later for name in node.inputs} - needed
        _read_inputs(body, interface, [name for name in program.inputs if name in rest])
        for node in first:
            if isinstance(node.operation, Window) and node.name not in every:
                write_window_rows(body, node)
        write_nodes(body, later)
    body.source.memory.now += 1
    answer = body.read(program.graph.outputs[program.output])
    body.say("")
    body.call("copy", interface.first_number, answer.name, answer.spec.size)
    body.say(f"return {upper}_ANSWER;")


def _write_all(body: Body, nodes: list, answers: bool, every: frozenset[str]) -> None:
    """Nodes in order; a window is laid out at once where every row needs it."""
    for node in nodes:
        write_nodes(body, [node])
        if isinstance(node.operation, Window) and (answers or node.name in every):
            write_window_rows(body, node)


def _check_row(body: Body, interface: Interface) -> None:
    """Refuse what cannot be read, before anything is changed."""
    for one in interface.row:
        for condition in _faults(one, f"row->{one.name}"):
            body.say([f"if ({condition})", f"    return {one.constant};"])
            body.source.parts |= {"is_finite"} if "is_finite" in condition else set()
    checks = [(one, c) for one in interface.ahead for c in _faults(one, f"ahead[i].{one.name}")]
    answering = "" if interface.program.history == 1 else f" && state->rows + 1 >= {interface.upper}_HISTORY"
    if interface.ahead and answering:
        body.say([f"if (!ahead{answering})", f"    return {interface.ahead[0].constant};"])
    for one, condition in checks:
        body.source.parts |= {"is_finite"} if "is_finite" in condition else set()
        loop = f"for (int i = 0; i < {interface.upper}_HORIZON{answering}; ++i)"
        body.say([loop, f"    if ({condition})", f"        return {one.constant};"])


def _faults(one: Field, term: str) -> list[str]:
    """The conditions under which a member cannot be read."""
    if one.column is None:
        return []
    if one.column.is_text:
        above = f" || {term} > {len(one.column.words)}" if one.column.words else ""
        return [f"{term} < 0{above}"]
    number = f"!is_finite({term})"
    return [f"{number} && {term} == {term}" if one.column.missing else number]


def _read_inputs(body: Body, interface: Interface, names: list[str]) -> None:
    """The inputs of the graph out of the row and the future."""
    for name in names:
        spec = body.specs[name]
        if name == "series":
            pointer = (
                "&state->series" if interface.has_series else body.source.member("int32_t", "one", 1, "0")
            )
            body.see(name, spec, pointer, kind="int32_t")
        elif name == "stamp":
            stamp = next(one for one in interface.row if one.column is None)
            body.see(name, spec, f"&row->{stamp.name}", kind="int64_t")
        elif name == "future_stamp":
            _read_future_stamps(body, interface)
        elif name == "noise":
            y = body.make(name, spec)
            seed = f"UINT64_C({interface.program.seed})"
            body.call("philox_normal", y.name, seed, "state->rows", spec.size)
        else:
            _read_columns(body, interface, name)


def _read_columns(body: Body, interface: Interface, name: str) -> None:
    """The members of the row, or of each row to come, that an input is made of, side by side."""
    spec = body.specs[name]
    titles = {column.name for column in interface.program.columns.of(column_key(name))}
    future = name.startswith("future_")
    fields = [one for one in (interface.ahead if future else interface.row) if one.title in titles]
    if spec.dtype == "float32":
        y = body.make(name, spec).name
    else:
        y = body.source.member("int32_t", name, spec.size, "scratch")
        body.see(name, spec, y, kind="int32_t")
    if not future:
        body.say([f"{y}[{place}] = row->{one.name};" for place, one in enumerate(fields)])
        return
    body.say(f"for (int i = 0; i < {interface.upper}_HORIZON; ++i) {{")
    width = len(fields)
    for place, one in enumerate(fields):
        at = f"i * {width} + {place}" if width > 1 else "i"
        body.say(f"    {y}[{at}] = ahead[i].{one.name};")
    body.say("}")


def _read_future_stamps(body: Body, interface: Interface) -> None:
    """The stamps of the rows to come: given, or the interval goes on."""
    spec, columns = body.specs["future_stamp"], interface.program.columns
    y = body.source.member("int64_t", "future_stamp", spec.size, "scratch")
    stamp = next(one for one in interface.row if one.column is None)
    if interface.own_stamps:
        assert columns.interval is not None
        value = f"{write_next_stamp(body.source, columns.interval)}(row->{stamp.name}, i + 1)"
    else:
        value = f"ahead[i].{interface.ahead[-1].name}"
    body.say([f"for (int i = 0; i < {interface.upper}_HORIZON; ++i)", f"    {y}[i] = {value};"])
    body.see("future_stamp", spec, y, kind="int64_t")


def _source_text(interface: Interface, source: Source, lines: list[str], state_bytes: int) -> str:
    prefix, upper = interface.prefix, interface.upper
    source.parts.add("copy")
    parts = in_order(source.parts)
    series = "    state->series = series;\n" if interface.has_series else ""
    sections = [
        f'/* Written by unrolled; see {prefix}.h. */\n\n#include "{prefix}.h"\n',
        f"typedef char {prefix}_state_is_as_told[sizeof({prefix}_state) == {upper}_RAM ? 1 : -1];\n",
        "/* ---- Arithmetic ---- */\n",
        *(part(name)[1] for name in parts),
        "/* ---- Weights ---- */\n",
        *("\n".join(table.declare()) + "\n" for table in source.tables.by_key.values()),
        "/* ---- The model ---- */\n",
        *("\n".join(function) + "\n" for function in source.functions.values()),
        *("\n".join(cell.lines) + "\n" for cell in source.cells.values()),
        f"void {prefix}_init({interface.init_arguments()})\n{{\n"
        f"    unsigned char *byte = (unsigned char *)state;\n"
        f"    for (unsigned i = 0; i < {upper}_RAM; ++i)\n        byte[i] = 0;\n{series}}}\n",
        f"int {prefix}_step({interface.step_arguments()})\n{{\n"
        + "    float *const work = state->work;\n"
        + "\n".join(lines)
        + "\n}\n",
    ]
    return "\n".join(sections)
