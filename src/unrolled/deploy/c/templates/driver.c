#include "${prefix}.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static ${prefix}_state state;
static ${prefix}_answer answer;

int main(void)
{
    double head[2], *rows, *known;
    long count, row;
    size_t total;
    int i;
    if (fread(head, sizeof *head, 2, stdin) != 2)
        return 2;
    count = (long)head[1];
    rows = malloc((size_t)count * ${width} * sizeof *rows);
    total = (size_t)(count + ${horizon}) * ${ahead_width};
    known = malloc((total + 1) * sizeof *known);
    if (!rows || !known)
        return 2;
    if (fread(rows, sizeof *rows * ${width}, (size_t)count, stdin) != (size_t)count)
        return 2;
    if (fread(known, sizeof *known, total, stdin) != total)
        return 2;
    ${prefix}_init(&state${series});
    for (row = 0; row < count; ++row) {
        const double *const given = rows + row * ${width};
        ${prefix}_row one;
${ahead}
        float *const out = ${first_number};
${row}
        for (i = 0; i < ${size}; ++i)
            out[i] = NAN;
        ${prefix}_step(&state, &one, ${ahead_given}answer);
        fwrite(out, sizeof *out, ${size}, stdout);
    }
    (void)${upper}_HISTORY;
    return 0;
}
