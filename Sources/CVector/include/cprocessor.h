// What the processor and the operating system support. No function here needs more than the baseline.
#pragma once
#include <stdbool.h>
#include <stdint.h>
#if defined(__x86_64__)
#include <cpuid.h>

/// The register state that the operating system saves (XCR0), 0 without XSAVE.
static inline uint64_t cprocessor_saved_state(void) {
  uint32_t a, b, c, d;
  if (!__get_cpuid(1, &a, &b, &c, &d) || !(c & (1u << 27))) return 0;
  uint32_t low, high;
  __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return ((uint64_t)high << 32) | low;
}

/// x86-64-v3 (AVX2, FMA, BMI, F16C, …) with the operating system saving the 256-bit registers.
static inline bool cprocessor_has_avx2(void) {
  uint32_t a, b, c, d;
  if ((cprocessor_saved_state() & 0x6) != 0x6) return false;
  if (!__get_cpuid(1, &a, &b, &c, &d)) return false;
  bool fma = c & (1u << 12), movbe = c & (1u << 22), f16c = c & (1u << 29), avx = c & (1u << 28);
  if (!__get_cpuid_count(7, 0, &a, &b, &c, &d)) return false;
  bool bmi1 = b & (1u << 3), avx2 = b & (1u << 5), bmi2 = b & (1u << 8);
  if (!__get_cpuid(0x80000001, &a, &b, &c, &d)) return false;
  bool lzcnt = c & (1u << 5);
  return fma && movbe && f16c && avx && bmi1 && avx2 && bmi2 && lzcnt;
}

static inline bool cprocessor_has_avxvnni(void) {
  uint32_t a, b, c, d;
  if (!cprocessor_has_avx2() || !__get_cpuid_count(7, 1, &a, &b, &c, &d)) return false;
  return a & (1u << 4);
}

/// x86-64-v4 (AVX-512 F, BW, CD, DQ, VL) and VNNI, with the operating system saving the 512-bit registers.
static inline bool cprocessor_has_avx512vnni(void) {
  uint32_t a, b, c, d;
  if (!cprocessor_has_avx2() || (cprocessor_saved_state() & 0xE6) != 0xE6) return false;
  if (!__get_cpuid_count(7, 0, &a, &b, &c, &d)) return false;
  const uint32_t v4 = (1u << 16) | (1u << 17) | (1u << 28) | (1u << 30) | (1u << 31);
  return (b & v4) == v4 && (c & (1u << 11));
}
#elif defined(__aarch64__)
#include <sys/auxv.h>

/// The dot product instructions of ARMv8.2 (HWCAP_ASIMDDP).
static inline bool cprocessor_has_dot_product(void) { return getauxval(AT_HWCAP) & (1ul << 20); }
#endif
