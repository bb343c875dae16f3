"""`python -m benchmarks`: what there is to measure."""

from pathlib import Path

if __name__ == "__main__":
    for path in sorted(Path(__file__).parent.iterdir()):
        if (path / "__main__.py").exists():
            text = (path / "__init__.py").read_text(encoding="utf-8").strip('"\n').splitlines()[0]
            print(f"python -m benchmarks.{path.name:<12} {text}")
