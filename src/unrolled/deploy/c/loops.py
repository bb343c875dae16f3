"""Nested loops over strided arrays, as few of them as the strides allow."""

from collections.abc import Mapping, Sequence

LETTERS = "ijklmn"


def row_major(shape: Sequence[int]) -> tuple[int, ...]:
    """The strides of an array whose last axis is fastest, in elements.

    Example:
        >>> row_major((2, 3, 4))
        (12, 4, 1)
    """
    strides, step = [], 1
    for size in reversed(shape):
        strides.append(step)
        step *= size
    return tuple(reversed(strides))


def spread_over(shape: Sequence[int], larger: Sequence[int]) -> tuple[int, ...]:
    """The strides with which an array is read as if it had a larger shape, aligned at the last axis.

    Example:
        >>> spread_over((3, 1), (2, 3, 4))
        (0, 1, 0)
    """
    own = (0,) * (len(larger) - len(shape)) + row_major(shape)
    sizes = (1,) * (len(larger) - len(shape)) + tuple(shape)
    return tuple(0 if size == 1 else stride for size, stride in zip(sizes, own, strict=True))


def loops(shape: Sequence[int], strides: Mapping[str, Sequence[int]], line: str) -> list[str]:
    r"""C lines that run `line` for every element of `shape`; `{name}` in it becomes the index of that array.

    Example:
        >>> print("\n".join(loops((2, 3), {"y": (3, 1), "x": (0, 1)}, "y[{y}] = x[{x}];")))
        for (int i = 0; i < 2; ++i)
            for (int j = 0; j < 3; ++j)
                y[i * 3 + j] = x[j];
        >>> print("\n".join(loops((2, 3), {"y": (3, 1)}, "y[{y}] = 0.0f;")))
        for (int i = 0; i < 6; ++i)
            y[i] = 0.0f;
    """
    axes = _merged(shape, strides)
    lines = [
        f"{'    ' * depth}for (int {LETTERS[depth]} = 0; {LETTERS[depth]} < {size}; ++{LETTERS[depth]})"
        for depth, (size, _) in enumerate(axes)
    ]
    index = {name: _index([own[name] for _, own in axes]) for name in strides}
    return [*lines, "    " * len(axes) + line.format(**index)]


def _merged(shape: Sequence[int], strides: Mapping[str, Sequence[int]]) -> list[tuple[int, dict[str, int]]]:
    """Axes as (size, stride of each array); neighbours that run through alike are one."""
    axes: list[tuple[int, dict[str, int]]] = []
    for place, size in enumerate(shape):
        if size == 1:
            continue
        own = {name: listed[place] for name, listed in strides.items()}
        if axes and all(before == own[name] * size for name, before in axes[-1][1].items()):
            axes[-1] = (axes[-1][0] * size, own)
        else:
            axes.append((size, own))
    return axes


def _index(strides: Sequence[int]) -> str:
    terms = [
        LETTERS[depth] if stride == 1 else f"{LETTERS[depth]} * {stride}"
        for depth, stride in enumerate(strides)
        if stride
    ]
    return " + ".join(terms) or "0"
