/* uses: copy */
/* The rows of a ring, oldest first. */
static inline void unroll(float *restrict y, const float *restrict ring, int32_t next, int history, int width)
{
    copy(y, ring + next * width, (history - next) * width);
    copy(y + (history - next) * width, ring, next * width);
}
