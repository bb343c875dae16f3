static inline int is_finite(float x)
{
    return x - x == 0.0f;
}
