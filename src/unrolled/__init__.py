"""Recurrent networks: train them on your own sequences, see inside them, ship them as a stream."""

__version__ = "0.1.0"
