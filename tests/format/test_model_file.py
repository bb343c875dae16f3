import hashlib
import os
import re
import subprocess
import sys
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
import safetensors.numpy
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from unrolled.errors import ArgumentError, OutputError
from unrolled.format import dump_model, new_card, read_card, read_model, write_model

DTYPES = "float64 float32 float16 int64 int32 int16 int8 uint64 uint32 uint16 uint8 bool".split()
DOCS = Path(__file__).parents[2] / "docs" / "format.md"
CARD = new_card("model", "forecast", {"columns": ["OT", "Größe"], "horizon": 24})
WEIGHTS = {
    "w": np.array([[1.5, -2.0], [np.nan, np.inf]], np.float32),
    "ids": np.array([3, 1, 2], np.int64),
    "flags": np.array([True, False, True]),
    "one": np.array(7, np.int8),
}

ARRAYS = arrays.arrays(
    st.sampled_from(DTYPES), arrays.array_shapes(min_dims=0, max_dims=8, min_side=0, max_side=3)
)
NAMES = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=9).filter(
    lambda n: n != "__metadata__"
)


def whole(card, tensors) -> bytes:
    return b"".join(dump_model(card, tensors))


def same(a: dict[str, np.ndarray], b: dict[str, np.ndarray]) -> bool:
    return a.keys() == b.keys() and all(
        (a[n].dtype, a[n].shape, a[n].tobytes()) == (b[n].dtype, b[n].shape, b[n].tobytes()) for n in a
    )


@given(tensors=st.dictionaries(NAMES, ARRAYS, max_size=5), rest=st.dictionaries(NAMES, NAMES, max_size=3))
def test_what_is_written_is_read_here_and_by_safetensors(tmp_path_factory, tensors, rest):
    path = tmp_path_factory.getbasetemp() / "round.unrolled"
    card = new_card("model", "", {f"x{name}": value for name, value in rest.items()})
    path.write_bytes(whole(card, tensors))
    found = read_model(path)
    assert found.card == card == read_card(path)
    assert same(found.tensors, tensors)
    assert same(safetensors.numpy.load(path.read_bytes()), tensors)
    assert whole(*found) == path.read_bytes()


