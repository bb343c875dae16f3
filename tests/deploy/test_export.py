import numpy as np
import pytest
from drawn_programs import lowered, sequence

from unrolled.deploy import Made, export
from unrolled.deploy.export import TARGETS
from unrolled.errors import ArgumentError, ExportError, OutputError
from unrolled.runtime import Stream


def test_the_program_alone_streams_as_before(tmp_path):
    program = lowered("direct", cell="gru")
    done = export(program, tmp_path / "small", to="program")
    assert [file.name for file in done.files] == ["small.unrolled"]
    assert done.parity.share == 0 and done.sizes["file"] == done.files[0].stat().st_size
    rows = np.array([[1, 2, 3, 4, 0.5, 6, 7, 8, 1, 1, 2, 3, 1.7e15]])
    future = np.ones((5, 5))
    own, other = Stream(program, 2), Stream(done.files[0], "2nd")
    np.testing.assert_array_equal(own.run(rows, future), other.run(rows, future))


def test_a_model_of_whole_sequences_is_a_program_too(tmp_path):
    program = sequence({"features": 2, "classes": 3}, hidden=4, bidirectional=True)
    assert (
        export(program, tmp_path / "out", to="program", name="both ways").files[0].name
        == "both_ways.unrolled"
    )


def wrong(program, replays, folder, name):
    (folder / f"{name}.txt").write_text("wrong")
    return Made({"file": 5}, lambda one: one.answers * np.float32(1.001))


def test_an_export_that_differs_leaves_nothing(tmp_path, monkeypatch):
    monkeypatch.setitem(TARGETS, "wrong", wrong)
    program = sequence({"features": 2, "classes": 3}, hidden=4)
    with pytest.raises(ExportError, match="export to wrong: difference from the stream"):
        export(program, tmp_path / "out", to="wrong")
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "out.txt").write_text("of before")
    with pytest.raises(ExportError):
        export(program, tmp_path / "out", to="wrong")
    assert (tmp_path / "out" / "out.txt").read_text() == "of before"
    assert export(program, tmp_path / "out", to="wrong", bound=0.1).parity.share == pytest.approx(
        1e-3, rel=0.01
    )
    assert (tmp_path / "out" / "out.txt").read_text() == "wrong"


def test_wrong_targets_and_folders_are_told(tmp_path):
    program = sequence({"features": 2, "classes": 3}, hidden=4)
    with pytest.raises(
        ArgumentError, match=r"to: expected one of .*program.*, got 'progam'. Did you mean 'program'"
    ):
        export(program, tmp_path / "out", to="progam")
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match=r"file: expected a folder, got a file\. Choose another name."):
        export(program, tmp_path / "file", to="program")
