/* uses: tanh1 */
static inline void elman_tanh(float *restrict h, const float *restrict sums, int hidden)
{
    int j;
    for (j = 0; j < hidden; ++j)
        h[j] = tanh1(sums[j]);
}
