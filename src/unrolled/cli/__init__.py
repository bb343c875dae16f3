"""The command line: `unrolled ...`."""
