/* What is not a number becomes 0; then a column for each: 1 = it is one, 0 = it is missing. */
static inline void mask_channels(float *restrict y, const float *restrict x, int vectors, int columns)
{
    int v, i;
    for (v = 0; v < vectors; ++v, y += 2 * columns, x += columns)
        for (i = 0; i < columns; ++i) {
            y[i] = x[i] == x[i] ? x[i] : 0.0f;
            y[columns + i] = x[i] == x[i] ? 1.0f : 0.0f;
        }
}
