"""ONNX Runtime, on one thread of the CPU."""

from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path
from typing import Any

from unrolled.arguments import part


def open_session(model: Path | bytes) -> Any:
    """An onnxruntime.InferenceSession of a file or of its bytes.

    One thread: the graphs are small, and its waiting threads would take a core each.
    """
    runtime = part("onnxruntime", "onnx")
    options = runtime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 4  # what goes wrong is told by an error
    source = model if isinstance(model, bytes) else str(model)
    # of a model that it cannot take it prints a line before it raises: standard output is a command's answer
    with redirect_stdout(StringIO()):
        return runtime.InferenceSession(source, options, providers=["CPUExecutionProvider"])
