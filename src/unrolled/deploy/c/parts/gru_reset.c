/* uses: sigmoid1 */
/* r * h, which the form of 2014 multiplies with the matrix of n; r is the first gate. */
static inline void gru_reset(float *restrict y, const float *restrict h, const float *restrict gates, int hidden)
{
    int j;
    for (j = 0; j < hidden; ++j)
        y[j] = sigmoid1(gates[j]) * h[j];
}
