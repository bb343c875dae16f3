/* uses: exp1 */
static inline float sigmoid1(float x)
{
    return 1.0f / (1.0f + exp1(-x));
}
