"""Every kind of damage: refused in a line that names the file and the field, before anything is believed."""

import hashlib
import json
import os
import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import safetensors.numpy

from unrolled.errors import ModelFileError
from unrolled.format import dump_model, new_card, read_card, read_model

SCRIPT = Path(__file__).parents[1] / "faults" / "mutate_model_files.py"
CARD = new_card("model", "forecast", {"horizon": 24})
GOOD = b"".join(dump_model(CARD, {"w": np.zeros((2, 3), np.float32), "b": np.array([True, False])}))
W = {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]}
B = {"dtype": "BOOL", "shape": [2], "data_offsets": [24, 26]}
DATA = bytes(26)


def signed(data: bytes) -> bytes:
    digest = hashlib.sha256(data[:35] + b"0" * 64 + data[99:]).hexdigest()
    return data[:35] + digest.encode() + data[99:]


def framed(text: str, data: bytes = DATA) -> bytes:
    raw = text.encode()
    raw += b" " * (-len(raw) % 8)
    return signed(len(raw).to_bytes(8, "little") + raw + data)


def made(card=CARD, fields=None, data: bytes = DATA, metadata=None) -> bytes:
    """A file with a right digest around any card, fields of arrays, and bytes."""
    card = card if isinstance(card, str) else json.dumps(card)
    metadata = {"sha256": "0" * 64, "unrolled": card} if metadata is None else metadata
    fields = {"w": W, "b": B} if fields is None else fields
    return framed(json.dumps({"__metadata__": metadata, **fields}, separators=(",", ":")), data)


def refused(tmp_path: Path, data: bytes) -> str:
    """The message; both readers must refuse in the same words."""
    path = tmp_path / "m.unrolled"
    path.write_bytes(data)
    told = []
    for read in (read_model, read_card):
        with pytest.raises(ModelFileError) as caught:
            read(path)
        told.append(str(caught.value))
    assert told[0] == told[1] and told[0].startswith(f"{path}, ") and "\n" not in told[0]
    return told[0]


def test_the_frame_of_these_tests_makes_good_files(tmp_path):
    (tmp_path / "m").write_bytes(made())
    assert read_model(tmp_path / "m").card == CARD


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (b"", "header: expected a model file of unrolled, got an empty file. Only files saved by unrolled"),
        (b"\x08", "got the bytes b'\\x08'."),
        (b"date,OT\n2016-07-01,30.5\n", "got the bytes b'date,OT\\n2016'."),
        (b"PK\x03\x04" + bytes(200), "got a zip archive, such as torch.save writes."),
        (pickle.dumps({"a": 1}), "got a Python pickle."),
        (safetensors.numpy.save({"w": np.zeros(3)}), "got a safetensors file that unrolled did not write."),
        (
            safetensors.numpy.save({"w": np.zeros(3)}, {"sha": "x"}),
            "got a safetensors file that unrolled did not",
        ),
        (bytes(2**16), "header: expected a model file of unrolled, got the bytes"),
    ],
)
def test_foreign_files(tmp_path, data, told):
    assert told in refused(tmp_path, data)


@pytest.mark.parametrize("kept", [1, 7, 8, 34, 98, 99, 150])
def test_a_file_cut_short_in_its_header(tmp_path, kept):
    told = refused(tmp_path, GOOD[:kept])
    assert "got a safetensors file" in told or "got the bytes" in told or "The file is incomplete" in told


def test_any_cut_any_flip_and_any_byte_more_is_seen(tmp_path):
    for place in range(8, len(GOOD)):
        refused(tmp_path, GOOD[:place])
    for place in range(0, len(GOOD), 3):
        refused(tmp_path, GOOD[:place] + bytes([GOOD[place] ^ 1]) + GOOD[place + 1 :])
    assert "sha256: expected " in refused(tmp_path, GOOD + b"\0")


def test_a_wrong_digest_is_told_before_anything_else(tmp_path):
    data = made(CARD | {"format": 99}).replace(b"forecast", b"forecasT")
    told = refused(tmp_path, data)
    assert (
        "sha256: expected " in told and "The file is damaged, incomplete or changed: copy it again." in told
    )


