"""A fitted forecaster as a Program: its network's graph with the columns of the user's rows."""

from unrolled.data import Step
from unrolled.models import RecursiveNetwork
from unrolled.runtime import Column, Columns, Interval, Program
from unrolled.tasks.forecast.inputs import COVARIATES, MASKABLE, ForecastInputs
from unrolled.tasks.forecast.run import ForecastNetwork


def program_of(
    network: ForecastNetwork, inputs: ForecastInputs, step: Step | None, paths: int, seed: int
) -> Program:
    """The network lowered, its inputs named after the columns, its time features made from the stamp."""
    phases = inputs.time_features.phases if inputs.time_features else ()
    recursive = isinstance(network, RecursiveNetwork)
    program = network.lower(paths=paths, seed=seed) if recursive else network.lower()
    return program.with_columns(columns_of(inputs, step), phases)


def columns_of(inputs: ForecastInputs, step: Step | None) -> Columns:
    """The columns of a row in the order of the roles: what may be missing, which words they may hold."""
    columns = []
    for role in ("target", *COVARIATES):
        for name in getattr(inputs.roles, role):
            words = inputs.vocabularies[name].words if name in inputs.vocabularies else None
            missing = (role in MASKABLE and role in inputs.masked) or (words is not None and role != "known")
            columns.append(Column(name, role, missing, words))
    stamped = inputs.time_features is not None and bool(inputs.time_features.phases)
    return Columns(
        tuple(columns),
        stamp=("time" if len(inputs.roles.time) > 1 else inputs.roles.time[0]) if stamped else None,
        interval=None if step is None else Interval(step.unit, step.size, step.day),
        series=inputs.series_names,
        series_column=inputs.roles.series,
        unread=tuple(name for name in inputs.roles.time if not stamped or len(inputs.roles.time) > 1),
    )
