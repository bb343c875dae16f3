/* The last value of each column of a window that is a number; `otherwise` where none is. */
static inline void window_anchor(float *restrict y, const float *restrict window, const float *restrict otherwise,
                                 int steps, int columns)
{
    int s, i;
    for (i = 0; i < columns; ++i) {
        y[i] = otherwise[i];
        for (s = steps; s-- > 0;) {
            const float x = window[s * columns + i];
            if (x == x) {
                y[i] = x;
                break;
            }
        }
    }
}
