/* uses: sigmoid1 tanh1 */
/* h and c after a step, from the sums of the gates i, f, g, o. */
static inline void lstm(float *restrict h, float *restrict c, const float *restrict gates, int hidden)
{
    int j;
    for (j = 0; j < hidden; ++j) {
        const float i = sigmoid1(gates[j]);
        const float f = sigmoid1(gates[hidden + j]);
        const float g = tanh1(gates[2 * hidden + j]);
        const float o = sigmoid1(gates[3 * hidden + j]);
        c[j] = FMA(f, c[j], i * g);
        h[j] = o * tanh1(c[j]);
    }
}
