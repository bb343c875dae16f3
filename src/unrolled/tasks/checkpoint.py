"""Where a task's training is kept: a checkpoint that knows what is trained on what."""

import hashlib
from collections.abc import Iterable, Mapping
from os import PathLike
from pathlib import Path
from typing import Any

from unrolled.models import Network
from unrolled.training import Checkpoint


def checkpoint_of(
    path: str | PathLike[str] | None, network: Network, told: Mapping[str, Any], data: Iterable[bytes]
) -> Checkpoint | None:
    """A checkpoint whose fingerprint is the network, what else is told, and a digest of the data.

    Returns: None without a path; `data` is not read then.
    """
    if path is None:
        return None
    digest = hashlib.blake2b(digest_size=16)
    for part in data:
        digest.update(part)
    fingerprint = {"network": network.configuration, **told, "data": digest.hexdigest()}
    return Checkpoint(Path(path), fingerprint=fingerprint)
