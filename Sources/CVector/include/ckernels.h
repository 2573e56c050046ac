// What kernels are given: rows, matrices and vectors, as C structs, so that every kernel module and its callers share one
// definition. Sources/KernelSource/README.md is the contract: who owns what, alignment, padding, what may be read beyond the end.
#pragma once
#include <stdint.h>
#pragma clang assume_nonnull begin

/// fp32 rows that are read: [count, width], `stride` floats from one row to the next.
typedef struct {
  const float *values;
  long stride, count, width;
} FloatRows;

/// fp32 rows that are written, or changed in place.
typedef struct {
  float *values;
  long stride, count, width;
} MutableFloatRows;

/// int8 rows with a scale each, the operand of an int8 product: `stride` bytes from one row to the next. How an integer lies
/// in memory is the instruction set's own affair.
typedef struct {
  void *values;
  float *scales;
  long stride, count, width;
} QuantizedRows;

/// The weights of an int8 product in panels of 64 outputs by 4 inputs, and a scale, a sum of the integers and a bias for each
/// output; the vectors are padded to a multiple of 64.
typedef struct {
  const void *panels;
  const float *scales;
  const int32_t *rowSums;
  const float *bias;
  long outputs, inputs;
} Int8Matrix;

/// The weights of an fp32 product in panels of 64 outputs, and a bias for each output, padded to a multiple of 64.
typedef struct {
  const float *panels;
  const float *bias;
  long outputs, inputs;
} FloatMatrix;

#pragma clang assume_nonnull end