def test_an_upper_case_digest_is_wrong(tmp_path):
    assert "sha256" in refused(tmp_path, GOOD[:35] + GOOD[35:99].upper() + GOOD[99:])


@pytest.mark.parametrize(
    ("length", "told"),
    [
        (2**64 - 1, "length of the header: expected at most 16777216 bytes, got 18446744073709551615."),
        (2**24 + 8, "length of the header: expected at most 16777216 bytes, got 16777224."),
        (2**24, "header: expected 16777224 bytes, got a file of"),
        (97, "length of the header: expected a multiple of 8 above 91, got 97."),
        (0, "length of the header: expected a multiple of 8 above 91, got 0."),
        (88, "length of the header: expected a multiple of 8 above 91, got 88."),
        (104, "header: expected JSON, got"),
    ],
)
def test_a_wrong_length_of_the_header(tmp_path, length, told):
    assert told in refused(tmp_path, signed(length.to_bytes(8, "little") + GOOD[8:]))


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('"unrolled":"{}"},"é":0}', "header: expected ASCII characters, got b'\\xc3'."),
        ('"unrolled":"{}","unrolled":"{}"}}', "header: expected each key once, got \"'unrolled' again\"."),
        (
            '"unrolled":"{}"},"__metadata__":{}}',
            "header: expected each key once, got \"'__metadata__' again\".",
        ),
        (
            '"unrolled":"{}"},"w":' + "[" * 99_999 + "}",
            "header: expected brackets nested at most 64 deep, got",
        ),
        ('"unrolled":"{}"},"w":' + '{"a":' * 500, "header: expected brackets nested at most 64 deep"),
        ('"unrolled":"{}"},"w":NaN}', "header: expected a finite number, got 'NaN'."),
        ('"unrolled":"{}"},"w":' + "9" * 9_999 + "}", "header: expected a whole number from -2**63"),
        ('"unrolled":"{}"},"w":1e9999}', "header: expected a finite number, got '1e9999'."),
        ('"unrolled":"{}"},"\\ud800":1}', "header: expected a text of whole characters, got '\\ud800'."),
        ('"unrolled":"' + "{" * 99_999 + '"}}', "card: expected brackets nested at most 64 deep"),
        ('"unrolled":"\\u0000"}}', "card: expected JSON, got"),
        ('"unrolled":"[]"}}', "card: expected an object, got []."),
        ('"unrolled":7}}', "header.__metadata__.unrolled: expected a text, got 7."),
        ('"x":"{}"}}', "header.__metadata__.unrolled: expected a text, got no such field."),
        ('"unrolled":"{}"}', "header: expected JSON, got"),
        ('"unrolled":"{}"}}{}', "header: expected JSON, got 'Extra data"),
    ],
)
def test_headers_that_are_not_strict_json(tmp_path, text, told):
    assert told in refused(tmp_path, framed('{"__metadata__":{"sha256":"' + "0" * 64 + '",' + text))


@pytest.mark.parametrize(
    ("card", "told"),
    [
        (
            CARD | {"format": 2},
            "card.format: expected at most 1, got 2 (made by unrolled '0.1.0'). It needs a newer",
        ),
        ({"format": 3}, "pip install -U unrolled"),
        (CARD | {"format": -1}, "card.format: expected a whole number >= 1, got -1."),
        (CARD | {"format": 1.0}, "card.format: expected a whole number, got 1.0."),
        (CARD | {"kind": "pickle"}, "card.kind: expected one of model, program, checkpoint, got 'pickle'."),
        (CARD | {"task": None}, "card.task: expected a text, got None."),
        ({}, "card.format: expected a whole number, got no such field."),
        ('{"format":1,"format":1}', "card: expected each key once"),
        ("[1]", "card: expected an object, got [1]."),
        ("null", "card: expected an object, got None."),
        ("", "card: expected JSON, got"),
    ],
)
def test_cards(tmp_path, card, told):
    assert told in refused(tmp_path, made(card))


def test_a_newer_format_is_told_even_where_it_differs_in_everything(tmp_path):
    metadata = {"sha256": "0" * 64, "unrolled": json.dumps({"format": 2}), "signature": "x"}
    assert "pip install -U unrolled" in refused(tmp_path, made(metadata=metadata, fields={"w": "elsewhere"}))


