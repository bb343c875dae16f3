import pytest
import torch

from unrolled.training import clip_gradients


def parameters() -> list[torch.Tensor]:
    first, second = torch.zeros(2, requires_grad=True), torch.zeros(1, 2, requires_grad=True)
    first.grad, second.grad = torch.tensor([1.0, 2.0]), torch.tensor([[4.0, 10.0]])  # norm 11
    return [first, second, torch.zeros(3, requires_grad=True)]


def gradients(owners: list[torch.Tensor]) -> list[float]:
    return [value for owner in owners if owner.grad is not None for value in owner.grad.flatten().tolist()]


def test_all_gradients_shrink_by_one_factor_to_the_limit() -> None:
    owners = parameters()
    norm, clipped = clip_gradients(owners, 5.5)
    assert (norm.item(), clipped.item()) == (11.0, True)
    assert gradients(owners) == pytest.approx([0.5, 1.0, 2.0, 5.0], rel=1e-5)


@pytest.mark.parametrize("limit", [0.0, 11.0, 12.0])
def test_within_the_limit_or_without_one_nothing_changes(limit: float) -> None:
    owners = parameters()
    norm, clipped = clip_gradients(owners, limit)
    assert (norm.item(), clipped.item()) == (11.0, False)
    assert gradients(owners) == pytest.approx([1.0, 2.0, 4.0, 10.0], rel=1e-6)


def test_a_gradient_that_is_not_a_number_shows_in_the_norm() -> None:
    owners = parameters()
    owners[0].grad = torch.tensor([float("nan"), 1.0])
    assert clip_gradients(owners, 1.0)[0].isnan()
