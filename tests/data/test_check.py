import numpy as np
import polars as pl
import pytest

from unrolled.data import Finding, Roles, check
from unrolled.data.check_columns import stand_ins
from unrolled.errors import ArgumentError

RNG = np.random.default_rng(0)


def hours(count):
    return np.datetime64("2024-01-01", "us") + np.arange(count) * np.timedelta64(1, "h")


def table(count=200):
    return {"t": hours(count), "y": np.cumsum(RNG.normal(size=count)), "x": RNG.normal(size=count)}


ROLES = Roles("y", time="t", past="x")


def kinds(findings):
    return [finding.kind for finding in findings]


def only(findings, kind):
    found = [finding for finding in findings if finding.kind == kind]
    assert len(found) == 1, [str(f) for f in findings]
    return found[0]


def test_sound_data_has_no_findings():
    assert check(table(), ROLES, history=24, horizon=12) == []


def test_everything_is_reported_at_once_the_gravest_first():
    frame = table()
    frame["t"][[50, 51]] = frame["t"][[51, 50]]
    frame["t"][120] = frame["t"][119]
    frame["y"][3] = np.nan
    frame["x"][7] = np.inf
    frame["c"] = np.full(200, 2.5)
    frame["w"] = np.where(np.arange(200) == 9, "oops", frame["x"].astype(str))
    findings = check(frame, Roles("y", time="t", past="x,c,w"), history=150, horizon=100)
    assert {"unordered", "duplicate", "gap", "missing", "infinity", "constant", "text", "short"} == set(
        kinds(findings)
    )
    severities = [finding.severity for finding in findings]
    assert severities == sorted(severities, key=["error", "warning", "note"].index)
    assert all("\n" not in str(finding) for finding in findings)
    assert only(findings, "unordered").row == 52
    assert only(findings, "duplicate").row == 121
    assert only(findings, "missing").row == 4
    assert only(findings, "infinity").row == 8
    assert str(only(findings, "text")) == (
        "error: w, row 10: 1 value is text, first 'oops'. "
        "Correct them; leave the field empty where a value is missing."
    )
    assert "all values are 2.5" in only(findings, "constant").detail
    assert "200 rows, fewer than history and horizon need (250)" in only(findings, "short").detail


def test_gaps():
    frame = {name: np.delete(values, [10, 11, 12, 90]) for name, values in table().items()}
    gap = only(check(frame, ROLES), "gap")
    assert "2 gaps longer than the usual 1 hour, about 4 rows; first after 2024-01-01 09:00:00" in gap.detail
    assert gap.row == 11 and gap.severity == "warning"


def test_holidays_are_no_gaps_but_a_closed_week_is():
    days = np.arange("2022-01-03", "2024-01-01", dtype="datetime64[D]")
    days = days[np.is_busday(days)]
    days = np.delete(days, [5, 40, 41, 200])
    frame = {"t": days, "y": RNG.normal(size=len(days))}
    assert check(frame, Roles("y", time="t")) == []
    frame = {name: np.delete(values, slice(60, 65)) for name, values in frame.items()}
    assert "business day, about 5 rows" in only(check(frame, Roles("y", time="t")), "gap").detail


def test_uneven_steps():
    frame = table()
    frame["t"] = frame["t"] + RNG.integers(0, 1_000_000_000, 200).astype("timedelta64[us]")
    found = only(check(frame, ROLES), "frequency")
    assert "steps are uneven" in found.detail and "to" in found.detail and "even grid" in found.cure


def long_table(sizes, step_hours):
    stamps = [hours(size * step)[::step] for size, step in zip(sizes, step_hours, strict=True)]
    names = np.repeat([f"s{i}" for i in range(len(sizes))], sizes)
    return {"id": names, "t": np.concatenate(stamps), "y": RNG.normal(size=sum(sizes))}


def test_several_series():
    roles = Roles("y", time="t", series="id")
    assert check(long_table([50, 60, 70], [1, 1, 1]), roles) == []
    found = only(check(long_table([50, 60], [1, 2]), roles), "frequency")
    assert "series have different steps: 1 hour, 2 hours" in found.detail
    short = only(check(long_table([50, 10, 5], [1, 1, 1]), roles, history=20), "short")
    assert (
        "2 of 3 series are shorter" in short.detail and short.series == "s1" and short.severity == "warning"
    )
    frame = long_table([50, 60], [1, 1])
    frame["t"][55] = frame["t"][54]
    duplicate = only(check(frame, roles), "duplicate")
    assert duplicate.series == "s1" and duplicate.row == 56


def test_stamps_that_cannot_be_read_do_not_end_the_check():
    frame = {"t": ["2024-01-01", "tomorrow"], "y": [1.0, None]}
    findings = check(frame, Roles("y", time="t"))
    assert "t, row 2: expected a stamp like '2024-01-01', got 'tomorrow'" in only(findings, "stamp").detail
    assert only(findings, "missing").row == 2


