/* uses: sigmoid1 tanh1 */
/* h after a step, from four sums: of the input for n, of both for r and z, of the state for n. */
static inline void gru(float *restrict h, const float *restrict gates, int hidden)
{
    int j;
    for (j = 0; j < hidden; ++j) {
        const float r = sigmoid1(gates[hidden + j]);
        const float z = sigmoid1(gates[2 * hidden + j]);
        const float n = tanh1(FMA(r, gates[3 * hidden + j], gates[j]));
        h[j] = FMA(z, h[j] - n, n);
    }
}
