import numpy as np
import pytest

from unrolled.data import Step, future_stamps, season_length, step_of
from unrolled.errors import DataError


def stamps(start, count, size, unit):
    return (np.datetime64(start, "us") + np.arange(count) * np.timedelta64(size, unit)).astype(
        "datetime64[us]"
    )


def months(start, count, every=1, day=1, clock="00:00"):
    first = np.datetime64(start, "M") + every * np.arange(count)
    last = (first + 1).astype("datetime64[D]") - first.astype("datetime64[D]")
    days = first.astype("datetime64[D]") + np.minimum(day, last.astype(int)) - 1
    hours, minutes = clock.split(":")
    return days.astype("datetime64[us]") + np.timedelta64(int(hours) * 60 + int(minutes), "m")


WEEKDAYS = stamps("2024-01-01", 60, 1, "D")
WEEKDAYS = WEEKDAYS[np.is_busday(WEEKDAYS.astype("datetime64[D]"))]

CASES = [
    ("1 hour", stamps("2024-01-01", 60, 1, "h"), 24),
    ("15 minutes", stamps("2024-01-01", 300, 15, "m"), 96),
    ("15 minutes", stamps("2024-01-01", 50, 15, "m"), 4),
    ("1 minute", stamps("2024-01-01", 3000, 1, "m"), 1440),
    ("1 minute", stamps("2024-01-01", 300, 1, "m"), 60),
    ("1 second", stamps("2024-01-01", 300, 1, "s"), 60),
    ("0.02 seconds", stamps("2024-01-01", 300, 20, "ms"), None),
    ("7 minutes", stamps("2024-01-01", 300, 7, "m"), None),
    ("1 day", stamps("2024-01-01", 30, 1, "D"), 7),
    ("1 day", stamps("2024-01-01", 3, 1, "D"), 7),
    ("business day", WEEKDAYS, 5),
    ("1 week", stamps("2024-01-01", 30, 7, "D"), 52),
    ("4 weeks", stamps("2024-01-01", 30, 28, "D"), None),
    ("1 month", months("2019-11", 30), 12),
    ("1 month", months("2019-11", 30, day=31), 12),
    ("1 month", months("2019-11", 30, day=30, clock="12:30"), 12),
    ("1 quarter", months("2019-12", 12, every=3, day=31), 4),
    ("half a year", months("2019-12", 12, every=6), 2),
    ("1 year", months("1990-01", 12, every=12), None),
    ("2 months", months("1990-01", 12, every=2), 6),
]


@pytest.mark.parametrize(("said", "made", "season"), CASES)
def test_step_season_and_the_stamps_to_come(said, made, season):
    assert str(step_of(made)) == said
    assert season_length(made) == season
    known = len(made) * 2 // 3
    if len(made) > 3:
        np.testing.assert_array_equal(future_stamps(made[:known], len(made) - known), made[known:])


def test_gaps_do_not_change_the_step():
    made = np.delete(stamps("2024-01-01", 60, 1, "h"), [5, 6, 20])
    assert str(step_of(made)) == "1 hour"
    assert future_stamps(made, 1).tolist() == [made[-1].tolist() + (made[1] - made[0]).tolist()]
    holidays = np.delete(months("2019-11", 30), [7, 8])
    assert str(step_of(holidays)) == "1 month"


def test_business_days_keep_their_time_of_day_and_pass_the_weekend():
    made = WEEKDAYS[:5] + np.timedelta64(16, "h")  # Monday to Friday: no weekend passed yet
    assert str(step_of(made)) == "1 day"
    ahead = future_stamps(made, 2, step=Step("business day", 1))
    assert ahead.astype("datetime64[m]").astype(str).tolist() == ["2024-01-08T16:00", "2024-01-09T16:00"]


def test_business_days_go_on_with_monday_after_a_weekend_stamp():
    saturday = np.array(["2024-01-06"], "datetime64[us]")
    ahead = future_stamps(saturday, 2, step=Step("business day", 1))
    assert ahead.astype("datetime64[D]").astype(str).tolist() == ["2024-01-08", "2024-01-09"]


def test_one_stamp_is_enough_where_the_step_is_given():
    made = np.array(["2024-01-31"], "datetime64[us]")
    ahead = future_stamps(made, 3, Step("month", 1, day=31)).astype("datetime64[D]")
    assert ahead.astype(str).tolist() == ["2024-02-29", "2024-03-31", "2024-04-30"]
    with pytest.raises(
        DataError, match=r"stamps: expected at least two, to know their step, got 1. Take more rows"
    ):
        future_stamps(made, 3)
    assert season_length(made) is None
