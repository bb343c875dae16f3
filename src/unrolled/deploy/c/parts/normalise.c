/* uses: arithmetic square_root */
/* (x - mean) / sqrt(variance + epsilon) of `count` numbers, in place. */
static inline void normalise(float *x, float epsilon, int count)
{
    float sum = 0.0f, squares = 0.0f, divisor;
    int i;
    for (i = 0; i < count; ++i)
        sum += x[i];
    sum /= (float)count;
    for (i = 0; i < count; ++i) {
        x[i] -= sum;
        squares += x[i] * x[i];
    }
    divisor = SQUARE_ROOT_FLOAT(squares / (float)count + epsilon);
    for (i = 0; i < count; ++i)
        x[i] /= divisor;
}
