"""`python -m benchmarks.language [ROW ...]`: the rows of the table; each named one is measured, in order."""

import importlib
import sys
from pathlib import Path

ROWS = ("sentiment", "tagging", "tagging_speed", "lm", "lm_speed", "masked", "translation", "pronunciation")


def main(names: list[str]) -> None:
    """List the rows, or measure those that are named; "all" is every one, which takes hours."""
    if unknown := set(names) - {*ROWS, "all"}:
        raise SystemExit(f"{', '.join(sorted(unknown))}: expected rows among {', '.join(ROWS)}, or all.")
    for name in ROWS if "all" in names else names:
        sys.argv = [name]
        print(name, flush=True)
        importlib.import_module(f"benchmarks.language.{name}").main()
    if not names:
        for name in ROWS:
            first = (Path(__file__).parent / f"{name}.py").read_text(encoding="utf-8").split('"""')[1]
            print(f"python -m benchmarks.language {name:<14} {first.splitlines()[0]}")


if __name__ == "__main__":
    main(sys.argv[1:])
