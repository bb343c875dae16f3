/* uses: arithmetic */
/* exp(x) = scale + scale * rest: scale a power of two, rest a polynomial of what is left, for x in [-87, 87]. */
static inline float exp_parts(float x, float *rest)
{
    const float shifted = FMA(x, 1.44269504f, 12582912.0f); /* n = x / ln 2 to the nearest, plus 1.5 * 2^23 */
    const float n = shifted - 12582912.0f;
    float r = FMA(n, -0.693359375f, x);
    float p = 1.0f / 5040.0f;
    word32 scale;
    r = FMA(n, 2.12194440e-4f, r);
    p = FMA(p, r, 1.0f / 720.0f);
    p = FMA(p, r, 1.0f / 120.0f);
    p = FMA(p, r, 1.0f / 24.0f);
    p = FMA(p, r, 1.0f / 6.0f);
    p = FMA(p, r, 0.5f);
    *rest = FMA(p * r, r, r);
    scale.number = shifted;
    scale.bits = (scale.bits - 0x4B400000u + 127u) << 23;
    return scale.number;
}
