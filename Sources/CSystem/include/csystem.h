// What Swift cannot say by itself: futex calls, atomics on raw words and the processor's spin hint.
#pragma once
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <fcntl.h>
#include <linux/futex.h>
#include <sched.h>
#include <stdint.h>
#include <sys/auxv.h>
#include <sys/syscall.h>
#include <unistd.h>

/// Sleeps while `*word == expected`; returns on a wake, a change of the word, or a signal.
static inline void csystem_futex_wait(uint32_t *word, uint32_t expected) {
  syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, expected, (void *)0, (void *)0, 0);
}

/// Wakes at most `count` threads that sleep on the word.
static inline void csystem_futex_wake(uint32_t *word, int32_t count) {
  syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, count, (void *)0, (void *)0, 0);
}

/// Tells the core that this is a spin loop.
static inline void csystem_pause(void) {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ volatile("yield");
#endif
}

static inline uint32_t csystem_load(const uint32_t *word) { return __atomic_load_n(word, __ATOMIC_SEQ_CST); }
static inline void csystem_store(uint32_t *word, uint32_t value) { __atomic_store_n(word, value, __ATOMIC_SEQ_CST); }
/// Adds and returns the value before.
static inline uint32_t csystem_fetch_add(uint32_t *word, uint32_t value) {
  return __atomic_fetch_add(word, value, __ATOMIC_SEQ_CST);
}
static inline uint32_t csystem_fetch_sub(uint32_t *word, uint32_t value) {
  return __atomic_fetch_sub(word, value, __ATOMIC_SEQ_CST);
}

/// Gives two files or folders each other's names at once; 0, or -1 where the file system cannot.
static inline int32_t csystem_exchange(const char *first, const char *second) {
  return (int32_t)syscall(SYS_renameat2, AT_FDCWD, first, AT_FDCWD, second, 2 /* RENAME_EXCHANGE */);
}

/// The number of cores that this process may run on, 0 if the system does not tell.
static inline int32_t csystem_available_cores(void) {
  cpu_set_t mask;
  return sched_getaffinity(0, sizeof(mask), &mask) == 0 ? CPU_COUNT(&mask) : 0;
}

/// The path that this program was started by, NULL if the system does not tell.
static inline const char *csystem_started_by(void) { return (const char *)getauxval(AT_EXECFN); }

/// Opens those of the standard descriptors that are closed, so that no file gets their numbers. What is opened can neither be
/// read nor written: who uses it is told that the descriptor is bad, as if it were closed.
static inline void csystem_fill_standard_descriptors(void) {
  for (int number = 0; number <= 2; number++)
    if (fcntl(number, F_GETFD) == -1 && open("/", O_PATH) != number) return;
}
