/* uses: arithmetic */
static inline float not_a_number(void)
{
    word32 word;
    word.bits = 0x7FC00000u;
    return word.number;
}
