/* uses: square_root */
/* Layer normalisation of a product: gate by gate over its units, times the gain, plus the bias. */
static inline void gain(float *restrict y, const float *restrict by, const float *restrict bias, int gates, int hidden)
{
    int i, j;
    for (i = 0; i < gates; ++i, y += hidden, by += hidden, bias += hidden) {
        float mean = 0.0f, squares = 0.0f, deviation;
        for (j = 0; j < hidden; ++j)
            mean += y[j];
        mean /= (float)hidden;
        for (j = 0; j < hidden; ++j) {
            y[j] -= mean;
            squares += y[j] * y[j];
        }
        deviation = SQUARE_ROOT_FLOAT(squares / (float)hidden + 1e-5f);
        for (j = 0; j < hidden; ++j)
            y[j] = by[j] * y[j] / deviation + bias[j];
    }
}
