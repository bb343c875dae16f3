"""The self-test: golden rows through `step` on the device itself, and a driver that replays rows."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from unrolled.deploy.c.interface import Field, Interface
from unrolled.deploy.c.tables import as_float, filled
from unrolled.deploy.parity import Replay, training_spread

Array = NDArray
GOLDEN = 8  # answers that are compared


def golden_rows(one: Replay) -> int:
    """How many rows of a replay the self-test holds."""
    return min(len(one.rows), one.program.history - 1 + GOLDEN)


def selftest_text(interface: Interface, one: Replay) -> str:
    """A program that steps through golden rows and ends with 0 if every answer is within the bound."""
    prefix, upper = interface.prefix, interface.upper
    rows = golden_rows(one)
    answers = one.answers[interface.program.history - 1 : rows]
    spread = np.broadcast_to(training_spread(one), answers.shape[1:])
    size = int(answers[0].size)
    ahead = _ahead_table(interface, one, rows)
    argument = "golden_ahead + row + 1, " if interface.ahead else ""
    series = f", {one.series}" if interface.has_series else ""
    count = len(answers)
    first = "[0]" * len(interface.answer_shape)
    return f"""/* The self-test of {prefix}: golden rows, and what the stream of the trained model answers.
   Ends with 0 if every answer is within 1e-5 of it, relative to the answer or to the target's deviation
   in training. */

#include "{prefix}.h"

#include <math.h>
#include <stdio.h>

static const {prefix}_row golden_rows[{rows}] = {{
{_rows(interface.row, one.rows[:rows])}
}};
{ahead}
static const float golden_answers[{count} * {size}] = {{
{_numbers(answers)}
}};

static const float golden_spread[{size}] = {{
{_numbers(spread)}
}};

static {prefix}_state state;
static {prefix}_answer answer;

int main(void)
{{
    const float *const got = &answer{first};
    float largest = 0.0f;
    int row, i, answers = 0;
    {prefix}_init(&state{series});
    for (row = 0; row < {rows}; ++row) {{
        const int status = {prefix}_step(&state, &golden_rows[row], {argument}answer);
        if (status != (row + 1 < {upper}_HISTORY ? {upper}_WAIT : {upper}_ANSWER)) {{
            printf("{prefix}: row %d: status %d\\n", row + 1, status);
            return 1;
        }}
        for (i = 0; status == {upper}_ANSWER && i < {size}; ++i) {{
            const float wanted = golden_answers[answers * {size} + i];
            const float size = fabsf(wanted) > golden_spread[i] ? fabsf(wanted) : golden_spread[i];
            const float share = fabsf(got[i] - wanted) / size;
            if (!(share <= largest))
                largest = share;
        }}
        answers += status;
    }}
    printf("{prefix}: %d answers, largest difference %.3g of the answer's size: %s\\n", answers,
           (double)largest, largest <= 1e-5f ? "passed" : "FAILED");
    return largest <= 1e-5f ? 0 : 1;
}}
"""


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
    prefix, upper = interface.prefix, interface.upper
    size = int(np.prod(interface.answer_shape))
    first = "[0]" * len(interface.answer_shape)
    series = ", (int32_t)head[0]" if interface.has_series else ""
    return f"""#include "{prefix}.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static {prefix}_state state;
static {prefix}_answer answer;

int main(void)
{{
    double head[2], *rows, *known;
    long count, row;
    size_t total;
    int i;
    if (fread(head, sizeof *head, 2, stdin) != 2)
        return 2;
    count = (long)head[1];
    rows = malloc((size_t)count * {len(interface.row)} * sizeof *rows);
    total = (size_t)(count + {interface.program.horizon}) * {len(interface.ahead)};
    known = malloc((total + 1) * sizeof *known);
    if (!rows || !known)
        return 2;
    if (fread(rows, sizeof *rows * {len(interface.row)}, (size_t)count, stdin) != (size_t)count)
        return 2;
    if (fread(known, sizeof *known, total, stdin) != total)
        return 2;
    {prefix}_init(&state{series});
    for (row = 0; row < count; ++row) {{
        const double *const given = rows + row * {len(interface.row)};
        {prefix}_row one;
{_driver_ahead(interface)}
        float *const out = &answer{first};
{_assign("one", "given", interface.row)}
        for (i = 0; i < {size}; ++i)
            out[i] = NAN;
        {prefix}_step(&state, &one, {"ahead, " if interface.ahead else ""}answer);
        fwrite(out, sizeof *out, {size}, stdout);
    }}
    (void){upper}_HISTORY;
    return 0;
}}
"""


def _driver_ahead(interface: Interface) -> str:
    if not interface.ahead:
        return ""
    width = len(interface.ahead)
    lines = [
        f"        {interface.prefix}_ahead ahead[{interface.program.horizon}];",
        f"        for (i = 0; i < {interface.program.horizon}; ++i) {{",
        f"            const double *const next = known + (row + 1 + i) * {width};",
        _assign("ahead[i]", "next", interface.ahead, 12),
        "        }",
    ]
    return "\n".join(lines)


def _assign(target: str, source: str, fields: Sequence[Field], indent: int = 8) -> str:
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
