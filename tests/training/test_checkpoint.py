"""A run that was stopped anywhere and goes on ends in the same bytes."""

import errno
import os
import signal
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from unrolled.errors import ArgumentError, ModelFileError, OutputError, TrainingError, TrainingInterrupted
from unrolled.format import new_card, read_model, write_model
from unrolled.training import Checkpoint, SilentReporter, TrainingOptions, fit


class Killed(BaseException):
    """Stands for a power cut: nothing catches it."""


class Notes(SilentReporter):
    def __init__(self) -> None:
        self.notes: list[str] = []

    def note(self, text: str) -> None:
        self.notes.append(text)


class Dying:
    """A source that dies when asked for a batch."""

    def __init__(self, source: Any, epoch: int, index: int) -> None:
        self.source, self.last, self.steps = source, (epoch, index), source.steps

    def batch(self, epoch: int, index: int) -> Any:
        if (epoch, index) == self.last:
            raise Killed
        return self.source.batch(epoch, index)


def result(
    small: ModuleType, source: Any, options: TrainingOptions | None = None, **rest: Any
) -> tuple[bytes, dict]:
    """The bytes of the weights and the history of a run."""
    network = small.network(carries=rest.pop("carries", False))
    told = {"reporter": SilentReporter(), **rest}
    history = fit(network, source, small.validate, options or small.OPTIONS, **told)
    return b"".join(t.numpy().tobytes() for t in network.state_dict().values()), history.card()


@pytest.mark.parametrize("carries", [False, True], ids=["windows", "truncated"])
@pytest.mark.parametrize("place", [(0, 0), (0, 3), (1, 0), (2, 4), (3, 1)])
def test_killed_and_resumed_equals_undisturbed(
    small: ModuleType, tmp_path: Path, carries: bool, place: tuple[int, int]
) -> None:
    source = small.SmallSource()
    expected = result(small, source, carries=carries)
    keep = Checkpoint(tmp_path / "c", every_steps=2)
    with pytest.raises(Killed):
        result(small, Dying(source, *place), carries=carries, checkpoint=keep)
    torch.rand(3)  # whatever the new process has drawn before
    assert result(small, source, carries=carries, checkpoint=keep, resume=True) == expected


def test_a_checkpoint_holds_the_carried_state_in_mid_epoch(small: ModuleType, tmp_path: Path) -> None:
    with pytest.raises(Killed):
        keep = Checkpoint(tmp_path / "c", every_steps=1)
        result(small, Dying(small.SmallSource(), 1, 3), carries=True, checkpoint=keep)
    file = read_model(tmp_path / "c")
    assert file.card["position"] == {"epoch": 1, "index": 3}
    assert file.card["carried"] == {"GRUState": ["carried/0"]}
    assert file.tensors["carried/0"].shape == (4, 4)
    assert file.card["sums"]["steps"] == 3
    assert float(file.tensors["moments/rnn.bias_hh_l0/updates"]) == 8.0


def test_bf16_states_survive(small: ModuleType, tmp_path: Path) -> None:
    class Half(small.SmallNetwork):  # type: ignore[name-defined, misc]
        def loss(self, batch: Any, state: Any) -> Any:
            value, carried = super().loss(batch, None if state is None else state._replace(h=state.h.float()))
            return value, carried._replace(h=carried.h.bfloat16())

    def weights(source: Any, **rest: Any) -> bytes:
        torch.manual_seed(1)
        network = Half(carries=True)
        options = replace(small.OPTIONS, precision="bf16", epochs=2)
        fit(
            network,
            source,
            lambda n: 1.0 / (1 + abs(float(n.head.bias))),
            options,
            reporter=SilentReporter(),
            **rest,
        )
        return b"".join(t.numpy().tobytes() for t in network.state_dict().values())

    keep = Checkpoint(tmp_path / "c", every_steps=1)
    with pytest.raises(Killed):
        weights(Dying(small.SmallSource(), 1, 2), checkpoint=keep)
    assert read_model(tmp_path / "c").card["bfloat16"] == ["carried/0"]
    assert weights(small.SmallSource(), checkpoint=keep, resume=True) == weights(small.SmallSource())


