/* Calls every function of martlet.h with values from a row of bytes: null, closed and wrong handles, lengths and counts of every size,
 * texts that are not UTF-8, buffers that are too small. What a value may not change is checked after each row.
 *
 *     values BUNDLE BASE SEED ROWS      random rows; MARTLET_FUZZ_SECONDS in the environment goes on for so long
 *
 * With -DFUZZER and libFuzzer (Tests/Fuzz/run library) the rows come from there, and BUNDLE and BASE from the environment.
 * Exits with 1 and a line on stderr where something is not as it must be. */
#define _POSIX_C_SOURCE 200809L
#include "martlet.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define CHECK(condition) \
  do { \
    if (!(condition)) { \
      fprintf(stderr, "values.c:%d: not true: %s\n", __LINE__, #condition); \
      exit(1); \
    } \
  } while (0)

enum { HANDLES = 4, FLOATS = 256, TEXTS = 8, TEXT_BYTES = 4096 };
static const uint32_t CANARY = 0x7fc0beef; /* A NaN of our own. */

static const char *bundle, *base;
static martlet_classifier *steady; /* Never closed. */
static size_t labels;
static float expected[16];

/* The row at hand. */
static const uint8_t *next_byte;
static size_t bytes_left;

static uint32_t take(void) {
  if (bytes_left == 0) return 0;
  --bytes_left;
  return *next_byte++;
}
static uint32_t below(uint32_t most) { return (take() << 8 | take()) % most; }

/* Sizes at the edges and any between. */
static size_t any_size(void) {
  static const size_t edges[] = {0, 1, 2, 3, 15, 16, 4096, (size_t)1 << 31, (size_t)1 << 32, (size_t)1 << 62, SIZE_MAX / 2, SIZE_MAX / 2 + 1, SIZE_MAX - 1, SIZE_MAX};
  uint32_t choice = take();
  if (choice < sizeof edges / sizeof *edges) return edges[choice];
  return (size_t)take() << (choice % 60);
}

static char text_bytes[TEXT_BYTES];

/* A text of the row's bytes or of words, and its length: true, or of any size where there is no text. */
static const char *any_text(size_t *length) {
  static const char words[] = "the film is not good \xe6\x98\xa0 na\xc3\xafve \xff \xf0\x9f\x8e\xac \xed\xa0\x80 wonderful\n";
  switch (take() % 5) {
    case 0: *length = any_size(); return NULL;
    case 1: *length = SIZE_MAX - take(); return text_bytes; /* More than a pointer can span. */
    case 2:
      *length = below(TEXT_BYTES);
      for (size_t i = 0; i < *length; ++i) text_bytes[i] = (char)take();
      return text_bytes;
    case 3:
      *length = below(TEXT_BYTES);
      for (size_t i = 0; i < *length; ++i) text_bytes[i] = words[i % (sizeof words - 1)];
      return text_bytes;
    default: *length = 4; memcpy(text_bytes, "good", 4); return text_bytes;
  }
}

static martlet_classifier *handles[HANDLES];
static union { char bytes[8192]; double aligned; } no_handle;

static martlet_classifier *any_handle(void) {
  uint32_t choice = take() % 8;
  if (choice < HANDLES) return handles[choice];
  if (choice == 4) return NULL;
  if (choice == 5) return (martlet_classifier *)(no_handle.bytes + 1 + take()); /* Of no page. */
  return steady;
}

static void expect_status(martlet_status status) { CHECK(status >= MARTLET_OK && strlen(martlet_status_message(status)) > 0); }

static void open_one(void) {
  static const char *const others[] = {"", "/", "/no/such/file", "\xff\xfe", "/dev/null", "/proc/self/mem"};
  uint32_t choice = take() % 10;
  const char *path = choice < 6 ? others[choice] : choice == 6 ? NULL : choice == 7 ? base : bundle;
  martlet_classifier **target = take() % 8 == 0 ? NULL : &handles[take() % HANDLES];
  if (target && *target) expect_status(martlet_classifier_close(*target));
  static const uint32_t threads[] = {0, 1, 2, 3, 1025, UINT32_MAX};
  martlet_options options = {sizeof options, threads[take() % 6], take() % 2 ? take() % 16 : 0, take() % 8 ? NULL : base};
  if (take() % 4 == 0) options.size = any_size();
  char message[256];
  memset(message, 0x55, sizeof message);
  size_t capacity = below(sizeof message);
  martlet_classifier *before = target ? *target : NULL;
  martlet_status status = martlet_classifier_open_with(path, take() % 4 ? &options : NULL, target, take() % 4 ? message : NULL, capacity);
  expect_status(status);
  (void)before;
  if (target) CHECK((*target != NULL) == (status == MARTLET_OK));
  for (size_t i = capacity; i < sizeof message; ++i) CHECK(message[i] == 0x55);
  if (capacity > 0 && message[0] != 0x55) CHECK(memchr(message, 0, capacity) != NULL);
}

static void classify_one(void) {
  uint32_t scores[FLOATS];
  for (size_t i = 0; i < FLOATS; ++i) scores[i] = CANARY;
  size_t length, count = 77;
  const char *text = any_text(&length);
  size_t capacity = take() % 2 ? any_size() : labels;
  martlet_status status = martlet_classifier_classify(
      any_handle(), text, length, take() % 8 ? (float *)scores : NULL, capacity, take() % 4 ? &count : NULL);
  expect_status(status);
  for (size_t i = status == MARTLET_OK ? labels : 0; i < FLOATS; ++i) CHECK(scores[i] == CANARY);
}

static void classify_some(void) {
  uint32_t scores[FLOATS], logits[FLOATS];
  for (size_t i = 0; i < FLOATS; ++i) scores[i] = logits[i] = CANARY;
  martlet_text texts[TEXTS];
  martlet_text_info infos[TEXTS];
  size_t number = below(TEXTS + 1), refused = 77;
  for (size_t i = 0; i < number; ++i) {
    texts[i].bytes = any_text(&texts[i].length);
    texts[i].pair = NULL;
    texts[i].pair_length = 0;
    if (take() % 4 == 0) texts[i].pair = any_text(&texts[i].pair_length);
  }
  int has_texts = take() % 8 != 0;
  /* Of more texts than a pointer can span, or than there are when there are none. */
  size_t count = take() % 8 ? number : has_texts ? SIZE_MAX - take() : any_size();
  size_t capacity = take() % 4 ? FLOATS : any_size();
  if (capacity > FLOATS && count <= TEXTS) capacity = FLOATS;
  martlet_status status = martlet_classifier_classify_batch(
      any_handle(), has_texts ? texts : NULL, count, take() % 4 ? (float *)scores : NULL, take() % 4 ? (float *)logits : NULL, capacity,
      take() % 2 && count <= TEXTS ? infos : NULL, take() % 2 ? &refused : NULL);
  expect_status(status);
  for (size_t i = status == MARTLET_OK && count <= TEXTS ? count * labels : 0; i < FLOATS; ++i) CHECK(scores[i] == CANARY && logits[i] == CANARY);
  CHECK(refused == 77 || refused == count || refused < number);
}

static void ask(void) {
  martlet_classifier *handle = any_handle();
  size_t index = any_size();
  const char *name = martlet_classifier_label(handle, index);
  CHECK(name == NULL || strlen(name) > 0);
  CHECK(martlet_classifier_label_count(handle) == 0 || martlet_classifier_label_count(handle) == labels);
  CHECK(martlet_classifier_task(handle) <= MARTLET_REGRESSION);
  CHECK((martlet_classifier_maximum_length(handle) > 0) == (martlet_classifier_instruction_set(handle) != NULL));
  CHECK(martlet_status_message((martlet_status)(int32_t)any_size()) != NULL && martlet_version() != NULL);
}

static void start(void) {
  CHECK(martlet_classifier_open(bundle, &steady) == MARTLET_OK);
  labels = martlet_classifier_label_count(steady);
  CHECK(labels > 0 && labels <= 16 && labels * TEXTS <= FLOATS);
  CHECK(martlet_classifier_classify(steady, "not a good film", 15, expected, 16, NULL) == MARTLET_OK);
}

static void run(const uint8_t *bytes, size_t size) {
  next_byte = bytes;
  bytes_left = size;
  while (bytes_left > 0) {
    switch (take() % 16) {
      case 0: open_one(); break;
      case 1: {
        martlet_classifier *handle = any_handle();
        if (handle != steady) expect_status(martlet_classifier_close(handle));
        break;
      }
      case 2: case 3: case 4: case 5: ask(); break;
      case 6: case 7: case 8: case 9: case 10: classify_one(); break;
      default: classify_some();
    }
  }
  float found[16];
  CHECK(martlet_classifier_classify(steady, "not a good film", 15, found, 16, NULL) == MARTLET_OK);
  CHECK(memcmp(found, expected, labels * sizeof *found) == 0);
}

#ifdef FUZZER
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
  if (!steady) {
    bundle = getenv("BUNDLE");
    base = getenv("BASE");
    start();
  }
  run(bytes, size);
  return 0;
}
#else
int main(int argc, char **argv) {
  CHECK(argc == 5);
  bundle = argv[1];
  base = argv[2];
  uint64_t state = strtoull(argv[3], NULL, 10);
  size_t rows = strtoull(argv[4], NULL, 10);
  const char *seconds = getenv("MARTLET_FUZZ_SECONDS");
  time_t end = seconds ? time(NULL) + atol(seconds) : 0;
  start();
  for (size_t row = 0; row < rows || time(NULL) < end; ++row) {
    uint8_t bytes[2048];
    size_t size = 1 + row % sizeof bytes;
    for (size_t i = 0; i < size; ++i) {
      state = state * 6364136223846793005u + 1442695040888963407u;
      bytes[i] = (uint8_t)(state >> 56);
    }
    run(bytes, size);
  }
  for (size_t i = 0; i < HANDLES; ++i) (void)martlet_classifier_close(handles[i]);
  CHECK(martlet_classifier_close(steady) == MARTLET_OK);
  return 0;
}
#endif
