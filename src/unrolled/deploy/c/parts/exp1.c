/* uses: exp_parts */
/* exp(x), between exp(-87) and exp(87); relative error below 1.5e-7. */
static inline float exp1(float x)
{
    float rest;
    const float above = x < -87.0f ? -87.0f : x;
    const float scale = exp_parts(above > 87.0f ? 87.0f : above, &rest);
    return FMA(scale, rest, scale);
}
