"""What an ONNX file computes from constants and sizes alone, computed once by onnx's own reference."""

from math import prod
from typing import Any

import numpy as np

from unrolled.arguments import part
from unrolled.deploy.onnx_import_graph import Array, OnnxCall

MOST_ELEMENTS = 1 << 27  # of an array that is made so
OPERATORS = frozenset(
    "Abs Add And Cast CastLike Ceil Clip Concat Constant ConstantOfShape Div Equal Exp Expand Flatten Floor "
    "Gather Gemm Greater GreaterOrEqual Identity Less LessOrEqual Log MatMul Max Min Mod Mul Neg Not Or Pow "
    "Range Reciprocal ReduceMax ReduceMean ReduceMin ReduceProd ReduceSum Relu Reshape Shape Sigmoid Sign "
    "Size Slice Split Sqrt Squeeze Sub Tanh Tile Transpose Unsqueeze Where".split()
)


def fold(node: Any, call: OnnxCall) -> list[Array]:
    """The outputs of a node whose inputs are all constants.

    Raises: ModelFileError for an operator that is not computed so, or more numbers than a model may make.
    """
    if node.op_type not in OPERATORS:
        expected = "an operator that a Program has an equal of, or one of constants"
        raise call.refused(expected, node.op_type)
    try:
        size = _result_size(call)
        if size > MOST_ELEMENTS:
            raise call.refused(f"at most {MOST_ELEMENTS} numbers", f"{size:.3g}")
        session = part("onnx.reference", "onnx").ReferenceEvaluator(node, opsets={"": call.opset})
        given = {name: v for name, v in zip(node.input, call.operands, strict=True) if name}
        return [np.asarray(made) for made in session.run(None, given)]
    except (ArithmeticError, AttributeError, LookupError, MemoryError, RuntimeError) as error:
        raise call.refused("constants that can be computed", _told(error)) from None
    except (TypeError, ValueError) as error:
        raise call.refused("constants that fit their operator", _told(error)) from None


def _told(error: Exception) -> str:
    return " ".join(str(error).split())[:80] or type(error).__name__


def _result_size(call: OnnxCall) -> float:
    """How many numbers a node makes, at most; a float, as it may be beyond any whole number of numpy."""
    arrays = [np.asarray(operand) for operand in call.operands if operand is not None]
    if call.operator in ("ConstantOfShape", "Expand", "Tile"):
        sizes = float(np.prod(np.abs(arrays[-1].astype(np.float64))))
        return sizes * (arrays[0].size if call.operator != "ConstantOfShape" else 1)
    if call.operator == "Range":
        start, stop, step = (float(array.ravel()[0]) for array in arrays)
        return abs((stop - start) / step)
    if call.operator in ("MatMul", "Gemm"):
        return float(prod(arrays[0].shape[:-1])) * max(arrays[1].shape[-1:], default=1) * 1.0
    try:
        return float(prod(np.broadcast_shapes(*(array.shape for array in arrays))))
    except ValueError:  # not joined element by element
        return float(sum(array.size for array in arrays))
