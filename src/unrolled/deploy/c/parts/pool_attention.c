/* uses: exp1 */
/* The mean of the rows so far, weighted by the softmax of their scores. */
static inline void pool_attention(float *restrict y, float *restrict sum, float *weight, float *most,
                                  const float *restrict x, const float *score, int width)
{
    const int started = *weight > 0.0f;
    const float largest = started && *most > *score ? *most : *score;
    const float kept = started ? exp1(*most - largest) : 0.0f;
    const float own = exp1(*score - largest);
    int i;
    *weight = *weight * kept + own;
    *most = largest;
    for (i = 0; i < width; ++i) {
        sum[i] = sum[i] * kept + x[i] * own;
        y[i] = sum[i] / *weight;
    }
}
