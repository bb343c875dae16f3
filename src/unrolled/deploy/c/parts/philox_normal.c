/* uses: arithmetic square_root */
/* Standard normal numbers of one row: Philox 4x32-10 with the seed as key and (place, row) as counter, 24 bits
   of each word through the inverse of the normal distribution (Acklam's), in double, +, -, *, / and a root only. */
static double tail(double p)
{
    union {
        double number;
        uint64_t bits;
    } m;
    double s, s2, series = 0.0, q, a, b;
    int exponent, k;
    m.number = p;
    exponent = (int)((m.bits >> 52) & 0x7FFu) - 1023;
    m.bits = (m.bits & 0x000FFFFFFFFFFFFFu) | 0x3FF0000000000000u;
    if (m.number > 1.4142135623730951) {
        m.number *= 0.5;
        ++exponent;
    }
    s = (m.number - 1.0) / (m.number + 1.0);
    s2 = s * s;
    for (k = 23; k >= 1; k -= 2)
        series = series * s2 + 1.0 / k;
    q = SQUARE_ROOT(-2.0 * (2.0 * s * series + exponent * 0.6931471805599453));
    a = ((((-7.784894002430293e-03 * q - 3.223964580411365e-01) * q - 2.400758277161838e+00) * q -
          2.549732539343734e+00) * q + 4.374664141464968e+00) * q + 2.938163982698783e+00;
    b = (((7.784695709041462e-03 * q + 3.224671290700398e-01) * q + 2.445134137142996e+00) * q +
         3.754408661907416e+00) * q + 1.0;
    return a / b;
}

static double centre(double p)
{
    const double q = p - 0.5;
    const double r = q * q;
    const double a = (((((-3.969683028665376e+01 * r + 2.209460984245205e+02) * r - 2.759285104469687e+02) * r +
                        1.383577518672690e+02) * r - 3.066479806614716e+01) * r + 2.506628277459239e+00) * q;
    const double b = ((((-5.447609879822406e+01 * r + 1.615858368580409e+02) * r - 1.556989798598866e+02) * r +
                       6.680131188771972e+01) * r - 1.328068155288572e+01) * r + 1.0;
    return a / b;
}

static void philox(uint32_t word[4], uint64_t place, uint64_t row, uint64_t seed)
{
    uint32_t key0 = (uint32_t)seed, key1 = (uint32_t)(seed >> 32);
    int round;
    word[0] = (uint32_t)place;
    word[1] = (uint32_t)(place >> 32);
    word[2] = (uint32_t)row;
    word[3] = (uint32_t)(row >> 32);
    for (round = 0; round < 10; ++round) {
        const uint64_t product0 = (uint64_t)0xD2511F53u * word[0];
        const uint64_t product1 = (uint64_t)0xCD9E8D57u * word[2];
        word[0] = (uint32_t)(product1 >> 32) ^ word[1] ^ key0;
        word[2] = (uint32_t)(product0 >> 32) ^ word[3] ^ key1;
        word[1] = (uint32_t)product1;
        word[3] = (uint32_t)product0;
        key0 += 0x9E3779B9u;
        key1 += 0xBB67AE85u;
    }
}

static void philox_normal(float *y, uint64_t seed, uint64_t row, int count)
{
    int i;
    uint32_t word[4];
    for (i = 0; i < count; ++i) {
        double p;
        if (i % 4 == 0)
            philox(word, (uint64_t)(i / 4), row, seed);
        p = ((double)(word[i % 4] >> 8) + 0.5) * (1.0 / 16777216.0);
        y[i] = (float)(p < 0.02425 ? tail(p) : p > 1.0 - 0.02425 ? -tail(1.0 - p) : centre(p));
    }
}
