/* uses: not_a_number */
/* The value of the row before; not a number at the first row. */
static inline void delay(float *restrict y, float *restrict previous, float *started, const float *restrict x,
                         int count)
{
    int i;
    for (i = 0; i < count; ++i) {
        y[i] = *started > 0.0f ? previous[i] : not_a_number();
        previous[i] = x[i];
    }
    *started = 1.0f;
}
