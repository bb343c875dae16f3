/* uses: arithmetic */
/* Zoneout: a share of the old state stays. */
static inline void keep(float *restrict state, const float *restrict old, float share, int hidden)
{
    int j;
    for (j = 0; j < hidden; ++j)
        state[j] = share * old[j] + (1.0f - share) * state[j];
}
