import pytest
import torch

from unrolled.errors import ArgumentError
from unrolled.training.carried import detach, flatten, rebuild
from unrolled.types import GRUState, LSTMState


def nested() -> tuple[object, ...]:
    h, c = torch.ones(2, requires_grad=True) * 2, torch.zeros(2)
    return (LSTMState(h, c), [GRUState(h + 1), None], {"ring": (c - 1,)})


def test_a_state_is_rebuilt_in_its_own_types() -> None:
    structure, tensors = flatten(nested())
    state = rebuild(structure, tensors)
    assert structure == {
        "tuple": [
            {"LSTMState": ["carried/0/0", "carried/0/1"]},
            {"list": [{"GRUState": ["carried/1/0/0"]}, None]},
            {"dict": {"ring": {"tuple": ["carried/2/ring/0"]}}},
        ]
    }
    assert isinstance(state[0], LSTMState)
    assert isinstance(state[1][0], GRUState)
    assert state[1][0].h.tolist() == [3.0, 3.0]
    assert state[2]["ring"][0].tolist() == [-1.0, -1.0]


def test_detached_states_have_no_history_and_the_same_numbers() -> None:
    state = nested()
    cut = detach(state)
    assert state[0].h.requires_grad
    assert not cut[0].h.requires_grad
    assert cut[0].h.tolist() == [2.0, 2.0]
    assert detach(None) is None


def test_a_state_that_could_not_be_rebuilt_is_refused() -> None:
    with pytest.raises(
        ArgumentError, match=r"state: expected tensors in tuples.*GRUState.*, got a float\. Return"
    ):
        flatten((torch.ones(1), 3.5))
