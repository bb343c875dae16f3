/* uses: square_root */
/* The standard deviation of each column of a window over what is a number, at least sqrt(least). */
static inline void spread(float *restrict y, const float *restrict x, float least, int windows, int steps, int columns)
{
    int w, s, i;
    for (w = 0; w < windows; ++w, y += columns, x += steps * columns)
        for (i = 0; i < columns; ++i) {
            float count = 0.0f, mean = 0.0f, squares = 0.0f, variance;
            for (s = 0; s < steps; ++s)
                if (x[s * columns + i] == x[s * columns + i]) {
                    count += 1.0f;
                    mean += x[s * columns + i];
                }
            count = count > 1.0f ? count : 1.0f;
            mean /= count;
            for (s = 0; s < steps; ++s)
                if (x[s * columns + i] == x[s * columns + i]) {
                    const float centred = x[s * columns + i] - mean;
                    squares += centred * centred;
                }
            variance = squares / count;
            y[i] = SQUARE_ROOT_FLOAT(variance > least ? variance : least);
        }
}
