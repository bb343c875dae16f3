"""What a user of the generated C sees: rows and futures as structs, words as enums, errors as numbers."""

from dataclasses import dataclass
from functools import cached_property

from unrolled.deploy.names import identifier, identifiers
from unrolled.runtime import Column, Program
from unrolled.runtime.rows import RowReader

# what the header defines besides, without its prefix
OWN = (
    "h answer wait history horizon targets levels scores ram flash_constants flash_code_cortex_m4 "
    "flash_code_cortex_m7".split()
)
MOST_WORDS = 1000


@dataclass(frozen=True)
class Field:
    """A member of the row or of the future: its column (None for the stamp), its names, its error."""

    name: str
    title: str
    column: Column | None
    error: int
    constant: str  # of the error

    @property
    def kind(self) -> str:
        """Its type in C."""
        if self.column is None:
            return "int64_t"
        return "int32_t" if self.column.is_text else "float"

    @property
    def words(self) -> str:
        """What it holds, for a comment."""
        if self.column is None:
            return f"{self.title}: microseconds since 1970-01-01"
        if self.column.is_text:
            return f"{self.title}: a code, 0 = unknown or missing"
        return f"{self.title}: {'NAN = missing' if self.column.missing else 'a number'}"


class Interface:
    """The names of one export. `prefix` is the identifier that all public names begin with."""

    def __init__(self, program: Program, prefix: str) -> None:
        reader = RowReader(program)
        self.program, self.prefix, self.upper = program, prefix, prefix.upper()
        titles = [column.name for column in reader.columns] + ([reader.stamp] if reader.stamp else [])
        names = dict(zip(titles, identifiers(titles), strict=True))
        columns = {column.name: column for column in reader.columns}
        interval = program.columns.interval
        ahead = [column.name for column in reader.future_columns]
        self.own_stamps = "future_stamp" in program.inputs and interval is not None
        if "future_stamp" in program.inputs and not self.own_stamps:
            ahead.append(str(reader.stamp))
        self.row = self._fields(titles, names, columns, 1, "BAD")
        self.ahead = self._fields(ahead, names, columns, 1 + len(titles), "BAD_AHEAD")
        self.series = program.columns.series if program.series_count > 1 else ()
        self._taken = set(OWN) | {
            one.constant.removeprefix(f"{self.upper}_").lower() for one in (*self.row, *self.ahead)
        }
        self.has_series = "series" in program.inputs and program.series_count > 1

    def _fields(
        self, titles: list[str], names: dict[str, str], columns: dict[str, Column], first: int, what: str
    ) -> list[Field]:
        return [
            Field(
                names[title],
                title,
                columns.get(title),
                -(first + n),
                f"{self.upper}_{what}_{names[title].upper()}",
            )
            for n, title in enumerate(titles)
        ]

    @property
    def answer_shape(self) -> tuple[int, ...]:
        """The shape of an answer."""
        return self.program.output_shape

    @property
    def first_number(self) -> str:
        """Where the numbers of `answer` begin, in C."""
        return "&answer" + "[0]" * len(self.answer_shape)

    @cached_property
    def enums(self) -> list[tuple[str, list[str], list[str]]]:
        """Of each text column, and of the series, the title, the constants from 0, and the words.

        A vocabulary of thousands has none: its codes are the places of its words, from 1.
        """
        found = []
        for one in self.row:
            if one.column is not None and one.column.words and len(one.column.words) <= MOST_WORDS:
                words = ["unknown or missing", *one.column.words]
                found.append((one.title, self._constants(one.name, ["unknown", *one.column.words]), words))
        if self.has_series and 0 < len(self.series) <= MOST_WORDS:
            found.append(("the series", self._constants("series", list(self.series)), list(self.series)))
        return found

    def _constants(self, name: str, words: list[str]) -> list[str]:
        """Constants that nothing else is called."""
        found = identifiers([f"{name}_{identifier(word).rstrip('_')}" for word in words], self._taken)
        self._taken.update(found)
        return [f"{self.upper}_{one.upper()}" for one in found]

    def init_arguments(self) -> str:
        """The parameters of `init`."""
        return f"{self.prefix}_state *state" + (", int32_t series" if self.has_series else "")

    def step_arguments(self) -> str:
        """The parameters of `step`."""
        given = [f"{self.prefix}_state *state", f"const {self.prefix}_row *row"]
        if self.ahead:
            given.append(f"const {self.prefix}_ahead *ahead")
        return ", ".join([*given, f"{self.prefix}_answer answer"])
