static inline void copy(float *restrict y, const float *restrict x, int count)
{
    int i;
    for (i = 0; i < count; ++i)
        y[i] = x[i];
}
