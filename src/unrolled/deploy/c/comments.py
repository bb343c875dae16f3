"""Texts of a user inside comments of C."""


def comment(text: str) -> str:
    r"""A text that can neither end a comment nor leave ASCII.

    Example:
        >>> comment("50 */ °C??/")
        '50 * / \\xb0C? ?/'
    """
    plain = text.encode("ascii", "backslashreplace").decode()
    for mark, apart in (("*/", "* /"), ("/*", "/ *"), ("??", "? ?"), ("\n", " "), ("\r", " ")):
        plain = plain.replace(mark, apart)
    return plain
