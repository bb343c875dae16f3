"""Programs that measure. Each prints a table: `python -m benchmarks.NAME`."""
