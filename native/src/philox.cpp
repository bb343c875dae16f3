#include "unrolled/philox.h"

#include <cmath>
#include <cstring>

namespace unrolled {
namespace {

constexpr double kCentralTail = 0.02425;
constexpr double kCell = 1.0 / 16777216.0;  // 2^-24

// Natural logarithm of a normal positive double by range reduction to [sqrt(1/2), sqrt(2)) and the series of
// 2 artanh((m - 1) / (m + 1)); only +, -, *, / so that every IEEE machine gives the same bits.
double portable_log(double x) {
  std::uint64_t bits;
  std::memcpy(&bits, &x, sizeof bits);
  int exponent = static_cast<int>((bits >> 52) & 0x7ff) - 1023;
  bits = (bits & 0x000fffffffffffffull) | 0x3ff0000000000000ull;
  double m;
  std::memcpy(&m, &bits, sizeof m);
  if (m > 1.4142135623730951) {
    m *= 0.5;
    ++exponent;
  }
  const double s = (m - 1.0) / (m + 1.0);
  const double s2 = s * s;
  double series = 0.0;
  for (int k = 23; k >= 1; k -= 2) series = series * s2 + 1.0 / k;
  return 2.0 * s * series + exponent * 0.6931471805599453;
}

double tail(double p) {
  const double q = std::sqrt(-2.0 * portable_log(p));
  const double a = ((((-7.784894002430293e-03 * q - 3.223964580411365e-01) * q - 2.400758277161838e+00) * q -
                     2.549732539343734e+00) * q + 4.374664141464968e+00) * q + 2.938163982698783e+00;
  const double b = (((7.784695709041462e-03 * q + 3.224671290700398e-01) * q + 2.445134137142996e+00) * q +
                    3.754408661907416e+00) * q + 1.0;
  return a / b;
}

double centre(double p) {
  const double q = p - 0.5;
  const double r = q * q;
  const double a = (((((-3.969683028665376e+01 * r + 2.209460984245205e+02) * r - 2.759285104469687e+02) * r +
                      1.383577518672690e+02) * r - 3.066479806614716e+01) * r + 2.506628277459239e+00) * q;
  const double b = ((((-5.447609879822406e+01 * r + 1.615858368580409e+02) * r - 1.556989798598866e+02) * r +
                     6.680131188771972e+01) * r - 1.328068155288572e+01) * r + 1.0;
  return a / b;
}

double inverse_normal(double p) {
  if (p < kCentralTail) return tail(p);
  if (p > 1.0 - kCentralTail) return -tail(1.0 - p);
  return centre(p);
}

}  // namespace

std::array<std::uint32_t, 4> philox4x32(std::array<std::uint32_t, 4> counter,
                                        std::array<std::uint32_t, 2> key) {
  for (int round = 0; round < 10; ++round) {
    const std::uint64_t product0 = 0xD2511F53ull * counter[0];
    const std::uint64_t product1 = 0xCD9E8D57ull * counter[2];
    counter = {static_cast<std::uint32_t>(product1 >> 32) ^ counter[1] ^ key[0],
               static_cast<std::uint32_t>(product1),
               static_cast<std::uint32_t>(product0 >> 32) ^ counter[3] ^ key[1],
               static_cast<std::uint32_t>(product0)};
    key = {key[0] + 0x9E3779B9u, key[1] + 0xBB67AE85u};
  }
  return counter;
}

void philox_normal(std::uint64_t seed, std::uint64_t row, float* out, std::size_t count) {
  const std::array<std::uint32_t, 2> key = {static_cast<std::uint32_t>(seed),
                                            static_cast<std::uint32_t>(seed >> 32)};
  for (std::size_t start = 0; start < count; start += 4) {
    const std::uint64_t block = start / 4;
    const auto words = philox4x32({static_cast<std::uint32_t>(block), static_cast<std::uint32_t>(block >> 32),
                                   static_cast<std::uint32_t>(row), static_cast<std::uint32_t>(row >> 32)},
                                  key);
    for (std::size_t i = 0; i < 4 && start + i < count; ++i) {
      const double p = ((words[i] >> 8) + 0.5) * kCell;
      out[start + i] = static_cast<float>(inverse_normal(p));
    }
  }
}

}  // namespace unrolled
