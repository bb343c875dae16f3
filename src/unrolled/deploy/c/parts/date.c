/* uses: floor_divide */
#define DAY INT64_C(86400000000) /* microseconds */

static int64_t days_before_year(int64_t year) /* from 1970-01-01 to its January 1st */
{
    const int64_t y = year - 1;
    return 365 * (year - 1970) + floor_divide(y, 4) - floor_divide(y, 100) + floor_divide(y, 400) - 477;
}

static int days_before_month(int month, int leap) /* month 0 to 12 */
{
    static const int16_t before[13] = {0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334, 365};
    return before[month] + (leap && month > 1);
}

/* The year, the month (0 to 11) and the day of the year (0 to 365) of a day since 1970-01-01. */
static void date(int64_t day, int64_t *year, int *month, int *of_year, int *leap)
{
    *year = 1970 + floor_divide(day, 365);
    while (days_before_year(*year) > day)
        --*year;
    while (days_before_year(*year + 1) <= day)
        ++*year;
    *of_year = (int)(day - days_before_year(*year));
    *leap = days_before_year(*year + 1) - days_before_year(*year) == 366;
    for (*month = 0; days_before_month(*month + 1, *leap) <= *of_year;)
        ++*month;
}
