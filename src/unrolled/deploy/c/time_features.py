"""Time features and stamps as C, by the formulas of `preprocess/time_features.py` and `runtime.Interval`."""

from unrolled.deploy.c.body import Body, Source, Value
from unrolled.preprocess.time_features import PERIODS
from unrolled.runtime import Interval, Node

_OF_DATE = {
    "day of week": ("of_week", "7"),
    "day of year": ("of_year", "365 + leap"),
    "month of year": ("month", "12"),
}


def write_time_features(body: Body, node: Node, inputs: list[Value]) -> None:
    """A sine and a cosine of each phase, for each stamp."""
    phases = node.operation.phases  # type: ignore[attr-defined]
    count, width = inputs[0].spec.size, 2 * len(phases)
    name = _function(body.source, phases)
    y = body.make(node.name, body.specs[node.name])
    if count == 1:
        body.say(f"{name}({y.name}, *{inputs[0].name});")
        return
    body.say(f"for (int i = 0; i < {count}; ++i)")
    body.say(f"    {name}({y.name} + i * {width}, {inputs[0].name}[i]);")


def _function(source: Source, phases: tuple[str, ...]) -> str:
    """The function of these phases."""
    name = "time_features"
    source.parts |= {"wave", "floor_divide"}
    lines = [
        f"/* The sine and the cosine of the {', the '.join(phases)}. */",
        f"static void {name}(float *y, int64_t stamp)",
        "{",
    ]
    of_date = [phase for phase in phases if phase in _OF_DATE]
    if of_date:
        source.parts.add("date")
        lines.append("    const int64_t day = floor_divide(stamp, DAY);")
    if "day of week" in phases:
        lines.append(
            "    const int64_t of_week = (day + 3) - 7 * floor_divide(day + 3, 7); /* Monday is 0 */"
        )
    if {"day of year", "month of year"} & set(phases):
        lines += ["    int64_t year;", "    int month, of_year, leap;"]
        lines.append("    date(day, &year, &month, &of_year, &leap);")
    for place, phase in enumerate(phases):
        if phase in PERIODS:
            period = f"INT64_C({PERIODS[phase]})"
            position = f"stamp - {period} * floor_divide(stamp, {period})"
        else:
            position, period = _OF_DATE[phase]
        lines.append(f"    wave(y + {2 * place}, {position}, {period}); /* {phase} */")
    source.functions[name] = (*lines, "}")
    return name


def write_next_stamp(source: Source, interval: Interval) -> str:
    """The function that gives the stamp some rows after one. Returns: its name."""
    name = "next_stamp"
    size = interval.size
    lines = [
        "/* The stamp `ahead` rows after one. */",
        f"static int64_t {name}(int64_t stamp, int ahead)",
        "{",
    ]
    if interval.unit == "microsecond":
        lines.append(f"    return stamp + ahead * INT64_C({size});")
    else:
        source.parts.add("date")
        lines.append("    int64_t day = floor_divide(stamp, DAY);")
        lines.append("    const int64_t clock = stamp - day * DAY;")
        lines += _months(interval) if interval.unit == "month" else _business_days(size)
    source.functions[name] = (*lines, "}")
    return name


def _months(interval: Interval) -> list[str]:
    return [
        "    int64_t year, months;",
        "    int month, of_year, leap, length, of_month;",
        "    date(day, &year, &month, &of_year, &leap);",
        f"    months = 12 * year + month + ahead * INT64_C({interval.size});",
        "    year = floor_divide(months, 12);",
        "    month = (int)(months - 12 * year);",
        "    leap = days_before_year(year + 1) - days_before_year(year) == 366;",
        "    length = days_before_month(month + 1, leap) - days_before_month(month, leap);",
        f"    of_month = length < {interval.day} ? length : {interval.day};",
        "    day = days_before_year(year) + days_before_month(month, leap) + of_month - 1;",
        "    return day * DAY + clock;",
    ]


def _business_days(size: int) -> list[str]:
    return [
        "    int64_t of_week = (day + 3) - 7 * floor_divide(day + 3, 7);",
        f"    int64_t days = ahead * INT64_C({size});",
        "    if (of_week > 4) { /* a weekend counts as the Friday before */",
        "        day -= of_week - 4;",
        "        of_week = 4;",
        "    }",
        "    day += 7 * (days / 5);",
        "    days %= 5;",
        "    day += of_week + days > 4 ? days + 2 : days;",
        "    return day * DAY + clock;",
    ]
