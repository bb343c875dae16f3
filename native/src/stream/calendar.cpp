// Sine and cosine of where a stamp stands in the minute, hour, day, week and year; the formula is that of
// preprocess/time_features.py, in float64.
#include "builders.h"

#include <cmath>

namespace unrolled {
namespace stream {
namespace {

constexpr Int kSecond = 1000000, kDay = 86400 * kSecond;

enum Phase { kSecondOfMinute, kMinuteOfHour, kHourOfDay, kDayOfWeek, kDayOfYear, kMonthOfYear };

struct Position {
  Int place, period;
};

Int floor_divide(Int a, Int b) { return a / b - (a % b < 0); }
Position within(Int a, Int period) { return {a - floor_divide(a, period) * period, period}; }

// Days from 1970-01-01 to January 1st of a year.
Int year_start(Int year) {
  const auto leaps = [](Int n) { return floor_divide(n, 4) - floor_divide(n, 100) + floor_divide(n, 400); };
  return 365 * (year - 1970) + leaps(year - 1) - leaps(1969);
}

Int year_of(Int day) {
  Int year = 1970 + floor_divide(day, 365);  // never before the day's year by more than the leap days make
  while (year_start(year) > day) --year;
  while (year_start(year + 1) <= day) ++year;
  return year;
}

Position position(int phase, Int stamp) {
  switch (phase) {
    case kSecondOfMinute: return within(stamp, 60 * kSecond);
    case kMinuteOfHour: return within(stamp, 3600 * kSecond);
    case kHourOfDay: return within(stamp, kDay);
  }
  const Int day = floor_divide(stamp, kDay);
  if (phase == kDayOfWeek) return within(day + 3, 7);
  const Int year = year_of(day), start = year_start(year), days = year_start(year + 1) - start;
  if (phase == kDayOfYear) return {day - start, days};
  const Int lengths[] = {31, days - 337, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  Int month = 0, rest = day - start;
  while (rest >= lengths[month]) rest -= lengths[month++];
  return {month, 12};
}

// ints: stamps of a row, then the phases.
class TimeFeatures : public Op {
 public:
  TimeFeatures(const NodeSpec& node, const ProgramSpec&)
      : Op(node), stamps_(node.ints[0]), phases_(node.ints.begin() + 1, node.ints.end()) {}

  void run(Frame& frame) const override {
    for (Int b = 0; b < frame.sessions; ++b) {
      const Int* stamps = frame.values[inputs[0]].ints(b);
      float* to = frame.values[output].out(b);
      for (Int i = 0; i < stamps_; ++i)
        for (const Int phase : phases_) {
          const Position at = position(static_cast<int>(phase), stamps[i]);
          const double angle = 2 * M_PI * (static_cast<double>(at.place) / static_cast<double>(at.period));
          *to++ = static_cast<float>(std::sin(angle));
          *to++ = static_cast<float>(std::cos(angle));
        }
    }
  }

 private:
  Int stamps_;
  std::vector<Int> phases_;
};

}  // namespace

std::unique_ptr<Op> build_time_features(const NodeSpec& n, const ProgramSpec& p) { return build<TimeFeatures>(n, p); }

}  // namespace stream
}  // namespace unrolled
