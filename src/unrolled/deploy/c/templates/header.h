/* ${prefix}: a recurrent network as a stream. Written by unrolled.

   One row in, one answer out, in the units of the training data: ${what}.

       ${prefix}_state state;
       ${prefix}_init(&state${any_series});
       status = ${prefix}_step(&state, &row, ${ahead_given}answer);

   No memory is allocated, and nothing but the state is written. Compile with -std=c99, any optimisation but
   -ffast-math. libm is used for the square root alone; define UNROLLED_NO_LIBM to do without it. */

#ifndef ${upper}_H
#define ${upper}_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define ${upper}_HISTORY ${history} /* rows until the first answer */
${sizes}

/* Sizes in bytes. */
#define ${upper}_FLASH_CONSTANTS ${constant_bytes} /* weights and tables */
${flash}#define ${upper}_RAM ${state_bytes} /* of one state, scratch included */

/* What step returns; a negative number says which column could not be read: the state is then as it was. */
enum ${prefix}_status {
    ${upper}_ANSWER = 1,
    ${upper}_WAIT = 0, /* the first window is not full */
${errors}
};
${enums}
${row}
${ahead}
/* What is kept from row to row; its bytes may be saved and put back. */
typedef struct {
${members}
} ${prefix}_state;

typedef float ${prefix}_answer${axes};

/* Forget every row. */
void ${prefix}_init(${init_arguments});

/* Take a row and answer.${told_ahead} */
int ${prefix}_step(${step_arguments});

#ifdef __cplusplus
}
#endif

#endif
