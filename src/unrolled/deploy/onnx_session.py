"""ONNX Runtime, on one thread of the CPU."""

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
    return runtime.InferenceSession(source, options, providers=["CPUExecutionProvider"])
