/* uses: exp_parts */
/* tanh(x) by e = exp(-2 |x|) - 1; relative error below 3e-7. */
static inline float tanh1(float x)
{
    word32 sign, value;
    float size, rest, scale, e;
    sign.number = x;
    value.bits = sign.bits & 0x7FFFFFFFu;
    size = value.number > 20.0f ? 20.0f : value.number;
    scale = exp_parts(-2.0f * size, &rest);
    e = FMA(scale, rest, scale - 1.0f);
    value.number = -e / (e + 2.0f);
    value.bits = (value.bits & 0x7FFFFFFFu) | (sign.bits & 0x80000000u);
    return value.number;
}
