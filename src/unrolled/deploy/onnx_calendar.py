"""Time features out of int64 stamps, by the whole-number formulas of `preprocess/time_features.py`.

ONNX divides whole numbers towards zero; what is divided here is first made a multiple, or is never negative.
"""

import numpy as np

from unrolled.deploy.onnx_value import Emitter, Value
from unrolled.preprocess.time_features import DAY, PERIODS
from unrolled.runtime import operations as ops

FLOAT, DOUBLE = 1, 11  # ONNX's numbers of the types
ERA = 146_097  # days in 400 years
MARCH_0000 = 719_468  # days from 0000-03-01 to 1970-01-01; stamps before that year are not dates


class _Whole:
    """Arithmetic with int64 tensors."""

    def __init__(self, emitter: Emitter) -> None:
        self.emitter = emitter

    def do(self, operator: str, a: str | int, b: str | int) -> str:
        names = [x if isinstance(x, str) else self.emitter.graph.weight(np.int64(x)) for x in (a, b)]
        return self.emitter.graph.add(operator, *names)

    def add(self, a: str | int, b: str | int) -> str:
        return self.do("Add", a, b)

    def sub(self, a: str | int, b: str | int) -> str:
        return self.do("Sub", a, b)

    def mul(self, a: str | int, b: str | int) -> str:
        return self.do("Mul", a, b)

    def div(self, a: str | int, b: str | int) -> str:
        return self.do("Div", a, b)

    def mod(self, a: str, b: int) -> str:
        return self.do("Mod", a, b)

    def linear(self, a: str, times: int, plus: int, over: int) -> str:
        """(a * times + plus) / over."""
        return self.div(self.add(self.mul(a, times), plus), over)


def time_features(e: Emitter, op: ops.TimeFeatures, inputs: list[Value], shape: tuple[int, ...]) -> Value:
    """Sine and cosine of each phase, in float64, rounded once."""
    whole, (stamp,) = _Whole(e), inputs
    waves = []
    day = whole.div(whole.sub(stamp.name, whole.mod(stamp.name, DAY)), DAY)
    for phase in op.phases:
        position, period = _phase(whole, phase, stamp.name, day)
        turn = e.graph.add("Div", _double(e, position), _double(e, period))
        angle = e.graph.add("Mul", turn, e.graph.weight(np.float64(2 * np.pi)))
        waves += [_wave(e, wave, angle) for wave in ("Sin", "Cos")]
    return Value(e.graph.add("Concat", *waves, axis=-1, name="time_features"), stamp.lead, shape)


def _wave(e: Emitter, wave: str, angle: str) -> str:
    """ONNX Runtime has the sine of float64 alone: the cosine is the sine a quarter turn on."""
    if wave == "Cos":
        angle = e.graph.add("Add", angle, e.graph.weight(np.float64(np.pi / 2)))
    value = e.graph.add("Cast", e.graph.add("Sin", angle), to=FLOAT)
    return e.graph.add("Unsqueeze", value, e.numbers(-1))


def _double(e: Emitter, value: str | int) -> str:
    if isinstance(value, int):
        return e.graph.weight(np.float64(value))
    return e.graph.add("Cast", value, to=DOUBLE)


def _phase(whole: _Whole, phase: str, stamp: str, day: str) -> tuple[str, str | int]:
    """Position and period, whole numbers."""
    if phase in PERIODS:
        return whole.mod(stamp, PERIODS[phase]), PERIODS[phase]
    if phase == "day of week":
        return whole.mod(whole.add(day, 3), 7), 7
    year, month = _year_and_month(whole, day)
    if phase == "month of year":
        return whole.sub(month, 1), 12
    start, after = _new_year(whole, year), _new_year(whole, whole.add(year, 1))
    return whole.sub(day, start), whole.sub(after, start)


def _year_and_month(whole: _Whole, day: str) -> tuple[str, str]:
    """The year and the month 1..12 of a day since 1970.

    Years are counted from March, so that the leap day is their last: of the days of a 400-year era, `of_era`,
    the leap days before it are taken out, then 365 days are a year. Months from March on have 30.6 days:
    day 153 of five of them begins the sixth.
    """
    days = whole.add(day, MARCH_0000)
    era = whole.div(days, ERA)
    of_era = whole.sub(days, whole.mul(era, ERA))
    leaps = whole.sub(whole.div(of_era, 1460), whole.div(of_era, 36_524))
    year_of_era = whole.div(whole.sub(whole.sub(of_era, leaps), whole.div(of_era, ERA - 1)), 365)
    before = whole.add(
        whole.mul(year_of_era, 365), whole.sub(whole.div(year_of_era, 4), whole.div(year_of_era, 100))
    )
    since_march = whole.linear(whole.sub(of_era, before), 5, 2, 153)  # 0 = March
    next_year = whole.div(since_march, 10)  # January and February belong to the next one
    month = whole.sub(whole.add(since_march, 3), whole.mul(next_year, 12))
    year = whole.add(whole.add(year_of_era, whole.mul(era, 400)), next_year)
    return year, month


def _new_year(whole: _Whole, year: str) -> str:
    """January 1st as a day since 1970: 365 (y - 1970) + L(y - 1) - L(1969)."""
    before = whole.sub(year, 1)
    leaps = whole.sub(whole.div(before, 4), whole.div(before, 100))
    leaps = whole.add(leaps, whole.div(before, 400))
    days = whole.mul(whole.sub(year, 1970), 365)
    return whole.add(days, whole.sub(leaps, 1969 // 4 - 1969 // 100 + 1969 // 400))
