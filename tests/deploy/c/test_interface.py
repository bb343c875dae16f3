"""Names: whatever a user calls things, the C is valid, and says which column is wrong."""

import re
import subprocess

import numpy as np
from drawn_programs import lowered, sequence

from unrolled.deploy import export, replay
from unrolled.deploy.c.interface import Interface
from unrolled.deploy.names import identifier
from unrolled.models import build
from unrolled.runtime import Column, Columns, Program


def with_names(*names: str, words: tuple[str, ...] = ()) -> Program:
    """A sequence model whose columns have these names, the last one text where there are words."""
    program = sequence({"features": len(names), "classes": 2}, hidden=3)
    return program.with_columns(Columns(tuple(Column(name, "x") for name in names)))


def test_words_of_c_signs_and_equal_names_are_made_safe(tmp_path):
    names = ("int", "row", "a*/b", "a b", "a-b", "1st", "état ??/", "温度")
    done = export(with_names(*names), tmp_path / "2 for", to="c")
    header = done.files[1].read_text(encoding="ascii")
    assert done.files[1].name == "n2_for.h"
    members = re.findall(r"^    float (\w+); /\*", header, re.MULTILINE)
    assert members == ["int_", "row", "a_b", "a_b_2", "a_b_3", "n1st", "etat", "unnamed"]
    strict = ["-std=c99", "-Wall", "-Wextra", "-pedantic", "-Werror"]
    files = ["n2_for.c", "n2_for_test.c", "-lm", "-o", "t"]
    subprocess.run(["gcc", *strict, *files], cwd=tmp_path / "2 for", check=True)


def test_constants_of_words_and_of_errors_are_all_different():
    columns = (
        Column("bad", "past", words=("a", "target")),
        Column("target", "target"),
        Column("bad a", "past", words=("X", "flash", "x")),
        Column("bad_a_x", "past"),
    )
    network = build(
        {
            "kind": "direct",
            "shape": {"history": 4, "horizon": 2, "past": 1, "past_codes": [3, 4]},
            "hidden": 3,
        }
    )
    interface = Interface(network.eval().lower().with_columns(Columns(columns)), "m")
    constants = [one.constant for one in interface.row] + [c for _, own, _ in interface.enums for c in own]
    assert len(set(constants)) == len(constants) == 4 + 3 + 4
    assert "M_BAD_UNKNOWN" in constants and all(name == identifier(name).upper() for name in constants)


CHECK = """
#include "w.h"
#include <math.h>
#include <stdio.h>
#include <string.h>
int main(void)
{
    static w_state state, before;
    static w_answer answer;
    w_row row = {0};
    w_ahead ahead[W_HORIZON] = {{0}};
    w_init(&state, W_SERIES_N2ND);
    printf("%d ", w_step(&state, &row, ahead, answer));
    memcpy(&before, &state, sizeof state);
    row.known_1_c = NAN;
    printf("%d ", w_step(&state, &row, ahead, answer) == W_BAD_KNOWN_1_C);
    row.known_1_c = 0;
    row.target_1_c = INFINITY;
    printf("%d ", w_step(&state, &row, ahead, answer) == W_BAD_TARGET_1_C);
    row.target_1_c = NAN; /* may be missing */
    row.known_word_2 = 5;
    printf("%d ", w_step(&state, &row, ahead, answer) == W_BAD_KNOWN_WORD_2);
    row.known_word_2 = W_KNOWN_WORD_2_SUN;
    ahead[4].known_3_c = INFINITY;
    printf("%d ", w_step(&state, &row, ahead, answer) == W_BAD_AHEAD_KNOWN_3_C);
    printf("%d ", memcmp(&before, &state, sizeof state) == 0);
    ahead[4].known_3_c = 0;
    printf("%d", w_step(&state, &row, ahead, answer));
    return 0;
}
"""


def test_a_row_that_cannot_be_read_is_named_and_changes_nothing(tmp_path):
    export(lowered("direct", cell="gru"), tmp_path / "w", to="c")
    (tmp_path / "w" / "check.c").write_text(CHECK)
    subprocess.run(
        ["gcc", "-std=c99", "w.c", "check.c", "-o", "check", "-lm"], cwd=tmp_path / "w", check=True
    )
    done = subprocess.run([tmp_path / "w" / "check"], capture_output=True, text=True, check=True)
    assert done.stdout == "1 1 1 1 1 1 1"


def test_fast_math_is_refused(tmp_path):
    export(with_names("a"), tmp_path / "w", to="c")
    done = subprocess.run(
        ["gcc", "-ffast-math", "-c", "w.c"], cwd=tmp_path / "w", capture_output=True, text=True
    )
    assert done.returncode and "-ffast-math changes the answers" in done.stderr


def test_a_replay_of_a_series_keeps_its_own_scale(tmp_path):
    program = lowered("direct", cell="gru")
    from unrolled.deploy import draw_rows

    replays = [replay(program, *draw_rows(program, 12, seed), seed) for seed in range(3)]
    assert export(program, tmp_path / "w", to="c", replays=replays).parity.share == 0
    assert not np.array_equal(replays[0].answers, replays[1].answers)
