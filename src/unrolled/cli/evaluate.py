"""`unrolled evaluate model.unrolled data.csv`: the scores on rows the model has not seen, beside the baselines."""

from unrolled import arguments
from unrolled.cli import options, output


def evaluate(model: options.ModelPath, data: options.Data, as_json: options.AsJson = False) -> None:
    """Score a model on rows after its training period, beside the plain baselines, with the verdict.

    Example: unrolled evaluate co2.unrolled co2.csv
    """
    arguments.part("torch", "train")
    import unrolled

    output.evaluation(unrolled.load(model).evaluate(data), as_json)
