"""`unrolled train translate a.txt b.txt`: write one string from another."""

from typing import Annotated

import typer

from unrolled.cli import options
from unrolled.cli.options import COLUMNS, FLAG, FORECAST, NETWORK, TRAINING, option
from unrolled.cli.tasks import options as training
from unrolled.cli.tasks.run import train

EXAMPLE = "unrolled train translate train.de train.en --validation val.de val.en -o m.unrolled"

Source = Annotated[
    str, typer.Argument(metavar="SOURCE", help="A text file, a text a line.", show_default=False)
]
Target = Annotated[
    str, typer.Argument(metavar="TARGET", help="What they become, line by line.", show_default=False)
]
Table = Annotated[
    str | None,
    option(
        "SOURCE and TARGET are columns of this .csv, .tsv or .parquet file.", metavar="FILE", panel=COLUMNS
    ),
]
Pair = tuple[str, str]
Validation = Annotated[Pair | None, option("Two files to stop by.", metavar="SOURCE TARGET", panel=COLUMNS)]
Test = Annotated[Pair | None, option("Two files to judge by.", metavar="SOURCE TARGET", panel=COLUMNS)]
Encoding = Annotated[str | None, option("Of the text files; utf-8.", panel=COLUMNS)]
Tokenizer = Annotated[str | None, option("bpe, words, spaces or characters.", panel=FORECAST)]
TargetTokenizer = Annotated[str | None, option("Of the target, where they differ.", panel=FORECAST)]
VocabularySize = Annotated[int | None, option("Tokens of each side at most.", "--vocabulary", panel=FORECAST)]
MinCount = Annotated[int | None, option("Rarer tokens are unknown.", panel=FORECAST)]
Lowercase = Annotated[
    bool | None, option("All in small letters.", "--lowercase", metavar=FLAG, panel=FORECAST)
]
Attention = Annotated[str | None, option("luong, bahdanau or none.", panel=NETWORK)]
Feeding = Annotated[
    bool | None, option("Feed attention back (luong).", "--input-feeding", metavar=FLAG, panel=NETWORK)
]
Coverage = Annotated[
    bool | None, option("Know where it has looked (bahdanau).", "--coverage", metavar=FLAG, panel=NETWORK)
]
Embedding = Annotated[int | None, option("Numbers that stand for a token.", "--embedding", panel=NETWORK)]
Smoothing = Annotated[float | None, option("Share of label smoothing.", panel=TRAINING)]
Sampling = Annotated[float | None, option("Share of scheduled sampling in the last epoch.", panel=TRAINING)]
BatchTokens = Annotated[int | None, option("Tokens in a step.", panel=TRAINING)]


def translate(
    source: Source,
    target: Target,
    out: training.Out,
    as_json: options.AsJson = False,
    table: Table = None,
    validation: Validation = None,
    test: Test = None,
    split: training.Split = None,
    encoding: Encoding = None,
    tokenizer: Tokenizer = None,
    target_tokenizer: TargetTokenizer = None,
    vocabulary_size: VocabularySize = None,
    min_count: MinCount = None,
    lowercase: Lowercase = None,
    cell: training.Cell = None,
    hidden: training.Hidden = None,
    embedding_size: Embedding = None,
    layers: training.Layers = None,
    attention: Attention = None,
    input_feeding: Feeding = None,
    coverage: Coverage = None,
    dropout: training.Dropout = None,
    smoothing: Smoothing = None,
    sampling: Sampling = None,
    epochs: training.Epochs = None,
    batch_tokens: BatchTokens = None,
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
    """Write one string from another: translate, spell, pronounce.

    What is not given has the task's usual value; the printed summary names it.
    """
    given = locals()
    del given["source"], given["target"]
    train("Translator", (source, target), given)
