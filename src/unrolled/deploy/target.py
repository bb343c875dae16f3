"""What a target of an export is.

A target is a function `target(program, replays, folder, name) -> Made`. It writes its files into `folder`
(temporary; they are moved when all is well), named after `name`, a safe identifier. It raises ArgumentError
that names the node, before it writes anything, for an operation that it has no words for. `replays` are there
to make golden vectors of; the caller runs them through `Made.run` and checks the answers.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from unrolled.deploy.parity import Replay, Runner
from unrolled.runtime import Program


@dataclass(frozen=True)
class Made:
    """What a target has written: sizes in bytes by what they are of, and a runner of the artefact itself."""

    sizes: Mapping[str, int]
    run: Runner


Target = Callable[[Program, Sequence[Replay], Path, str], Made]