def test_more_metadata_is_refused(tmp_path):
    metadata = {"sha256": "0" * 64, "unrolled": json.dumps(CARD), "x": "y"}
    told = refused(tmp_path, made(metadata=metadata))
    assert (
        "header.__metadata__: expected the keys sha256 and unrolled, got ['sha256', 'unrolled', 'x']." in told
    )


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        (
            {"w": W},
            "arrays: expected 24 bytes, got 26. The file is incomplete or has bytes that belong to nothing",
        ),
        ({"w": W, "b": B | {"shape": [3], "data_offsets": [24, 27]}}, "arrays: expected 27 bytes, got 26."),
        (
            {"w": W, "b": B | {"data_offsets": [23, 25]}},
            "array 'b'.data_offsets: expected [24, 26], got [23, 25].",
        ),
        ({"w": W, "b": B | {"data_offsets": [24, 25]}}, "array 'b'.data_offsets"),
        ({"w": W, "b": B | {"data_offsets": [26, 24]}}, "array 'b'.data_offsets"),
        ({"w": W, "b": B | {"data_offsets": [24]}}, "array 'b'.data_offsets"),
        (
            {"w": W, "b": B | {"data_offsets": [24.0, 26]}},
            "array 'b'.data_offsets[0]: expected a whole number, got 24",
        ),
        ({"w": W, "b": B | {"data_offsets": [2**64 - 2, 2**64 - 1]}}, "array 'b'.data_offsets"),
        ({"w": W, "w2": W, "b": B}, "array 'w2'.data_offsets"),
        (
            {"b": B | {"data_offsets": [0, 2]}, "w": W},
            "array 'w'.dtype: expected larger elements before smaller",
        ),
        ({"w": W | {"shape": [2, 2]}, "b": B}, "array 'w'.data_offsets: expected [0, 16], got [0, 24]."),
        (
            {"w": W | {"shape": [-2, -3]}, "b": B},
            "array 'w'.shape: expected at most 8 sizes, none below 0, got [-2",
        ),
        ({"w": W | {"shape": [2**32, 2**32]}, "b": B}, "array 'w'.shape"),
        ({"w": W | {"shape": [0, 2**63]}, "b": B}, "array 'w'.shape"),
        ({"w": W | {"shape": [1] * 9}, "b": B}, "array 'w'.shape: expected at most 8 sizes"),
        ({"w": W | {"shape": [True, 6]}, "b": B}, "array 'w'.shape[0]: expected a whole number, got True."),
        ({"w": W | {"shape": "23"}, "b": B}, "array 'w'.shape: expected a list, got '23'."),
        (
            {"w": W | {"dtype": "BF16"}, "b": B},
            "array 'w'.dtype: expected one of F64, F32, F16, I64, I32, I16",
        ),
        ({"w": W | {"dtype": None}, "b": B}, "array 'w'.dtype: expected a text, got None."),
        ({"w": W | {"extra": 1}, "b": B}, "array 'w': expected data_offsets, dtype and shape, got {"),
        ({"w": {"dtype": "F32"}, "b": B}, "array 'w': expected data_offsets, dtype and shape, got {"),
        ({"w": [], "b": B}, "array 'w': expected data_offsets, dtype and shape, got []."),
        ({"": W, "b": B}, "array '': expected a name, got ''."),
    ],
)
def test_arrays_in_wrong_places(tmp_path, fields, told):
    assert told in refused(tmp_path, made(fields=fields))


def test_a_boolean_that_is_neither_is_refused(tmp_path):
    path = tmp_path / "m"
    path.write_bytes(made(data=DATA[:24] + b"\x01\x02"))
    with pytest.raises(
        ModelFileError, match="array 'b': expected bytes 0 and 1, as its dtype is BOOL, got 2"
    ):
        read_model(path)


def test_names_in_a_message_cannot_break_its_line(tmp_path):
    path = tmp_path / "m"
    for name in ("a\nb", "x" * 10_000):
        path.write_bytes(made(fields={"w": W, name: B}, data=DATA[:24] + b"\x01\x02"))
        with pytest.raises(ModelFileError, match="expected bytes 0 and 1") as caught:
            read_model(path)
        assert "\n" not in str(caught.value) and len(str(caught.value)) < 400
    assert "\n" not in refused(tmp_path, made(CARD | {"a\nb": ["\ud800"]}))