def test_when_it_is_written_alters_nothing(small: ModuleType, tmp_path: Path) -> None:
    expected = result(small, small.SmallSource())
    often = Checkpoint(tmp_path / "often", every_steps=1, every_seconds=1e-9)
    assert result(small, small.SmallSource(), checkpoint=often) == expected
    assert result(small, small.SmallSource(), checkpoint=tmp_path / "seldom") == expected
    assert (tmp_path / "often").read_bytes() == (tmp_path / "seldom").read_bytes()


def test_it_is_written_after_so_many_seconds(
    small: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = iter(range(0, 10_000, 4))
    monkeypatch.setattr("unrolled.training.checkpoint.time.monotonic", lambda: float(next(clock)))
    with pytest.raises(Killed):
        keep = Checkpoint(tmp_path / "c", every_seconds=10)
        result(small, Dying(small.SmallSource(), 0, 4), checkpoint=keep)
    assert read_model(tmp_path / "c").card["position"] == {
        "epoch": 0,
        "index": 3,
    }  # written at 0 s, due at 12 s


def test_a_finished_run_is_answered_at_once(small: ModuleType, tmp_path: Path) -> None:
    expected = result(small, small.SmallSource(), checkpoint=tmp_path / "c")
    notes = Notes()
    asked = Dying(small.SmallSource(), 0, 0)
    assert result(small, asked, checkpoint=tmp_path / "c", resume=True, reporter=notes) == expected
    assert notes.notes == ["The run was complete already."]


def test_resuming_says_where_it_goes_on(small: ModuleType, tmp_path: Path) -> None:
    path, notes = tmp_path / "c", Notes()
    with pytest.raises(Killed):
        dying = Dying(small.SmallSource(), 1, 0)
        result(small, dying, checkpoint=path, resume=True, reporter=notes)
    with pytest.raises(Killed):
        dying = Dying(small.SmallSource(), 2, 3)
        result(small, dying, checkpoint=path, resume=True, reporter=notes)
    assert notes.notes == [
        f"No checkpoint at '{path}' yet: starting anew.",
        "Going on after 1 of 4 epochs.",
    ]


def test_a_run_is_never_overwritten_unasked(small: ModuleType, tmp_path: Path) -> None:
    result(small, small.SmallSource(), checkpoint=tmp_path / "c")
    before = (tmp_path / "c").read_bytes()
    with pytest.raises(ArgumentError) as caught:
        result(small, small.SmallSource(), checkpoint=tmp_path / "c")
    assert str(caught.value) == (
        f"checkpoint: expected a file that does not exist yet, got '{tmp_path / 'c'}'. "
        "Go on with it by resume=True, or delete it to start anew."
    )
    assert (tmp_path / "c").read_bytes() == before


def test_another_run_is_refused_by_name(small: ModuleType, tmp_path: Path) -> None:
    keep = Checkpoint(tmp_path / "c", fingerprint={"rows": 100, "columns": ("a", "b")})
    source = small.SmallSource()
    result(small, source, checkpoint=keep)

    def refused(told: Checkpoint = keep, source: Any = source, options: Any = small.OPTIONS) -> str:
        with pytest.raises(ArgumentError) as caught:
            result(small, source, options, checkpoint=told, resume=True)
        return str(caught.value)

    cure = "Go on with the same options and data, or start anew with another checkpoint file."
    other = replace(small.OPTIONS, learning_rate=0.5, epochs=9)
    assert refused(options=other) == (
        "checkpoint: expected the run it was begun for, with options.epochs=4, options.learning_rate=0.01, "
        f"got options.epochs=9, options.learning_rate=0.5. {cure}"
    )
    data = Checkpoint(tmp_path / "c", fingerprint={"rows": 90, "columns": ["a", "b"]})
    assert "with fingerprint.rows=100, got fingerprint.rows=90. " in refused(data)
    assert "with steps=5, got steps=6. " in refused(source=small.SmallSource(6))
    with pytest.raises(ArgumentError, match=r"with bias absent, got \(2,\)\. Go on with the same network"):
        fit(nn.Linear(2, 2), source, small.validate, small.OPTIONS, checkpoint=keep, resume=True)
    with pytest.raises(ArgumentError, match=r"with head\.weight \(1, 4\), got \(1, 5\)\."):
        network = small.network(hidden=5)
        fit(network, source, small.validate, small.OPTIONS, checkpoint=keep, resume=True)


def test_files_that_are_no_checkpoints_are_refused(small: ModuleType, tmp_path: Path) -> None:
    def refused(error: type[Exception]) -> str:
        with pytest.raises(error) as caught:
            result(small, small.SmallSource(), checkpoint=tmp_path / "c", resume=True)
        return str(caught.value)

    write_model(tmp_path / "c", new_card("model", "forecast", {}), {"w": np.zeros(2, np.float32)})
    assert "expected a checkpoint of a training run, got" in refused(ArgumentError)
    write_model(tmp_path / "c", new_card("checkpoint", "training", {}), {"w": np.zeros(2, np.float32)})
    assert "expected the contents of a checkpoint, got KeyError: 'identity'. Start anew" in refused(
        ModelFileError
    )
    (tmp_path / "c").unlink()
    result(small, small.SmallSource(), checkpoint=tmp_path / "c")
    data = bytearray((tmp_path / "c").read_bytes())
    data[-9] ^= 4
    (tmp_path / "c").write_bytes(data)
    assert "sha256" in refused(ModelFileError)


def test_a_fingerprint_is_made_of_plain_values(small: ModuleType, tmp_path: Path) -> None:
    keep = Checkpoint(tmp_path / "c", fingerprint={"rows": {1, 2}})
    with pytest.raises(
        ArgumentError, match=r"^fingerprint: expected plain values, got .*set.*\. Say what the data"
    ):
        result(small, small.SmallSource(), checkpoint=keep)


def test_ctrl_c_finishes_the_step_writes_and_says_how_to_go_on(small: ModuleType, tmp_path: Path) -> None:
    expected = result(small, small.SmallSource())
    path = tmp_path / "c"

    class Interrupted(Dying):
        def batch(self, epoch: int, index: int) -> Any:
            if (epoch, index) == self.last:
                signal.raise_signal(signal.SIGINT)
            return self.source.batch(epoch, index)

    with pytest.raises(TrainingInterrupted) as caught:
        result(small, Interrupted(small.SmallSource(), 1, 2), checkpoint=path)
    assert str(caught.value) == (
        "training: expected 4 epochs, got Ctrl-C in epoch 2 of 4, after batch 3 of 5. "
        f"Go on with resume=True and checkpoint='{path}' (--resume on the command line)."
    )
    assert read_model(path).card["position"] == {"epoch": 1, "index": 3}
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    assert result(small, small.SmallSource(), checkpoint=path, resume=True) == expected


def test_a_full_disk_leaves_the_former_checkpoint(
    small: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = result(small, small.SmallSource())
    path, write, writes = tmp_path / "c", os.fsync, []

    def full(number: int) -> None:
        writes.append(1)
        if len(writes) == 6:  # two for each whole writing: the file's and its folder's
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        write(number)

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(OutputError, match=r"no space left on device\. Free some space") as caught:
            result(small, small.SmallSource(), checkpoint=path)
    assert str(path) in str(caught.value)
    assert read_model(path).card["position"] in [{"epoch": 1, "index": 0}, {"epoch": 2, "index": 0}]
    assert os.listdir(tmp_path) == ["c"]
    assert result(small, small.SmallSource(), checkpoint=path, resume=True) == expected


def test_a_folder_that_is_not_there_is_found_before_the_work(small: ModuleType, tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="mkdir -p"):
        result(small, Dying(small.SmallSource(), 0, 0), checkpoint=tmp_path / "none" / "c")


def test_a_loss_that_is_not_finite_leaves_the_checkpoint(small: ModuleType, tmp_path: Path) -> None:
    def loss(network: Any, batch: Any, state: Any) -> Any:
        value, state = network.loss(batch, state)
        steps.append(1)
        return value * (float("nan") if len(steps) == 13 else 1.0), state

    steps: list[int] = []
    with pytest.raises(TrainingError, match="epoch 3 of 4, batch 3 of 5, step 13"):
        result(small, small.SmallSource(), loss=loss, checkpoint=tmp_path / "c")
    assert read_model(tmp_path / "c").card["position"] == {"epoch": 2, "index": 0}
    resumed = result(small, small.SmallSource(), checkpoint=tmp_path / "c", resume=True)
    assert resumed == result(small, small.SmallSource())
