"""Text files: read in their encoding, cut into lines, with errors that name the line.

A line ends at a line feed, with or without a carriage return before it, and nowhere else: Unicode's other
separators occur inside sentences.
"""

import codecs
from glob import glob
from pathlib import Path
from typing import Any

from unrolled.errors import ArgumentError, DataError, explain, nearest

_MARKS = {codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}


def read_text(path: str | Path, encoding: str = "utf-8") -> str:
    r"""The whole text of a file; its line ends become "\n", a byte order mark goes.

    Raises: ArgumentError for a file that is not there or an encoding that is none; DataError naming the line
    of the first byte that is not of the encoding.
    """
    where = Path(path)
    codec = known_encoding(encoding)
    refuse_absent(where)
    raw = where.read_bytes()
    try:
        text = raw.decode("utf-8-sig" if codec == "utf-8" else codec)
    except UnicodeDecodeError as error:
        raise _not_in(where, raw, encoding, error.start) from None
    if "\0" in text:
        got = f"a zero byte in line {text[: text.index(chr(0))].count(chr(10)) + 1}"
        cure = "Is it a text file? Name its encoding, such as encoding='utf-16'."
        raise DataError(explain(str(where), f"text in {encoding}", got, cure))
    return text.replace("\r\n", "\n")


def read_lines(path: str | Path, encoding: str = "utf-8") -> list[str]:
    """The lines of a text file without their ends, empty ones too; none for an empty file."""
    text = read_text(path, encoding)
    lines = text.split("\n")
    return lines[:-1] if not lines[-1] else lines


def known_encoding(encoding: str) -> str:
    """Python's name of an encoding. Raises: ArgumentError for one that there is not."""
    try:
        return codecs.lookup(encoding).name
    except (LookupError, TypeError):
        cure = (
            nearest(str(encoding), ["utf-8", "utf-16", "latin-1", "cp1252"]) or "Try 'latin-1' or 'cp1252'."
        )
        raise ArgumentError(explain("encoding", "a name such as 'utf-8'", repr(encoding), cure)) from None


def refuse_absent(path: Path) -> None:
    """Refuse a path that is no file. Raises: ArgumentError naming the nearest file."""
    if path.is_dir():
        raise ArgumentError(explain(str(path), "a file", "a folder", "Name one file in it."))
    if not path.exists():
        siblings = [p.name for p in path.parent.iterdir()] if path.parent.is_dir() else []
        raise ArgumentError(
            explain(str(path), "a file", "no such file", nearest(path.name, siblings) or "Check the path.")
        )


def read_corpus(source: Any, encoding: str = "utf-8") -> str:
    """Running text from a file, from all files of a folder or a pattern in order of name, or from lines.

    Raises: ArgumentError, DataError; of a text without a single sign too.
    """
    if isinstance(source, str | Path):
        text = "\n".join(read_text(path, encoding).rstrip("\n") for path in text_files(source)) + "\n"
    else:
        text = "".join(f"{line}\n" for line in plain_texts(source, "text"))
    if not text.strip():
        raise DataError(explain(_name(source), "text", "nothing but white space", "Is it the right source?"))
    return text


def text_files(source: str | Path) -> list[Path]:
    """The files that a path, a folder or a pattern such as "plays/*.txt" stands for, in order of name.

    Raises: ArgumentError if there is none.
    """
    where = Path(source)
    if where.is_dir():
        found = [path for path in where.iterdir() if path.is_file() and not path.name.startswith(".")]
    elif not where.exists() and any(sign in str(source) for sign in "*?["):
        found = [Path(path) for path in glob(str(source)) if Path(path).is_file()]
    else:
        refuse_absent(where)
        return [where]
    if not found:
        raise ArgumentError(explain(str(source), "files", "none", "Check the path."))
    return sorted(found)


def plain_texts(texts: Any, name: str) -> list[str]:
    """A list of texts out of a list, an array or a column. Raises: ArgumentError naming what is no text."""
    if isinstance(texts, str) or not hasattr(texts, "__iter__"):
        cure = "One text? Pass it in a list."
        raise ArgumentError(explain(name, "a list of texts", type(texts).__name__, cure))
    listed = list(texts.to_list() if hasattr(texts, "to_list") else texts)
    for place, text in enumerate(listed):
        if not isinstance(text, str):
            raise ArgumentError(explain(f"{name}[{place}]", "a text", repr(text), "Fill it in, or drop it."))
    return listed


def _not_in(path: Path, raw: bytes, encoding: str, start: int) -> DataError:
    line = raw.count(b"\n", 0, start) + 1
    got = f"byte 0x{raw[start]:02x} in line {line}"
    other = next((name for mark, name in _MARKS.items() if raw.startswith(mark)), "latin-1")
    cure = f"Name the file's encoding, such as encoding='{other}'."
    return DataError(explain(str(path), f"text in {encoding}", got, cure))


def _name(source: Any) -> str:
    return str(source) if isinstance(source, str | Path) else "text"
