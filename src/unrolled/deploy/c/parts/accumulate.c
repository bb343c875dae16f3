/* uses: arithmetic */
/* y += W x, for each output a sum that runs over k. W is stored (inputs, outputs): the inner loops run along
   memory, and a compiler makes vectors of them. */
static inline void accumulate(float *restrict y, const float *restrict w, const float *restrict x, int inputs,
                              int outputs)
{
    const int fours = inputs - inputs % 4;
    int k, o;
    for (k = 0; k < fours; k += 4, w += 4 * outputs) {
        const float x0 = x[k], x1 = x[k + 1], x2 = x[k + 2], x3 = x[k + 3];
        for (o = 0; o < outputs; ++o) {
            float sum = FMA(w[o], x0, y[o]);
            sum = FMA(w[outputs + o], x1, sum);
            sum = FMA(w[2 * outputs + o], x2, sum);
            y[o] = FMA(w[3 * outputs + o], x3, sum);
        }
    }
    for (k = fours; k < inputs; ++k, w += outputs)
        for (o = 0; o < outputs; ++o)
            y[o] = FMA(w[o], x[k], y[o]);
}
