/* The self-test of ${prefix}: golden rows, and what the stream of the trained model answers.
   Ends with 0 if every answer is within 1e-5 of it, relative to the answer or to the target's deviation
   in training. */

#include "${prefix}.h"

#include <math.h>
#include <stdio.h>

static const ${prefix}_row golden_rows[${rows}] = {
${golden_rows}
};
${golden_ahead}
static const float golden_answers[${count} * ${size}] = {
${golden_answers}
};

static const float golden_spread[${size}] = {
${golden_spread}
};

static ${prefix}_state state;
static ${prefix}_answer answer;

int main(void)
{
    const float *const got = ${first_number};
    float largest = 0.0f;
    int row, i, answers = 0;
    ${prefix}_init(&state${series});
    for (row = 0; row < ${rows}; ++row) {
        const int status = ${prefix}_step(&state, &golden_rows[row], ${ahead_given}answer);
        if (status != (row + 1 < ${upper}_HISTORY ? ${upper}_WAIT : ${upper}_ANSWER)) {
            printf("${prefix}: row %d: status %d\n", row + 1, status);
            return 1;
        }
        for (i = 0; status == ${upper}_ANSWER && i < ${size}; ++i) {
            const float wanted = golden_answers[answers * ${size} + i];
            const float size = fabsf(wanted) > golden_spread[i] ? fabsf(wanted) : golden_spread[i];
            const float share = fabsf(got[i] - wanted) / size;
            if (!(share <= largest))
                largest = share;
        }
        answers += status;
    }
    printf("${prefix}: %d answers, largest difference %.3g of the answer's size: %s\n", answers,
           (double)largest, largest <= 1e-5f ? "passed" : "FAILED");
    return largest <= 1e-5f ? 0 : 1;
}
