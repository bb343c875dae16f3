/* What is not a number becomes 0. */
static inline void mask(float *y, const float *x, int count)
{
    int i;
    for (i = 0; i < count; ++i)
        y[i] = x[i] == x[i] ? x[i] : 0.0f;
}
