"""The model file: one safe file for weights and everything else (docs/format.md)."""

from unrolled.format.atomic import check_output, write_atomically
from unrolled.format.card import FORMAT, KINDS, array, choice, entries, field, new_card, real, whole
from unrolled.format.model_file import ModelFile, dump_model, read_card, read_model, write_model
from unrolled.format.told import naming

__all__ = [
    "FORMAT",
    "KINDS",
    "ModelFile",
    "array",
    "check_output",
    "choice",
    "dump_model",
    "entries",
    "field",
    "naming",
    "new_card",
    "read_card",
    "read_model",
    "real",
    "whole",
    "write_atomically",
    "write_model",
]
