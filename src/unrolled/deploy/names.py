"""Names of columns and words as identifiers of C and JavaScript."""

import re
import unicodedata
from collections.abc import Iterable

# words of C99 and of JavaScript
RESERVED = frozenset(
    "auto break case char const continue default do double else enum extern float for goto if inline int "
    "long register restrict return short signed sizeof static struct switch typedef union unsigned void "
    "volatile while asm near far main true false bool errno stdin stdout stderr class function var let new "
    "delete in this typeof import export null with yield await".split()
)


def identifier(text: str) -> str:
    """A text as a lower-case identifier of C; accents go, other characters become underscores.

    Example:
        >>> identifier("Temp. max (°C)"), identifier("2nd"), identifier("for"), identifier("größe")
        ('temp_max_c', 'n2nd', 'for_', 'grosse')
    """
    plain = unicodedata.normalize("NFKD", text.replace("ß", "ss").replace("ø", "o").replace("æ", "ae"))
    plain = plain.encode("ascii", "ignore").decode().lower()
    words = re.sub(r"[^a-z0-9]+", "_", plain).strip("_")
    if not words:
        words = "unnamed"
    if words[0].isdigit():
        words = f"n{words}"
    return f"{words}_" if words in RESERVED else words


def identifiers(texts: Iterable[str], taken: Iterable[str] = ()) -> list[str]:
    """An identifier for each text, no two alike: one that is taken gets a number.

    Example:
        >>> identifiers(["Wind", "wind!", "WIND", "rows"], taken=["rows"])
        ['wind', 'wind_2', 'wind_3', 'rows_2']
    """
    used, found = set(taken), []
    for text in texts:
        base = identifier(text)
        numbered = (f"{base.rstrip('_')}_{number}" for number in range(2, 1_000_000))
        unique = base if base not in used else next(other for other in numbered if other not in used)
        used.add(unique)
        found.append(unique)
    return found
