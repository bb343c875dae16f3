"""The self-test: golden rows through `step` on the device itself, and a driver that replays rows."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from unrolled.deploy.c.interface import Field, Interface
from unrolled.deploy.c.tables import as_float, filled
from unrolled.deploy.c.template import TEMPLATES, fill
from unrolled.deploy.parity import Replay, training_spread

Array = NDArray
GOLDEN = 8  # answers that are compared


def golden_rows(one: Replay) -> int:
    """How many rows of a replay the self-test holds."""
    return min(len(one.rows), one.program.history - 1 + GOLDEN)


def selftest_text(interface: Interface, one: Replay) -> str:
    """A program that steps through golden rows and ends with 0 if every answer is within the bound."""
    rows = golden_rows(one)
    answers = one.answers[interface.program.history - 1 : rows]
    values = {
        "rows": rows,
        "golden_rows": _rows(interface.row, one.rows[:rows]),
        "golden_ahead": _ahead_table(interface, one, rows),
        "count": len(answers),
        "golden_answers": _numbers(answers),
        "golden_spread": _numbers(np.broadcast_to(training_spread(one), answers.shape[1:])),
        "series": f", {one.series}" if interface.has_series else "",
        "ahead_given": "golden_ahead + row + 1, " if interface.ahead else "",
    }
    return fill(TEMPLATES / "selftest.c", interface, values)


def ahead_values(interface: Interface, one: Replay, count: int) -> Array:
    """The known columns of the rows and of the horizon after them, by the fields of the ahead struct."""
    assert one.future is not None
    titles = [field.title for field in interface.row]
    own = one.rows[:, [titles.index(field.title) for field in interface.ahead]]
    return np.concatenate([own, one.future[:, : len(interface.ahead)]])[: count + interface.program.horizon]


def _ahead_table(interface: Interface, one: Replay, rows: int) -> str:
    if not interface.ahead:
        return ""
    values = ahead_values(interface, one, rows)
    name = f"{interface.prefix}_ahead"
    return f"\nstatic const {name} golden_ahead[{len(values)}] = {{\n{_rows(interface.ahead, values)}\n}};\n"


def _rows(fields: Sequence[Field], values: Array) -> str:
    lines = []
    for row in values:
        cells = [_cell(field, value) for field, value in zip(fields, row, strict=True)]
        lines.append(f"    {{{', '.join(cells)}}},")
    return "\n".join(lines)


def _cell(field: Field, value: float) -> str:
    if field.column is None:
        return f"INT64_C({int(value)})"
    return str(int(value)) if field.column.is_text else as_float(value)


def _numbers(values: Array) -> str:
    return "\n".join(filled([as_float(value) for value in values.reshape(-1)]))


def driver_text(interface: Interface) -> str:
    """A program that reads rows as doubles from standard input and writes answers as floats; no self-test.

    In: the series, the number of rows, the rows, then the known columns of the rows and of the horizon.
    Out: an answer a row; before the first, and where a row is refused, NaN.
    """
    values = {
        "series": ", (int32_t)head[0]" if interface.has_series else "",
        "row": assigned("one", "given", interface.row, 8),
        "ahead": _driver_ahead(interface),
        "ahead_given": "ahead, " if interface.ahead else "",
    }
    return fill(TEMPLATES / "driver.c", interface, values)


def _driver_ahead(interface: Interface) -> str:
    if not interface.ahead:
        return ""
    width = len(interface.ahead)
    lines = [
        f"        {interface.prefix}_ahead ahead[{interface.program.horizon}];",
        f"        for (i = 0; i < {interface.program.horizon}; ++i) {{",
        f"            const double *const next = known + (row + 1 + i) * {width};",
        assigned("ahead[i]", "next", interface.ahead, 12),
        "        }",
    ]
    return "\n".join(lines)


def assigned(target: str, source: str, fields: Sequence[Field], indent: int) -> str:
    """The lines of C that set the members of a struct from doubles, one after the other."""
    return "\n".join(
        f"{' ' * indent}{target}.{field.name} = ({field.kind}){source}[{place}];"
        for place, field in enumerate(fields)
    )


def driver_input(interface: Interface, one: Replay) -> bytes:
    """What the driver reads for a replay."""
    parts = [np.array([one.series, len(one.rows)], np.float64), one.rows]
    if interface.ahead:
        parts.append(ahead_values(interface, one, len(one.rows)))
    return b"".join(np.ascontiguousarray(part, np.float64).tobytes() for part in parts)
