/* A ring of the last rows: the newest takes the place of the oldest. */
static inline void push(float *restrict ring, int32_t *next, const float *restrict row, int history, int width)
{
    int i;
    for (i = 0; i < width; ++i)
        ring[*next * width + i] = row[i];
    *next = *next + 1 == history ? 0 : *next + 1;
}
