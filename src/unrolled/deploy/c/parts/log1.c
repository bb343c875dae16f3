/* uses: arithmetic */
/* log(v) for v >= 1: v = m 2^n with m near 1, and log(m) = 2 artanh((m - 1) / (m + 1)). */
static inline float log1(float v)
{
    word32 m;
    float n, s, q, p = 1.0f / 9.0f;
    m.number = v;
    n = (float)((int32_t)(m.bits >> 23) - 127);
    m.bits = (m.bits & 0x007FFFFFu) | 0x3F800000u;
    if (m.number >= 1.4142135f) {
        m.number *= 0.5f;
        n += 1.0f;
    }
    s = (m.number - 1.0f) / (m.number + 1.0f);
    q = s * s;
    p = FMA(p, q, 1.0f / 7.0f);
    p = FMA(p, q, 1.0f / 5.0f);
    p = FMA(p, q, 1.0f / 3.0f);
    p = FMA(p, q, 1.0f);
    return FMA(n, 0.6931472f, (s + s) * p);
}
