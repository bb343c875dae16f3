"""A Program as C99: one source, one header, one self-test."""

from unrolled.deploy.c.target import export_c as export_c
