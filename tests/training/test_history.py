from unrolled.training import EpochRecord, History
from unrolled.training.history import EpochSums


def record(validation: float) -> EpochRecord:
    return EpochRecord(1.0, validation, 0.5, 2.0, 0.01)


def test_the_untrained_network_can_be_the_best() -> None:
    history = History(1.0, [record(1.5), record(1.0)])
    assert (history.best_epoch, history.best, history.stale_epochs) == (0, 1.0, 2)


def test_the_first_of_equals_is_the_best() -> None:
    history = History(3.0, [record(2.0), record(1.0), record(1.0)])
    assert (history.best_epoch, history.stale_epochs) == (2, 1)


def test_the_card_makes_an_equal_history_again_and_has_no_durations() -> None:
    history = History(3.0, [record(2.0), record(0.1 + 0.2)])
    assert History.from_card(history.card()) == history
    assert history.card() == {
        "untrained": 3.0,
        "best": 0.1 + 0.2,
        "best_epoch": 2,
        "epochs": [
            {
                "train_loss": 1.0,
                "validation": v,
                "clip_rate": 0.5,
                "gradient_norm": 2.0,
                "learning_rate": 0.01,
            }
            for v in (2.0, 0.1 + 0.2)
        ],
    }


def test_sums_become_means() -> None:
    sums = EpochSums()
    for loss, norm, clipped in [(1.0, 2.0, True), (2.0, 4.0, False), (3.0, 0.0, False), (6.0, 2.0, False)]:
        sums.add(loss, norm, clipped)
    assert sums.record(0.5, 0.01) == EpochRecord(3.0, 0.5, 0.25, 2.0, 0.01)
