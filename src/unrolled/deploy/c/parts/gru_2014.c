/* uses: sigmoid1 tanh1 */
/* h after a step of the form of 2014, from the sums of the gates r, z, n. */
static inline void gru_2014(float *restrict h, const float *restrict gates, int hidden)
{
    int j;
    for (j = 0; j < hidden; ++j) {
        const float z = sigmoid1(gates[hidden + j]);
        const float n = tanh1(gates[2 * hidden + j]);
        h[j] = FMA(z, h[j] - n, n);
    }
}
