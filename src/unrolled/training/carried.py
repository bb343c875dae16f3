"""The state a recurrent network carries from batch to batch: cut from its history, flattened, rebuilt.

A state is None, a tensor, or tuples, lists, dicts and unrolled's named states of these, nested at will.
Nothing else is taken, so that a checkpoint can hold every state without running code to rebuild it.
"""

from collections.abc import Callable
from typing import Any

from torch import Tensor

from unrolled import types
from unrolled.errors import ArgumentError, explain

NAMED = {name: kind for name, kind in vars(types).items() if hasattr(kind, "_fields")}


def detach(state: Any) -> Any:
    """The same state, cut from the computation that made it: truncated BPTT ends its gradient here."""
    structure, tensors = flatten(state)
    return rebuild(structure, {path: tensor.detach() for path, tensor in tensors.items()})


def flatten(state: Any, path: str = "carried") -> tuple[Any, dict[str, Tensor]]:
    """Take a state apart.

    Returns: its structure as plain values, and its tensors by path.
    Raises: ArgumentError if it is made of anything that could not be rebuilt.

    Example:
        >>> import torch
        >>> structure, tensors = flatten((types.GRUState(torch.ones(2)), None))
        >>> structure
        {'tuple': [{'GRUState': ['carried/0/0']}, None]}
        >>> tensors
        {'carried/0/0': tensor([1., 1.])}
    """
    tensors: dict[str, Tensor] = {}
    return _describe(state, path, tensors), tensors


def rebuild(structure: Any, tensors: dict[str, Tensor]) -> Any:
    """The state that `flatten` took apart."""
    if structure is None:
        return None
    if isinstance(structure, str):
        return tensors[structure]
    ((kind, inner),) = structure.items()
    if kind == "dict":
        return {key: rebuild(item, tensors) for key, item in inner.items()}
    return _maker(kind)([rebuild(item, tensors) for item in inner])


def _describe(state: Any, path: str, tensors: dict[str, Tensor]) -> Any:
    if state is None:
        return None
    if isinstance(state, Tensor):
        tensors[path] = state
        return path
    if isinstance(state, dict) and all(isinstance(key, str) for key in state):
        return {"dict": {key: _describe(item, f"{path}/{key}", tensors) for key, item in state.items()}}
    kind = type(state).__name__
    if type(state) in (tuple, list) or NAMED.get(kind) is type(state):
        return {kind: [_describe(item, f"{path}/{i}", tensors) for i, item in enumerate(state)]}
    cure = "Return one of these from the loss."
    raise ArgumentError(
        explain("state", f"tensors in tuples, lists, dicts, {', '.join(NAMED)}", f"a {kind}", cure)
    )


def _maker(kind: str) -> Callable[[list[Any]], Any]:
    plain: dict[str, Callable[[list[Any]], Any]] = {"tuple": tuple, "list": list}
    return plain[kind] if kind in plain else NAMED[kind]._make
