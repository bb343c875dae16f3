"""The parts of the generated C, each by itself, against float64 and the Python that they stand for."""

import ctypes
import subprocess

import numpy as np
import pytest

from unrolled._native import philox_normal
from unrolled.deploy.c.body import Source
from unrolled.deploy.c.parts import in_order, part, part_names
from unrolled.deploy.c.time_features import _function, write_next_stamp
from unrolled.preprocess import TimeFeatures
from unrolled.preprocess.time_features import PHASES
from unrolled.runtime import Interval

LOOP = """
void {name}_all(const float *x, float *y, long count) {{
    for (long i = 0; i < count; ++i) y[i] = {name}(x[i]);
}}
"""
FUNCTIONS = ("exp1", "tanh1", "sigmoid1", "softplus1", "log1")
INTERVALS = {
    "hours": Interval("microsecond", 7_200_000_000),
    "months": Interval("month", 5, day=31),
    "days": Interval("business day", 3),
}


@pytest.fixture(scope="module", params=["libm", "none"])
def compiled(request, tmp_path_factory):
    """All parts in one library, with libm or without."""
    folder = tmp_path_factory.mktemp("parts")
    texts = ["#include <stdint.h>\n", *(part(name)[1] for name in in_order(part_names()))]
    texts += [LOOP.format(name=name) for name in FUNCTIONS]
    texts.append("void roots(const double *x, double *y, long n)")
    texts.append("{ for (long i = 0; i < n; ++i) y[i] = SQUARE_ROOT(x[i]); }")
    texts.append(
        "void noise(float *y, uint64_t seed, uint64_t row, int n) { philox_normal(y, seed, row, n); }"
    )
    source = Source({})
    name = _function(source, PHASES)
    texts += ["\n".join(lines) for lines in source.functions.values()]
    texts.append(f"void features(float *y, int64_t stamp) {{ {name}(y, stamp); }}")
    for kind, interval in INTERVALS.items():
        source = Source({})
        own = write_next_stamp(source, interval)
        texts.append("\n".join(source.functions[own]).replace(own, f"{own}_{kind}"))
        texts.append(f"int64_t {kind}(int64_t stamp, int ahead) {{ return {own}_{kind}(stamp, ahead); }}")
    (folder / "parts.c").write_text("\n".join(texts))
    flags = ["-DUNROLLED_NO_LIBM"] if request.param == "none" else []
    command = [
        "gcc",
        "-std=c99",
        "-O2",
        "-march=native",
        "-shared",
        "-fPIC",
        *flags,
        "parts.c",
        "-o",
        "parts.so",
    ]
    subprocess.run([*command, "-lm"], cwd=folder, check=True)
    library = ctypes.CDLL(str(folder / "parts.so"))
    for kind in INTERVALS:
        getattr(library, kind).restype = ctypes.c_int64
    return library


def pointer(array):
    return ctypes.c_void_p(array.ctypes.data)


def apply(library, name, x):
    y = np.empty_like(x)
    getattr(library, f"{name}_all")(pointer(x), pointer(y), ctypes.c_long(len(x)))
    return y


def relative(got, wanted):
    return np.max(np.abs(got - wanted) / np.abs(wanted))


def test_functions_keep_the_stated_errors(compiled):
    x = np.linspace(-87, 87, 2_000_001, dtype=np.float32)
    wide = x.astype(np.float64)
    assert relative(apply(compiled, "exp1", x), np.exp(wide)) < 1.5e-7
    small = np.concatenate([x, np.geomspace(1e-30, 1, 500_000, dtype=np.float32)])
    small = small[small != 0]
    assert relative(apply(compiled, "tanh1", small), np.tanh(small.astype(np.float64))) < 3e-7
    assert relative(apply(compiled, "sigmoid1", x[x > -80]), 1 / (1 + np.exp(-wide[x > -80]))) < 3e-7
    assert np.max(np.abs(apply(compiled, "softplus1", x) - np.logaddexp(0, wide)) / (1 + np.abs(wide))) < 2e-7
    above = np.geomspace(1, 1e6, 500_000, dtype=np.float32)
    assert np.max(np.abs(apply(compiled, "log1", above) - np.log(above.astype(np.float64)))) < 2e-6


def test_functions_at_their_ends(compiled):
    ends = np.array([-np.inf, -1e30, -100, 0, 100, 1e30, np.inf], np.float32)
    np.testing.assert_array_equal(apply(compiled, "tanh1", ends), [-1, -1, -1, 0, 1, 1, 1])
    np.testing.assert_allclose(apply(compiled, "sigmoid1", ends), [0, 0, 0, 0.5, 1, 1, 1], atol=1e-37)
    assert np.isnan(apply(compiled, "tanh1", np.array([np.nan], np.float32))).all()
    np.testing.assert_array_equal(np.signbit(apply(compiled, "tanh1", np.array([-0.0], np.float32))), [True])


def test_roots_are_rounded_correctly(compiled):
    rng = np.random.default_rng(0)
    x = np.concatenate(
        [rng.uniform(0, 100, 100_000), 10.0 ** rng.uniform(-300, 300, 100_000), [0.0, 1.0, 4.0]]
    )
    y = np.empty_like(x)
    compiled.roots(pointer(x), pointer(y), ctypes.c_long(len(x)))
    np.testing.assert_array_equal(y, np.sqrt(x))


def test_noise_is_bit_for_bit_that_of_the_stream(compiled):
    for seed, row in ((0, 1), (2**40 + 7, 123_456_789_012)):
        wanted, got = np.empty(20_003, np.float32), np.empty(20_003, np.float32)
        philox_normal(seed, row, wanted)
        compiled.noise(pointer(got), ctypes.c_uint64(seed), ctypes.c_uint64(row), len(got))
        np.testing.assert_array_equal(got, wanted)


def stamps_of_all_kinds():
    """Leap years, centuries, ends of months, before 1970; microseconds."""
    rng = np.random.default_rng(1)
    drawn = rng.integers(-6_000_000_000_000_000, 40_000_000_000_000_000, 300)
    listed = [
        "1969-12-31T23:59:59.999999",
        "1900-03-01",
        "2000-02-29",
        "2024-12-31T12:00",
        "2100-02-28",
        "1970-01-01",
    ]
    return np.concatenate([drawn, np.array(listed, "datetime64[us]").astype(np.int64)])


def test_time_features_of_every_phase(compiled):
    stamps = stamps_of_all_kinds()
    wanted = TimeFeatures(PHASES).encode(stamps.astype("datetime64[us]"))
    got = np.empty(2 * len(PHASES), np.float32)
    for stamp, own in zip(stamps, wanted, strict=True):
        compiled.features(pointer(got), ctypes.c_int64(int(stamp)))
        np.testing.assert_allclose(got, own, atol=1e-15, rtol=6e-8)


@pytest.mark.parametrize("kind", INTERVALS)
def test_stamps_go_on_as_the_interval_says(compiled, kind):
    for stamp in stamps_of_all_kinds():
        wanted = INTERVALS[kind].after(np.int64(stamp), 9)
        got = [getattr(compiled, kind)(ctypes.c_int64(int(stamp)), ahead) for ahead in range(1, 10)]
        np.testing.assert_array_equal(got, wanted)
