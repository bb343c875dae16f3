/* How many steps count: at least one, at most all. */
static inline int steps_that_count(const int32_t *length, int steps)
{
    return *length < 1 ? 1 : *length > steps ? steps : (int)*length;
}
