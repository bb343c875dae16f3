static inline void zeros(float *y, int count)
{
    int i;
    for (i = 0; i < count; ++i)
        y[i] = 0.0f;
}
