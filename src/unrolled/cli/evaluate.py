"""`unrolled evaluate model.unrolled data.csv`: the scores on unseen data, beside the baselines."""

from unrolled import arguments
from unrolled.cli import options, output

EXAMPLE = "unrolled evaluate m.unrolled data.csv"


def evaluate(model: options.ModelPath, data: options.Data, as_json: options.AsJson = False) -> None:
    """Score a model on data that it has not seen, beside the plain baselines, with the verdict.

    A forecaster is scored on the rows after its training period, the others on new sequences.
    """
    arguments.part("torch", "train")
    import unrolled

    output.evaluation(unrolled.load(model).evaluate(data), as_json)
