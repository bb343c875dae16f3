#include "${prefix}.h"

static ${prefix}_state state;
static ${prefix}_answer answer;
static double row[${width}], ahead[${ahead_size}];

double *row_at(void) { return row; }
double *ahead_at(void) { return ahead; }
float *answer_at(void) { return ${first_number}; }
${prefix}_state *state_at(void) { return &state; }
int state_bytes(void) { return (int)sizeof state; }

void init(int series)
{
    (void)series;
    ${prefix}_init(&state${series});
}

int step(void)
{
    ${prefix}_row one;
${row}
${ahead}
    return ${prefix}_step(&state, &one, ${ahead_given}answer);
}
