"""`unrolled train lm text.txt` and `mlm`: what comes next in a text, and what stands in a blank."""

from typing import Annotated

import typer

from unrolled.cli import options
from unrolled.cli.options import COLUMNS, FLAG, FORECAST, NETWORK, TRAINING, option
from unrolled.cli.tasks import options as training
from unrolled.cli.tasks.run import train

EXAMPLE_LM = "unrolled train lm shakespeare.txt -o m.unrolled"
EXAMPLE_MLM = "unrolled train mlm sentences.txt -o m.unrolled"

Text = Annotated[
    str, typer.Argument(metavar="TEXT", help="A text file, a folder of them, or a table.", show_default=False)
]
Lines = Annotated[
    bool | None, option("Each line is a text of its own.", "--lines", metavar=FLAG, panel=COLUMNS)
]
Column = Annotated[str | None, option("The column of a table's texts.", metavar="COLUMN", panel=COLUMNS)]
Encoding = Annotated[str | None, option("Of a text file; utf-8.", panel=COLUMNS)]
Tokenizer = Annotated[str | None, option("characters, words, spaces or bpe.", panel=FORECAST)]
Lowercase = Annotated[
    bool | None, option("All in small letters.", "--lowercase", metavar=FLAG, panel=FORECAST)
]
MinCount = Annotated[int | None, option("Rarer tokens are unknown.", panel=FORECAST)]
Vocabulary = Annotated[int | None, option("Different tokens at most.", "--vocabulary", panel=FORECAST)]
Embedding = Annotated[int | None, option("Numbers that stand for a token.", "--embedding", panel=NETWORK)]
Tied = Annotated[
    bool | None, option("One table to read and to answer.", "--tied/--untied", metavar=FLAG, panel=NETWORK)
]
Residual = Annotated[
    bool | None, option("Each layer adds what it reads.", "--residual", metavar=FLAG, panel=NETWORK)
]
Dropout = Annotated[float | None, option("Locked, between layers and before the answer.", panel=NETWORK)]
InputDropout = Annotated[float | None, option("Locked, of the embeddings.", panel=NETWORK)]
EmbeddingDropout = Annotated[float | None, option("Of whole words.", panel=NETWORK)]
WeightDrop = Annotated[float | None, option("Of recurrent weights.", panel=NETWORK)]
Ar = Annotated[float | None, option("Weight of the mean square of the outputs.", panel=TRAINING)]
Tar = Annotated[float | None, option("Weight of the mean square of their change.", panel=TRAINING)]
BatchSize = Annotated[int | None, option("Lanes of the text in a step.", panel=TRAINING)]
Bptt = Annotated[int | None, option("Tokens of a lane in a step.", panel=TRAINING)]
Optimizer = Annotated[str | None, option("adamw or nt-asgd.", panel=TRAINING)]
Decay = Annotated[float | None, option("Weight decay.", "--weight-decay", panel=TRAINING)]
Average = Annotated[float | None, option("Of the weights, such as 0.999; 0: off.", panel=TRAINING)]


def lm(
    data: Text,
    out: training.Out,
    as_json: options.AsJson = False,
    lines: Lines = None,
    text: Column = None,
    encoding: Encoding = None,
    split: training.Split = None,
    tokenizer: Tokenizer = None,
    lowercase: Lowercase = None,
    min_count: MinCount = None,
    vocabulary_size: Vocabulary = None,
    cell: training.Cell = None,
    hidden: training.Hidden = None,
    layers: training.Layers = None,
    embedding_size: Embedding = None,
    tied: Tied = None,
    residual: Residual = None,
    layer_norm: training.LayerNorm = None,
    dropout: Dropout = None,
    input_dropout: InputDropout = None,
    embedding_dropout: EmbeddingDropout = None,
    weight_drop: WeightDrop = None,
    ar: Ar = None,
    tar: Tar = None,
    epochs: training.Epochs = None,
    batch_size: BatchSize = None,
    bptt: Bptt = None,
    optimizer: Optimizer = None,
    lr: training.Lr = None,
    weight_decay: Decay = None,
    average: Average = None,
    clip: training.Clip = None,
    patience: training.Patience = None,
    precision: training.Precision = None,
    seed: training.Seed = None,
    device: training.Device = None,
    checkpoint: training.Checkpoint = None,
    resume: training.Resume = None,
    watch: training.Watch = None,
) -> None:
    """Predict what comes next in a text: a language model of characters, words or pieces of words.

    What is not given is the task's usual value; the printed summary names it. Then: unrolled generate.
    """
    train("LanguageModel", (data,), locals())


def mlm(
    data: Text,
    out: training.Out,
    as_json: options.AsJson = False,
    text: Column = None,
    encoding: Encoding = None,
    split: training.Split = None,
    tokenizer: Tokenizer = None,
    lowercase: Lowercase = None,
    min_count: MinCount = None,
    vocabulary_size: Vocabulary = None,
    cell: training.Cell = None,
    hidden: training.Hidden = None,
    layers: training.Layers = None,
    embedding_size: Embedding = None,
    tied: Tied = None,
    residual: Residual = None,
    layer_norm: training.LayerNorm = None,
    dropout: Dropout = None,
    input_dropout: InputDropout = None,
    embedding_dropout: EmbeddingDropout = None,
    weight_drop: WeightDrop = None,
    epochs: training.Epochs = None,
    batch_size: BatchSize = None,
    bptt: Bptt = None,
    optimizer: Optimizer = None,
    lr: training.Lr = None,
    weight_decay: Decay = None,
    average: Average = None,
    clip: training.Clip = None,
    patience: training.Patience = None,
    precision: training.Precision = None,
    seed: training.Seed = None,
    device: training.Device = None,
    checkpoint: training.Checkpoint = None,
    resume: training.Resume = None,
    watch: training.Watch = None,
) -> None:
    """Find the word that stands in a blank, from both sides: a masked language model.

    Each line is a text of its own; a step takes the lanes times the tokens of a lane. Then: unrolled fill.
    """
    train("MaskedLanguageModel", (data,), locals())
