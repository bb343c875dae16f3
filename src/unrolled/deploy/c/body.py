"""The body of a step function in the making: values, the lines that make them, the memory they lie in.

A value is a C pointer: to a constant table, into the state, or into the work memory. A value that is another
one seen differently (`reshape`, a slice of whole blocks) is the same memory under a second name.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from unrolled.deploy.c.cells import CellFunction
from unrolled.deploy.c.memory import Buffer, Memory
from unrolled.deploy.c.parts import part_names
from unrolled.deploy.c.tables import Tables
from unrolled.deploy.names import identifiers
from unrolled.runtime.graph import Graph, Node
from unrolled.runtime.operations.base import Arrays, Spec

# what generated code calls its own, besides the names of the parts
OWN = frozenset(
    "state row ahead answer work rows quantised step series i j k l m n s tail centre philox square_root "
    "days_before_year days_before_month time_features next_stamp word32".split()
)


@dataclass
class Place:
    """Where a value lies; `left` counts the uses that are still to come of all values that lie there."""

    buffer: Buffer | None = None
    left: int = 0


@dataclass(frozen=True)
class Value:
    """A value of the graph: its name in C, its shape, where it lies, the C type of its elements."""

    name: str
    spec: Spec
    place: Place
    kind: str = "float"
    writable: str = ""  # the same place as C that may be written to


@dataclass
class Source:
    """What a whole source collects: constants, cell functions, parts, members of the state, identifiers."""

    weights: Arrays
    tables: Tables = field(init=False)
    cells: dict[tuple, CellFunction] = field(default_factory=dict)
    parts: set[str] = field(default_factory=set)
    functions: dict[str, tuple[str, ...]] = field(default_factory=dict)
    members: list[tuple[str, str, int, str]] = field(default_factory=list)  # type, name, count, words
    memory: Memory = field(default_factory=Memory)
    taken: set[str] = field(default_factory=set)
    quantised: int = 0  # bytes of scratch for vectors in int8

    def __post_init__(self) -> None:
        self.taken |= OWN | part_names()
        self.tables = Tables(self.taken)

    def name(self, text: str) -> str:
        """An identifier that nothing else has."""
        found = identifiers([text], self.taken)[0]
        self.taken.add(found)
        return found

    def member(self, kind: str, text: str, count: int, words: str) -> str:
        """A new member of the state; as C that reaches it."""
        name = self.name(text)
        self.members.append((kind, name, count, words))
        return f"state->{name}"


class Body:
    """The lines of one graph, in running order."""

    def __init__(
        self,
        source: Source,
        graph: Graph,
        specs: Mapping[str, Spec],
        remember: Iterable[str] = (),
        indent: int = 1,
    ) -> None:
        self.source, self.graph, self.specs, self.indent = source, graph, specs, indent
        self.nodes = _needed(graph, set(remember))
        self.lines: list[str] = []
        self.values: dict[str, Value] = {}
        self.rings: dict[str, tuple[str, str]] = {}  # a window's rows and the place of the next
        used = [name for node in self.nodes for name in node.inputs]
        self.uses = Counter([*used, *graph.outputs.values()])

    def say(self, lines: Iterable[str] | str) -> None:
        """Add lines at the present depth."""
        for line in [lines] if isinstance(lines, str) else lines:
            self.lines.append(f"{'    ' * self.indent}{line}" if line else "")

    def call(self, part: str, *arguments: object) -> None:
        """A call of a part."""
        self.source.parts.add(part)
        self.say(f"{part}({', '.join(map(str, arguments))});")

    def read(self, name: str) -> Value:
        """A value that a node reads now."""
        value = self.values[name]
        value.place.left -= 1
        if value.place.buffer is not None:
            value.place.buffer.dies = max(value.place.buffer.dies, self.source.memory.now)
        return value

    def make(self, name: str, spec: Spec, over: Sequence[Value] = (), reads: Sequence[Value] = ()) -> Value:
        """A new value in the work memory; in the place of one of `over`, if it may lie there.

        It may where that has the same shape, is read here for the last time, and is no part of another of
        `reads`, the inputs; without them `over` are all.
        """
        own = self.source.name(name)
        places = [id(value.place) for value in reads or over]
        for value in over:
            free = value.place.buffer is not None and value.place.left == 0
            if free and value.spec == spec and places.count(id(value.place)) == 1:
                place, pointer = value.place, value.writable
                break
        else:
            place, pointer = Place(self.source.memory.take(own, spec.size)), f"work + @{own}@"
        self.say(f"float *const {own} = {pointer}; /* {shown(spec.shape)} */")
        return self._keep(name, Value(own, spec, place, writable=own))

    def scratch(self, name: str, size: int) -> str:
        """Some floats that only this node needs; as C."""
        own = self.source.name(name)
        self.source.memory.take(own, size)
        return f"work + @{own}@"

    def see(self, name: str, spec: Spec, pointer: str, kind: str = "float") -> Value:
        """A value that lies in the state or the row."""
        own = self.source.name(name)
        self.say(f"const {kind} *const {own} = {pointer}; /* {shown(spec.shape)} */")
        return self._keep(name, Value(own, spec, Place(), kind))

    def alias(self, name: str, spec: Spec, of: Value, offset: str = "") -> Value:
        """A value that lies where another one lies."""
        own = self.source.name(name)
        self.say(f"const {of.kind} *const {own} = {of.name}{offset}; /* {shown(spec.shape)} */")
        return self._keep(name, Value(own, spec, of.place, of.kind, f"{of.writable}{offset}"))

    def hold(self, name: str, value: Value) -> None:
        """Know a value under the name of a node or an input."""
        self._keep(name, value)

    def _keep(self, name: str, value: Value) -> Value:
        value.place.left += self.uses[name]
        if value.place.buffer is not None:
            value.place.buffer.dies = max(value.place.buffer.dies, self.source.memory.now)
        self.values[name] = value
        return value


def state_of(body: Body, node: Node, own: str, count: int) -> str:
    """A new member of the state that a node keeps from row to row; as C."""
    return body.source.member("float", f"{node.name}_{own}", count, f"{node.name}: {own}")


def _needed(graph: Graph, remember: set[str]) -> list[Node]:
    """The nodes that an output or a memory needs."""
    wanted, kept = set(graph.outputs.values()), []
    for node in reversed(graph.nodes):
        if node.name in wanted or node.name in remember:
            wanted.update(node.inputs)
            kept.append(node)
    return kept[::-1]


def shown(shape: Sequence[int]) -> str:
    """A shape as people write it."""
    return "one number" if not shape else f"({', '.join(map(str, shape))})"