@pytest.mark.parametrize(
    ("columns", "guess"),
    [
        ({"when": hours(3), "y": [1, 2, 3]}, "when"),
        ({"DATE": ["2024-01-01", "2024-01-02", "2024-01-03"], "y": [1, 2, 3]}, "DATE"),
        ({"month": [1, 2, 3], "Year": [2024] * 3, "y": [1, 2, 3]}, "Year, month"),
    ],
)
def test_the_time_is_guessed_and_told(columns, guess):
    found = only(check(columns), "time")
    assert found.severity == "note" and f"No time column was named: {guess} is taken for it" in found.detail


def test_no_time_at_all_is_told():
    assert "none was found" in only(check({"y": [1, 2, 3]}), "time").detail


@pytest.mark.parametrize(
    ("values", "found"),
    [
        ([*range(50), -9999.0], [-9999.0]),
        ([*range(50), -999.0, -9999.0, -9999.0], [-9999.0, -999.0]),
        ([*RNG.normal(size=50), 1e20], [1e20]),
        ([*RNG.normal(size=50), -200.0, -200.0, -200.0], [-200.0]),
        ([*RNG.normal(size=50), -200.0, -200.0], []),
        ([*np.linspace(0, 9999, 50)], []),
        ([*range(900, 1000)], []),
        ([0.0] * 50 + [1.0] * 3, []),
        ([0.0] * 50 + [3.0, 7.0, 12.0, 40.0, 41.0, 200.0], []),
    ],
)
def test_stand_ins_for_missing_values(values, found):
    assert stand_ins(np.array(values, float)) == found


def test_a_stand_in_is_reported_with_its_first_row():
    frame = table()
    frame["x"][[30, 60]] = -9999
    found = only(check(frame, ROLES), "sentinel")
    assert found.row == 31 and "-9999 occurs 2 times, far from all other values" in found.detail


def test_copies():
    frame = table()
    frame["z"] = frame["x"].copy()
    assert only(check(frame, Roles("y", time="t", past="x,z")), "copy").detail.startswith(
        "the same values as 'x'"
    )


def leak_of(x, y, role):
    count = len(y)
    return [
        f
        for f in check({"t": hours(count), "y": y, "x": x}, Roles("y", time="t", **{role: "x"}))
        if f.kind == "leak"
    ]


def walk(count=400):
    return np.cumsum(RNG.normal(size=count))


def test_a_known_column_equal_to_the_target_is_a_leak():
    y = walk()
    (found,) = leak_of(32 - 1.8 * y + 0.01 * RNG.normal(size=400), y, "known")
    assert found.severity == "error" and "gives the target 'y' away" in found.detail
    assert leak_of(2 * y, y, "past") == []


@pytest.mark.parametrize("role", ["known", "past"])
def test_a_column_that_tells_the_target_to_come_is_a_leak(role):
    y = walk()
    (found,) = leak_of(np.append(y[3:], [0, 0, 0]), y, role)
    assert found.severity == "warning" and "tells the target 'y' 3 rows ahead" in found.detail


def test_no_false_leaks():
    trend = np.arange(400.0)
    season = np.sin(2 * np.pi * trend / 200)
    y = walk()
    assert leak_of(trend + RNG.normal(size=400), trend + RNG.normal(size=400), "known") == []
    assert leak_of(np.roll(season, 1) + 0.01 * RNG.normal(size=400), season, "past") == []
    assert leak_of(season.copy(), season, "past") == []
    assert leak_of(np.append(0, y[:-1]), y, "known") == []
    assert leak_of(y + 0.5 * RNG.normal(size=400), y, "known") == []


def test_only_a_target_named_looks_at_every_column():
    frame = table()
    frame["late"] = np.append(frame["y"][1:], 0.0)
    findings = check(frame, Roles("y"))
    assert only(findings, "leak").column == "late"


def test_missing_values_in_known_columns_are_errors():
    frame = table()
    frame["x"][5] = np.nan
    found = only(check(frame, Roles("y", time="t", known="x")), "missing")
    assert found.severity == "error" and "make it a past column" in found.cure
    empty = pl.Series([None] * 200, dtype=pl.Float64)
    assert only(check({**frame, "x": empty}, ROLES), "missing").detail == "all values are missing."


def test_text():
    words = ["a", "b"] * 100
    assert check({**table(), "x": words}, ROLES) == []
    found = only(check({**table(), "y": words}, ROLES), "text")
    assert found.severity == "error" and "200 values are text, first 'a'" in found.detail
    found = only(check({**table(), "x": ["1", "2"] * 100}, ROLES), "text")
    assert found.severity == "note" and "taken for categories" in found.detail


def test_unknown_columns_are_refused():
    with pytest.raises(
        ArgumentError, match=r"past: expected a column of the data, got 'xx'. Did you mean 'x'\?"
    ):
        check(table(), Roles("y", time="t", past="xx"))


def test_a_finding_is_one_line():
    assert str(Finding("gap", "note", "A gap.", "Mind it.", "t", "s1", 3)) == (
        "note: t, series 's1', row 3: A gap. Mind it."
    )
    assert str(Finding("gap", "note", "A gap.")) == "note: A gap."
