/* uses: arithmetic */
/* Quantiles over sample paths: level l stands between the ordered paths below[l] and the next, at share[l].
   x is (paths, items), y (items, levels), sorted a place for the paths of one item. */
static void path_quantiles(float *restrict y, const float *restrict x, float *restrict sorted, const int32_t *below,
                           const float *share, int paths, int items, int levels)
{
    int item, gap, i, l;
    for (item = 0; item < items; ++item, y += levels) {
        for (i = 0; i < paths; ++i)
            sorted[i] = x[i * items + item];
        for (gap = paths / 2; gap > 0; gap = gap == 2 ? 1 : gap * 5 / 11) /* Shell's sort */
            for (i = gap; i < paths; ++i) {
                const float moved = sorted[i];
                int place = i;
                for (; place >= gap && sorted[place - gap] > moved; place -= gap)
                    sorted[place] = sorted[place - gap];
                sorted[place] = moved;
            }
        for (l = 0; l < levels; ++l) {
            const float low = sorted[below[l]];
            const float high = sorted[below[l] + 1 < paths ? below[l] + 1 : paths - 1];
            y[l] = low + share[l] * (high - low);
        }
    }
}
