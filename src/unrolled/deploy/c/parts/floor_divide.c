static inline int64_t floor_divide(int64_t a, int64_t b)
{
    return a / b - (a % b < 0);
}
