/* uses: arithmetic */
/* x as whole numbers in -127..127, to the nearest even; what is no number is 0. */
static inline void quantise(int8_t *restrict q, const float *restrict x, float factor, int count)
{
    int i;
    for (i = 0; i < count; ++i) {
        float number = x[i] * factor;
        number = number > -127.0f ? number : number <= -127.0f ? -127.0f : 0.0f;
        number = number > 127.0f ? 127.0f : number;
        q[i] = (int8_t)((number + 12582912.0f) - 12582912.0f); /* 1.5 * 2^23: the fraction has no room */
    }
}
