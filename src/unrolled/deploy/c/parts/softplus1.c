/* uses: exp1 */
/* log(1 + exp(x)) = max(x, 0) + log1p(e) with e = exp(-|x|), and log1p(e) = 2 artanh(e / (e + 2)). */
static inline float softplus1(float x)
{
    const float e = exp1(x < 0.0f ? x : -x);
    const float s = e / (e + 2.0f);
    const float q = s * s;
    float p = 1.0f / 15.0f;
    p = FMA(p, q, 1.0f / 13.0f);
    p = FMA(p, q, 1.0f / 11.0f);
    p = FMA(p, q, 1.0f / 9.0f);
    p = FMA(p, q, 1.0f / 7.0f);
    p = FMA(p, q, 1.0f / 5.0f);
    p = FMA(p, q, 1.0f / 3.0f);
    p = FMA(p, q, 1.0f);
    return (x > 0.0f ? x : 0.0f) + (s + s) * p;
}
