"""How training shows its progress on the command line."""

import sys
from typing import Any


def reporter(as_json: bool) -> Any:
    """A bar or a line an epoch on standard error; beside JSON only where a person looks on."""
    from unrolled.training import SilentReporter, default_reporter

    return SilentReporter() if as_json and not sys.stderr.isatty() else default_reporter()
