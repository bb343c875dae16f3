import pytest

from unrolled.errors import ArgumentError
from unrolled.training import TrainingOptions


@pytest.mark.parametrize(
    ("name", "value", "cure"),
    [
        ("epochs", -1, "0 trains nothing"),
        ("epochs", 2.5, "0 trains nothing"),
        ("learning_rate", 0, "0.001 is a good first try"),
        ("learning_rate", float("nan"), ""),
        ("weight_decay", -0.1, "0 turns it off"),
        ("clip", -1.0, "0 turns clipping off"),
        ("warmup", -0.5, "fraction of all steps"),
        ("warmup", 1.5, "a fraction is below 1"),
        ("schedule", "cosin", "Did you mean 'cosine'?"),
        ("patience", -3, "0 never ends early"),
        ("precision", "fp16", "Did you mean 'bf16'?"),
        ("seed", -1, "from 0 on"),
        ("seed", 2**63, "Any smaller one"),
        ("average", 1.0, "0.999 is usual"),
    ],
)
def test_a_wrong_option_is_named_with_its_value_and_a_cure(name: str, value: object, cure: str) -> None:
    with pytest.raises(ArgumentError) as caught:
        TrainingOptions(**{name: value})
    message = str(caught.value)
    assert message.startswith(f"{name}: expected ")
    assert repr(value) in message
    assert cure in message
    assert "\n" not in message


def test_the_card_makes_equal_options_again() -> None:
    options = TrainingOptions(epochs=3, warmup=0.1, schedule="decay", average=0.99)
    assert TrainingOptions(**options.card()) == options
    assert options.card()["schedule"] == "decay"
