/* uses: exp1 log1 */
static inline void log_softmax(float *restrict y, const float *restrict x, int vectors, int width)
{
    int v, i;
    for (v = 0; v < vectors; ++v, y += width, x += width) {
        float largest = x[0], sum = 0.0f;
        for (i = 1; i < width; ++i)
            largest = x[i] > largest ? x[i] : largest;
        for (i = 0; i < width; ++i)
            sum += exp1(x[i] - largest);
        for (i = 0; i < width; ++i)
            y[i] = x[i] - largest - log1(sum);
    }
}
