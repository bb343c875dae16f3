import pytest
import torch

from unrolled.errors import BackendError
from unrolled.training import autocast, choose_device, reproducible, seed_everything, to_device
from unrolled.types import GRUState


def test_auto_takes_what_is_there() -> None:
    assert choose_device("auto").type == ("cuda" if torch.cuda.is_available() else "cpu")


@pytest.mark.parametrize("name", ["gpu", "cuda:99", "meta", ""])
def test_a_device_that_is_not_there_is_refused(name: str) -> None:
    with pytest.raises(
        BackendError, match=r"^device: expected one of cpu.*, got '.*'\. Choose one"
    ) as caught:
        choose_device(name)
    assert repr(name) in str(caught.value)


def test_bf16_computes_products_in_bf16() -> None:
    layer, x = torch.nn.Linear(2, 2), torch.ones(1, 2)
    with autocast(torch.device("cpu"), "bf16"):
        assert layer(x).dtype == torch.bfloat16
    with autocast(torch.device("cpu"), "fp32"):
        assert layer(x).dtype == torch.float32


def test_bf16_is_refused_where_it_cannot_be_computed() -> None:
    with pytest.raises(
        BackendError, match=r"^precision: expected one that meta can compute, got 'bf16'\. Use"
    ):
        autocast(torch.device("meta"), "bf16")


def test_seeds_repeat_and_the_caller_keeps_its_own_random_numbers() -> None:
    torch.manual_seed(7)
    expected = torch.rand(3)
    torch.manual_seed(7)
    with reproducible(torch.device("cpu"), 3):
        assert torch.get_deterministic_debug_mode() == 2
        first = torch.rand(3)
    assert torch.equal(torch.rand(3), expected)
    assert torch.get_deterministic_debug_mode() == 0
    seed_everything(3)
    assert torch.equal(torch.rand(3), first)


def test_a_batch_keeps_its_form_on_its_way() -> None:
    batch = {
        "x": torch.ones(2),
        "names": ["a"],
        "state": GRUState(torch.zeros(1)),
        "pair": (torch.ones(1), 3),
    }
    moved = to_device(batch, torch.device("meta"))
    assert moved["x"].device.type == moved["state"].h.device.type == moved["pair"][0].device.type == "meta"
    assert isinstance(moved["state"], GRUState)
    assert (moved["names"], moved["pair"][1]) == (["a"], 3)
