"""SHA-256 over a file that holds its own digest."""

import hashlib
from collections.abc import Iterable

from unrolled.errors import ModelFileError, explain

# Every file has these bytes at 8 and its digest's 64 digits right after them.
PREFIX = b'{"__metadata__":{"sha256":"'
BEGIN = 8 + len(PREFIX)
END = BEGIN + 64
BLANK = b"0" * 64


def digest_of(blocks: Iterable[memoryview]) -> str:
    """The digest of a file given as blocks of bytes, the first of which reaches past the digest's digits."""
    sha = hashlib.sha256()
    rest = iter(blocks)
    first = next(rest)
    sha.update(first[:BEGIN])
    sha.update(BLANK)
    sha.update(first[END:])
    for block in rest:
        sha.update(block)
    return sha.hexdigest()


def verify(blocks: Iterable[memoryview], written: bytes) -> None:
    """Refuse a file whose digest is not the one written in it.

    Raises: ModelFileError.
    """
    found = digest_of(blocks)
    if written != found.encode():
        digits = ascii(written.decode("latin-1"))[1:-1]
        cure = "The file is damaged, incomplete or changed: copy it again."
        raise ModelFileError(explain("sha256", f"{digits[:12]}...", f"{found[:12]}...", cure))
