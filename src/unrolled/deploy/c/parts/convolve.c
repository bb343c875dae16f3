/* uses: accumulate copy */
/* y_s = b + W x around s; taps that lie outside are left out. w: (taps * features, outputs). */
static inline void convolve(float *restrict y, const float *restrict x, const float *restrict w,
                            const float *restrict bias, int steps, int features, int outputs, int taps)
{
    int s;
    for (s = 0; s < steps; ++s) {
        const int start = s - taps / 2 < 0 ? 0 : s - taps / 2;
        const int stop = s + taps / 2 + 1 > steps ? steps : s + taps / 2 + 1;
        const int first = (start - (s - taps / 2)) * features;
        copy(y + s * outputs, bias, outputs);
        accumulate(y + s * outputs, w + first * outputs, x + start * features, (stop - start) * features, outputs);
    }
}
