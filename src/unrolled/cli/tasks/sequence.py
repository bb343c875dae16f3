"""`unrolled train classify data.csv` and `regress`: a label or a number for a sequence, a text, or each
step.
"""

from pathlib import Path
from typing import Annotated

from unrolled.cli import options
from unrolled.cli.options import FLAG, FORECAST, NETWORK, TRAINING, option
from unrolled.cli.tasks import options as training
from unrolled.cli.tasks import text as texts
from unrolled.cli.tasks.run import train

TABLES = (".csv", ".tsv", ".parquet", ".pq")
EXAMPLE_CLASSIFY = "unrolled train classify moves.csv --series id --time t --target label -o m.unrolled"
EXAMPLE_REGRESS = "unrolled train regress engines.csv --series unit --time cycle --target life -o m.unrolled"

Head = Annotated[str | None, option("last, mean or every.", panel=FORECAST)]
ClassWeight = Annotated[str | None, option("'balanced': each class counts alike.", panel=FORECAST)]
BatchSize = Annotated[int | None, option("Sequences in a step.", panel=TRAINING)]
BothWays = Annotated[bool | None, option("Read both ways.", "--bidirectional", metavar=FLAG, panel=NETWORK)]
Tokens = Annotated[str | None, option("words, spaces, characters or bpe (texts).", panel=FORECAST)]
Pool = Annotated[str | None, option("last, max, mean or attention (texts).", panel=NETWORK)]


def classify(
    data: options.Data,
    out: training.Out,
    plot: options.Plot = None,
    as_json: options.AsJson = False,
    time: options.Time = None,
    target: options.Target = None,
    series: options.Series = None,
    past: options.Past = None,
    text: texts.Text = None,
    validation: texts.Validation = None,
    test: texts.Test = None,
    encoding: texts.Encoding = None,
    split: training.Split = None,
    head: Head = None,
    class_weight: ClassWeight = None,
    tokenizer: Tokens = None,
    min_count: texts.MinCount = None,
    vectors: texts.Vectors = None,
    frozen: texts.Frozen = None,
    cell: training.Cell = None,
    hidden: training.Hidden = None,
    layers: training.Layers = None,
    pool: Pool = None,
    embedding_size: texts.Embedding = None,
    bidirectional: texts.BothWays = None,
    dropout: training.Dropout = None,
    input_dropout: texts.InputDropout = None,
    word_dropout: texts.WordDropout = None,
    forget_bias: training.ForgetBias = None,
    memory: training.Memory = None,
    orthogonal: training.Orthogonal = None,
    layer_norm: training.LayerNorm = None,
    epochs: training.Epochs = None,
    batch_size: BatchSize = None,
    batch_tokens: texts.BatchTokens = None,
    lr: training.Lr = None,
    clip: training.Clip = None,
    patience: training.Patience = None,
    precision: training.Precision = None,
    seed: training.Seed = None,
    device: training.Device = None,
    checkpoint: training.Checkpoint = None,
    resume: training.Resume = None,
    watch: training.Watch = None,
) -> None:
    """Label sequences, or each of their steps; or texts.

    Texts are a column of a table (--text), or a file for each class: a folder, or a pattern in quotes.
    What is not given is chosen by the data, or is the task's usual value; the printed summary names it.
    """
    given = locals()
    train(classifier_of(data, text), (data,), given)


def classifier_of(data: str, text: str | None) -> str:
    """The task that labels this data: texts where a column holds them, or where it is no table."""
    of_texts = text is not None or Path(data).suffix.lower() not in TABLES
    return "TextClassifier" if of_texts else "SequenceClassifier"


def regress(
    data: options.Data,
    out: training.Out,
    as_json: options.AsJson = False,
    time: options.Time = None,
    target: options.Target = None,
    series: options.Series = None,
    past: options.Past = None,
    split: training.Split = None,
    head: Head = None,
    cell: training.Cell = None,
    hidden: training.Hidden = None,
    layers: training.Layers = None,
    bidirectional: BothWays = None,
    dropout: training.Dropout = None,
    forget_bias: training.ForgetBias = None,
    memory: training.Memory = None,
    orthogonal: training.Orthogonal = None,
    layer_norm: training.LayerNorm = None,
    epochs: training.Epochs = None,
    batch_size: BatchSize = None,
    lr: training.Lr = None,
    clip: training.Clip = None,
    patience: training.Patience = None,
    precision: training.Precision = None,
    seed: training.Seed = None,
    device: training.Device = None,
    checkpoint: training.Checkpoint = None,
    resume: training.Resume = None,
    watch: training.Watch = None,
) -> None:
    """Rate sequences, or each of their steps, with a number.

    What is not given is chosen by the data, or is the task's usual value; the printed summary names it.
    """
    train("SequenceRegressor", (data,), locals())
