import pytest

from unrolled.cli.wording import for_the_shell
from unrolled.errors import ArgumentError, DataError, TrainingInterrupted


@pytest.mark.parametrize(
    ("kind", "python", "shell"),
    [
        (
            TrainingInterrupted,
            "training: expected 5 epochs, got Ctrl-C. "
            "Go on with resume=True and checkpoint='my run.ck' (--resume on the command line).",
            "training: expected 5 epochs, got Ctrl-C. Go on with --resume and --checkpoint 'my run.ck'.",
        ),
        (
            ArgumentError,
            "future: expected 3 rows, got none. Pass future= (--future on the command line) with them.",
            "--future: expected 3 rows, got none. Pass --future with them.",
        ),
        (
            DataError,
            "label: expected numbers. Classes? Use SequenceClassifier (classify on the command line).",
            "label: expected numbers. Classes? Use 'unrolled train classify'.",
        ),
        (
            ArgumentError,
            "resume: expected a checkpoint, got checkpoint=None. Name it: checkpoint='run.checkpoint'.",
            "--resume: expected a checkpoint, got no --checkpoint. Name it: --checkpoint run.checkpoint.",
        ),
        (
            ArgumentError,
            "loss: expected finite numbers. Try a lower learning_rate, a longer warmup or precision='fp32'.",
            "loss: expected finite numbers. Try a lower --lr, a longer warmup or --precision fp32.",
        ),
        (
            ArgumentError,
            "checkpoint: expected fingerprint.batch_size=128, got fingerprint.batch_size=64.",
            "--checkpoint: expected fingerprint.batch_size=128, got fingerprint.batch_size=64.",
        ),
        (DataError, "time: expected stamps, got 'x'.", "time: expected stamps, got 'x'."),
        (ArgumentError, "target, row 3: expected a number.", "target, row 3: expected a number."),
    ],
)
def test_arguments_are_called_what_they_are_called_in_the_shell(kind, python, shell):
    assert for_the_shell(kind(python)) == shell
