static inline void elman_relu(float *restrict h, const float *restrict sums, int hidden)
{
    int j;
    for (j = 0; j < hidden; ++j)
        h[j] = sums[j] > 0.0f ? sums[j] : 0.0f;
}
