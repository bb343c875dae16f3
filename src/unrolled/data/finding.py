"""What a check of the data has found."""

from dataclasses import dataclass

SEVERITIES = ("error", "warning", "note")


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong, or worth to know, in the data.

    `row` is the first row of the source it was seen in, counted from 1, the header not counted.

    Example:
        >>> print(Finding("missing", "warning", "3 missing values among 9.", "Nothing to do.", "y", row=4))
        warning: y, row 4: 3 missing values among 9. Nothing to do.
    """

    kind: str
    severity: str
    detail: str
    cure: str = ""
    column: str | None = None
    series: str | None = None
    row: int | None = None

    def __str__(self) -> str:
        series = f"series {self.series!r}" if self.series else ""
        row = f"row {self.row}" if self.row is not None else ""
        where = ", ".join(part for part in (self.column or "", series, row) if part)
        return f"{self.severity}: {where + ': ' if where else ''}{self.detail} {self.cure}".rstrip()
