#include "peak.h"

#if defined(__x86_64__)
#include <immintrin.h>

// COUNT accumulators, each advanced once a round by STEP. The empty assembly says that x may have changed, so that
// nothing is hoisted out of the loop, and costs no instruction.
#define PEAK(NAME, TARGET, VECTOR, COUNT, OPERATIONS, STEP)                  \
  __attribute__((target(TARGET))) int64_t NAME(int64_t rounds) {             \
    VECTOR c[COUNT] = {0}, x = {0}, y = {0};                                 \
    for (int64_t round = 0; round < rounds; round++) {                       \
      _Pragma("clang loop unroll(full)") for (int i = 0; i < COUNT; i++) {   \
        __asm__ volatile("" : "+v"(x), "+v"(y));                             \
        c[i] = STEP;                                                         \
      }                                                                      \
    }                                                                        \
    for (int i = 0; i < COUNT; i++) __asm__ volatile("" : : "v"(c[i]));      \
    return (int64_t)COUNT * OPERATIONS;                                      \
  }

PEAK(peak_int8_avx512vnni, "avx512f,avx512vnni", __m512i, 24, 128, _mm512_dpbusd_epi32(c[i], x, y))
PEAK(peak_int8_avxvnni, "avx2,avxvnni", __m256i, 12, 64, _mm256_dpbusd_avx_epi32(c[i], x, y))
// Pairs of 16-bit products and a sum: two instructions.
PEAK(peak_int8_avx2, "avx2", __m256i, 12, 32, _mm256_add_epi32(c[i], _mm256_madd_epi16(x, y)))
PEAK(peak_int8_baseline, "sse2", __m128i, 12, 16, _mm_add_epi32(c[i], _mm_madd_epi16(x, y)))
PEAK(peak_fp32_avx512, "avx512f", __m512, 24, 32, _mm512_fmadd_ps(x, y, c[i]))
PEAK(peak_fp32_avx2, "avx2,fma", __m256, 12, 16, _mm256_fmadd_ps(x, y, c[i]))
PEAK(peak_fp32_baseline, "sse2", __m128, 12, 8, _mm_add_ps(_mm_mul_ps(x, y), c[i]))
#endif
