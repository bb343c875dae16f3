"""The functions that generated C calls: each a file of `parts/`, taken in only where it is used."""

from collections.abc import Iterable
from functools import cache
from importlib.resources import files

_USES = "/* uses: "


@cache
def part(name: str) -> tuple[tuple[str, ...], str]:
    """The names of the parts that a part uses, and its text."""
    text = (files("unrolled.deploy.c") / "parts" / f"{name}.c").read_text(encoding="ascii")
    if not text.startswith(_USES):
        return (), text
    first, _, rest = text.partition("\n")
    return tuple(first.removeprefix(_USES).removesuffix(" */").split()), rest


@cache
def part_names() -> frozenset[str]:
    """The names of all parts."""
    listed = (files("unrolled.deploy.c") / "parts").iterdir()
    return frozenset(file.name.removesuffix(".c") for file in listed if file.name.endswith(".c"))


def in_order(names: Iterable[str]) -> list[str]:
    """The parts by these names and all that they use, each after what it uses.

    Example:
        >>> in_order(["exp1"])
        ['arithmetic', 'exp_parts', 'exp1']
    """
    found: list[str] = []

    def take(name: str) -> None:
        if name not in found:
            for other in part(name)[0]:
                take(other)
            found.append(name)

    for name in sorted(names):
        take(name)
    return found
