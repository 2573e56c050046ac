// The most multiply-adds that one core can do: independent accumulators in registers and nothing else.
#pragma once
#include <stdint.h>

/// Runs `rounds` rounds of the int8 product of an instruction set; returns the operations (a multiply-add is two) of
/// one round, 0 if this file was built for a processor without it.
int64_t peak_int8_avx512vnni(int64_t rounds);
int64_t peak_int8_avxvnni(int64_t rounds);
int64_t peak_int8_avx2(int64_t rounds);
int64_t peak_int8_baseline(int64_t rounds);

int64_t peak_fp32_avx512(int64_t rounds);
int64_t peak_fp32_avx2(int64_t rounds);
int64_t peak_fp32_baseline(int64_t rounds);
