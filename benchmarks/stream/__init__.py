"""One streamed step against ONNX Runtime and torch.nn, the native step against the FMA peak, pools, int8."""
