"""Forecasts of real series, by the protocols of docs/data.md, beside the plain baselines."""
