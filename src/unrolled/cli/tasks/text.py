"""`unrolled train tag data.conll`: a tag for each word; and the options that texts have."""

from typing import Annotated

import typer

from unrolled.cli import options
from unrolled.cli.options import COLUMNS, FLAG, FORECAST, NETWORK, TRAINING, option
from unrolled.cli.tasks import options as training
from unrolled.cli.tasks.run import train

EXAMPLE_TAG = "unrolled train tag train.conll --validation dev.conll --test test.conll -o m.unrolled"

Sentences = Annotated[
    str, typer.Argument(metavar="DATA", help="A word and its tag a line (CoNLL).", show_default=False)
]
Text = Annotated[str | None, option("The column that holds a text.", metavar="COLUMN", panel=COLUMNS)]
Validation = Annotated[str | None, option("Where to stop by (texts).", metavar="FILE", panel=COLUMNS)]
Test = Annotated[str | None, option("What to judge by (texts).", metavar="FILE", panel=COLUMNS)]
Encoding = Annotated[str | None, option("Of text files; utf-8.", panel=COLUMNS)]
MinCount = Annotated[int | None, option("Rarer words are unknown (texts).", panel=FORECAST)]
Vectors = Annotated[str | None, option("Pretrained word vectors, as text.", metavar="FILE", panel=NETWORK)]
Frozen = Annotated[bool | None, option("Leave them as they are.", "--frozen", metavar=FLAG, panel=NETWORK)]
Embedding = Annotated[
    int | None, option("Numbers that stand for a word (texts).", "--embedding", panel=NETWORK)
]
BothWays = Annotated[
    bool | None, option("Read both ways, or not.", "--bidirectional/--one-way", metavar=FLAG, panel=NETWORK)
]
InputDropout = Annotated[float | None, option("Share of a word's numbers dropped (texts).", panel=TRAINING)]
WordDropout = Annotated[float | None, option("Share of words read as unknown (texts).", panel=TRAINING)]
BatchTokens = Annotated[int | None, option("Words in a step (texts).", panel=TRAINING)]
TagColumn = Annotated[
    int | None, option("The tags' column, from 0; the last one.", metavar="N", panel=COLUMNS)
]
Scheme = Annotated[str | None, option("iob1, bio, bioes or plain; found by itself.", panel=FORECAST)]
Repair = Annotated[
    bool | None, option("Read invalid tags as CoNLL does.", "--repair", metavar=FLAG, panel=FORECAST)
]
Chain = Annotated[
    bool | None, option("A CRF on top, or none.", "--crf/--no-crf", metavar=FLAG, panel=NETWORK)
]
Characters = Annotated[str | None, option("Read words by letters: lstm, cnn, none.", panel=NETWORK)]


def tag(
    data: Sentences,
    out: training.Out,
    as_json: options.AsJson = False,
    validation: Validation = None,
    test: Test = None,
    column: TagColumn = None,
    encoding: Encoding = None,
    split: training.Split = None,
    scheme: Scheme = None,
    repair: Repair = None,
    min_count: MinCount = None,
    vectors: Vectors = None,
    frozen: Frozen = None,
    cell: training.Cell = None,
    hidden: training.Hidden = None,
    layers: training.Layers = None,
    embedding_size: Embedding = None,
    characters: Characters = None,
    crf: Chain = None,
    bidirectional: BothWays = None,
    dropout: training.Dropout = None,
    input_dropout: InputDropout = None,
    word_dropout: WordDropout = None,
    forget_bias: training.ForgetBias = None,
    memory: training.Memory = None,
    orthogonal: training.Orthogonal = None,
    layer_norm: training.LayerNorm = None,
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
    """Tag the words of sentences: names, places, parts of speech.

    What is not given is chosen by the data, or is the task's usual value; the printed summary names it.
    """
    train("Tagger", (data,), locals())
