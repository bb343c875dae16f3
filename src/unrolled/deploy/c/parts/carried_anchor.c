/* The last value of each column that is a number, over all rows; `otherwise` before there is one. */
static inline void carried_anchor(float *restrict y, float *restrict last, float *restrict seen,
                                  const float *restrict x, const float *restrict otherwise, int columns)
{
    int i;
    for (i = 0; i < columns; ++i) {
        if (x[i] == x[i]) {
            last[i] = x[i];
            seen[i] = 1.0f;
        }
        y[i] = seen[i] > 0.0f ? last[i] : otherwise[i];
    }
}