def test_the_bytes_are_as_the_page_says(tmp_path):
    card = {"format": 1, "kind": "model", "task": "", "unrolled": "0.1.0"}
    data = whole(card, {"b": np.array([1, 2], "<i2"), "a": np.array([3], "<i2"), "z": np.array([1.0], "<f8")})
    text = (
        '{"__metadata__":{"sha256":"%s","unrolled":'
        '"{\\"format\\":1,\\"kind\\":\\"model\\",\\"task\\":\\"\\",\\"unrolled\\":\\"0.1.0\\"}"},'
        '"z":{"data_offsets":[0,8],"dtype":"F64","shape":[1]},'
        '"a":{"data_offsets":[8,10],"dtype":"I16","shape":[1]},'
        '"b":{"data_offsets":[10,14],"dtype":"I16","shape":[2]}}'
    )
    length = -(-len(text % ("0" * 64)) // 8) * 8
    start = length.to_bytes(8, "little")
    rest = np.float64(1).tobytes() + b"\x03\0\x01\0\x02\0"
    zeroed = start + (text % ("0" * 64)).ljust(length).encode() + rest
    digest = hashlib.sha256(zeroed).hexdigest()
    assert data == start + (text % digest).ljust(length).encode() + rest


def test_the_page_s_example_reads_a_file(tmp_path, monkeypatch):
    write_model(tmp_path / "model.unrolled", CARD, WEIGHTS)
    monkeypatch.chdir(tmp_path)
    example = re.search(r"```python\n(.*?)```", DOCS.read_text(encoding="utf-8"), re.DOTALL)
    names: dict = {}
    exec(example[1], names)
    assert names["card"] == CARD
    assert same(names["weights"], WEIGHTS)


def test_the_order_of_keys_does_not_matter(tmp_path):
    turned = whole(dict(reversed(CARD.items())), dict(reversed(WEIGHTS.items())))
    assert turned == whole(CARD, WEIGHTS)
    write_model(tmp_path / "a", CARD, WEIGHTS)
    assert (tmp_path / "a").read_bytes() == turned


def test_bytes_do_not_depend_on_process_folder_or_time(tmp_path):
    code = (
        "import numpy as np; from unrolled.format import write_model; "
        "card = {'format': 1, 'unrolled': '1', 'kind': 'program', 'task': ''}; "
        "card['words'] = {word: 1 for word in {'a', 'b', 'c'}}; "
        "write_model('m', card, {'w': np.arange(6.0)})"
    )
    for name, seed in (("one", "1"), ("two", "2")):
        (tmp_path / name).mkdir()
        environment = os.environ | {"PYTHONHASHSEED": seed, "TZ": name, "HOME": name}
        subprocess.run([sys.executable, "-c", code], cwd=tmp_path / name, env=environment, check=True)
    assert (tmp_path / "one" / "m").read_bytes() == (tmp_path / "two" / "m").read_bytes()


def test_strided_and_big_endian_arrays_are_written_in_order(tmp_path):
    square = np.arange(12, dtype=np.int32).reshape(3, 4)
    tensors = {"t": square.T, "s": square[:, ::2], "b": square.astype(">i4"), "f": np.asfortranarray(square)}
    write_model(tmp_path / "m", CARD, tensors)
    found = read_model(tmp_path / "m").tensors
    for name, array in tensors.items():
        np.testing.assert_array_equal(found[name], array)
        assert found[name].dtype == np.dtype("<i4") and found[name].flags.c_contiguous


def test_arrays_are_aligned_and_share_one_buffer(tmp_path):
    write_model(tmp_path / "m", CARD, WEIGHTS)
    found = read_model(tmp_path / "m").tensors
    assert list(found) == ["ids", "w", "flags", "one"]
    assert all(a.flags.aligned and a.flags.writeable for a in found.values())
    assert len({id(a.base if a.base.base is None else a.base.base) for a in found.values()}) <= len(found)
    found["ids"][0] = 9
    assert read_model(tmp_path / "m").tensors["ids"][0] == 3


def test_a_large_file_is_held_once_and_its_card_costs_little(tmp_path):
    size = 32 * 2**20
    weights = np.arange(size // 4, dtype=np.float32)
    tracemalloc.start()
    try:
        write_model(tmp_path / "m", CARD, {"w": weights})
        writing = tracemalloc.get_traced_memory()[1]
        tracemalloc.reset_peak()
        found = read_model(tmp_path / "m")
        reading = tracemalloc.get_traced_memory()[1]
        base = tracemalloc.get_traced_memory()[0]
        tracemalloc.reset_peak()
        card = read_card(tmp_path / "m")
        glance = tracemalloc.get_traced_memory()[1] - base
    finally:
        tracemalloc.stop()
    assert np.array_equal(found.tensors["w"], weights) and card == CARD
    assert writing < 2**20
    assert size < reading < size + 2**20
    assert glance < 2 * 2**20


@pytest.mark.parametrize(
    ("card", "tensors", "told"),
    [
        (CARD | {"score": float("inf")}, {}, "card.score: expected a finite number, got inf. Write null"),
        (
            CARD | {"kind": "x"},
            {},
            "card.kind: expected one of model, program, checkpoint, got 'x'. Correct it",
        ),
        ({"kind": "model"}, {}, "card.format: expected a whole number, got no such field. Correct it before"),
        (CARD, {"w": [1.0]}, "array 'w': expected a numpy array, got [1.0]. Pass numpy.asarray(...)."),
        (CARD, {"w": np.zeros(2, complex)}, "array 'w': expected one of float64, float32,"),
        (CARD, {"w": np.zeros(2, complex)}, "got complex128. Write it as float32."),
        (CARD, {"w": np.array(["a"])}, "array 'w': expected one of"),
        (CARD, {"w": np.array([None])}, "got object. Write it as float32."),
        (
            CARD,
            {"w": np.zeros((1,) * 9)},
            "array 'w': expected at most 8 dimensions, got 9. Reshape it first.",
        ),
        (
            CARD,
            {"": np.zeros(1)},
            "tensors: expected names that are texts other than '' and __metadata__, got ''.",
        ),
        (CARD, {"__metadata__": np.zeros(1)}, "got '__metadata__'. Rename it."),
        (
            CARD,
            {"\ud800": np.zeros(1)},
            "name of an array: expected a text of whole characters, got '\\ud800'.",
        ),
        (CARD | {"x": "y" * 2**24}, {}, "length of the header: expected at most 16777216 bytes, got 16777"),
    ],
)
def test_the_writer_refuses_what_the_reader_would(tmp_path, card, tensors, told):
    path = tmp_path / "m"
    path.write_bytes(b"old")
    with pytest.raises(ArgumentError) as caught:
        write_model(path, card, tensors)
    assert told in str(caught.value)
    assert path.read_bytes() == b"old" and os.listdir(tmp_path) == ["m"]


def test_inputs_are_not_changed(tmp_path):
    card, tensors = {**CARD}, {name: array.copy() for name, array in WEIGHTS.items()}
    write_model(tmp_path / "m", card, tensors)
    assert card == CARD and same(tensors, WEIGHTS)


def test_a_folder_that_is_missing_is_told(tmp_path):
    with pytest.raises(
        OutputError, match=r"expected a folder that exists, got '.*none'\. Make it first: mkdir -p"
    ):
        write_model(tmp_path / "none" / "m", CARD, WEIGHTS)
