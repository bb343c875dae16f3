/* uses: copy */
/* A row of the table for each code; row 0 for a code outside it. */
static inline void embed(float *restrict y, const int32_t *codes, const float *restrict table, int count, int rows,
                         int width)
{
    int i;
    for (i = 0; i < count; ++i) {
        const int32_t code = codes[i] >= 0 && codes[i] < rows ? codes[i] : 0;
        copy(y + i * width, table + code * width, width);
    }
}
