/* uses: arithmetic */
/* The sine and the cosine of a position in its period, rounded once from double. */
static void wave(float *y, int64_t position, int64_t period)
{
    const double t = (double)position / (double)period;
    const int quarter = (int)(4.0 * t + 0.5);
    const double r = (t - quarter / 4.0) * 6.283185307179586;
    const double r2 = r * r;
    double p = 1.0 / 355687428096000.0, q = 1.0 / 20922789888000.0, sine, cosine;
    p = p * r2 - 1.0 / 1307674368000.0;
    p = p * r2 + 1.0 / 6227020800.0;
    p = p * r2 - 1.0 / 39916800.0;
    p = p * r2 + 1.0 / 362880.0;
    p = p * r2 - 1.0 / 5040.0;
    p = p * r2 + 1.0 / 120.0;
    p = p * r2 - 1.0 / 6.0;
    sine = r + r * (r2 * p);
    q = q * r2 - 1.0 / 87178291200.0;
    q = q * r2 + 1.0 / 479001600.0;
    q = q * r2 - 1.0 / 3628800.0;
    q = q * r2 + 1.0 / 40320.0;
    q = q * r2 - 1.0 / 720.0;
    q = q * r2 + 1.0 / 24.0;
    q = q * r2 - 1.0 / 2.0;
    cosine = 1.0 + r2 * q;
    y[0] = (float)(quarter % 4 == 0 ? sine : quarter % 4 == 1 ? cosine : quarter % 4 == 2 ? -sine : -cosine);
    y[1] = (float)(quarter % 4 == 0 ? cosine : quarter % 4 == 1 ? -sine : quarter % 4 == 2 ? -cosine : sine);
}
