"""`unrolled train TASK`: the tasks, each with options of its own."""

import typer

from unrolled.cli.tasks import forecast, language, sequence, text, translate

# Each task's command and an example of it.
TASKS = (
    (forecast.forecast, forecast.EXAMPLE),
    (sequence.classify, sequence.EXAMPLE_CLASSIFY),
    (sequence.regress, sequence.EXAMPLE_REGRESS),
    (text.tag, text.EXAMPLE_TAG),
    (language.lm, language.EXAMPLE_LM),
    (language.mlm, language.EXAMPLE_MLM),
    (translate.translate, translate.EXAMPLE),
)

app = typer.Typer(
    help="Train a recurrent network, judge it beside the plain baselines, save one file.",
    epilog=f"[bold]Example:[/] {forecast.EXAMPLE}",
    no_args_is_help=True,
    subcommand_metavar="TASK [ARGS]...",
)
for command, example in TASKS:
    app.command(epilog=f"[bold]Example:[/] {example}")(command)