def test_an_empty_array_may_have_any_other_size(tmp_path):
    empty = {"dtype": "F64", "shape": [0, 2**50], "data_offsets": [0, 0]}
    (tmp_path / "m").write_bytes(made(fields={"e": empty, "w": W, "b": B}))
    assert read_model(tmp_path / "m").tensors["e"].shape == (0, 2**50)


def test_paths_that_are_no_files(tmp_path):
    os.mkfifo(tmp_path / "pipe")  # opening it to read would wait for a writer for ever
    for path, told in [
        (tmp_path / "none", "expected a model file, got no such file or directory. Check the path."),
        (tmp_path, "path: expected a regular file, got a folder."),
        (tmp_path / "pipe", "path: expected a regular file, got a pipe or device."),
        ("/dev/zero", "path: expected a regular file, got a pipe or device."),
        ("a\0b", "path: expected characters that a path can have, got 'a\\x00b'."),
        ("\ud800", "path: expected characters that a path can have, got '\\ud800'."),
        (str(tmp_path / ("n" * 300)), "got file name too long."),
    ]:
        for read in (read_model, read_card):
            with pytest.raises(ModelFileError) as caught:
                read(path)
            assert told in str(caught.value)


def test_a_file_too_large_for_the_memory_is_told(tmp_path):
    path = tmp_path / "sparse"
    path.write_bytes(GOOD)
    os.truncate(path, 2**43)  # 8 TiB of holes
    with pytest.raises(ModelFileError, match="expected memory for the file, got too little"):
        _with_little_memory(path)


def _with_little_memory(path: Path) -> None:
    code = (
        "import resource, sys; from unrolled.format import read_model; "
        "resource.setrlimit(resource.RLIMIT_AS, (2**32, 2**32)); read_model(sys.argv[1])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=False
    )
    raise ModelFileError(done.stderr.strip().splitlines()[-1])


def test_a_file_that_shrinks_while_it_is_read_is_told(tmp_path, monkeypatch):
    path = tmp_path / "m"
    path.write_bytes(GOOD)
    true_size = os.fstat

    def larger(number):
        status = list(true_size(number))
        status[6] += 100
        return os.stat_result(status)

    monkeypatch.setattr(os, "fstat", larger)
    for read in (read_model, read_card):
        with pytest.raises(
            ModelFileError, match=r"file: expected the same bytes to its end, .* Read it again\."
        ):
            read(path)


def test_costly_headers_stay_within_the_documented_memory(tmp_path):
    """The dearest JSON the limits let through, in a process that may take 200 MB more than it has."""
    code = (
        "import resource, sys; from unrolled.format import read_card; import unrolled.format.header; "
        "used = int(open('/proc/self/statm').read().split()[0]) * resource.getpagesize(); "
        "resource.setrlimit(resource.RLIMIT_AS, (used + 200 * 2**20,) * 2); card = read_card(sys.argv[1])"
    )
    card = json.dumps(CARD)[:-1] + ',"x":[' + "[[]]," * 660_000 + "0]}"  # three marks each: the limit is near
    (tmp_path / "m").write_bytes(made(card, fields={}, data=b""))
    command = [sys.executable, "-c", code, str(tmp_path / "m")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-300:]


def test_a_thousand_mutants():
    command = [sys.executable, str(SCRIPT), "--count", "1000", "--seed", "1"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "wrong digest loaded: 0" in done.stdout and "failures 0" in done.stdout


def test_the_mutation_run_catches_a_careless_loader(tmp_path):
    """The safetensors library alone believes a file whose digest is wrong: the run must say so."""
    careless = tmp_path / "careless.py"
    careless.write_text("from safetensors.numpy import load_file as load\n")
    command = [sys.executable, str(SCRIPT), "--count", "200", "--loader", "careless:load"]
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
        env=os.environ | {"PYTHONPATH": str(tmp_path)},
    )
    assert done.returncode == 1
    assert "loaded, with a wrong digest" in done.stdout and "instead of ModelFileError" in done.stdout
