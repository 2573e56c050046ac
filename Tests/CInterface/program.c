/* A program in C99 over martlet.h: misuse gives codes, eight threads on one handle give the bits of one.
 *
 *     program BUNDLE BASE ROUNDS    a bundle with a head, one without, how often each thread classifies everything
 *
 * Exits with the number of checks that failed, at most 100, and says which on stderr. */
#define _POSIX_C_SOURCE 200809L
#include "martlet.h"

#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static int failures;

#define CHECK(condition) \
  do { \
    if (!(condition)) { \
      fprintf(stderr, "program.c:%d: not true: %s\n", __LINE__, #condition); \
      ++failures; \
    } \
  } while (0)

enum { LABELS = 3, TEXTS = 24, THREADS = 8 };

static size_t rounds;

static const char *const words[] = {"the", "film", "is", "not", "good", "wonderful", "dull", "cast", "na\xc3\xafve", "\xe6\x98\xa0"};

/* Text `index`, of 0 to 92 words, in `buffer`. */
static void make_text(size_t index, char *buffer, size_t capacity) {
  buffer[0] = 0;
  for (size_t word = 0; word < 4 * index; ++word) {
    if (word > 0) strncat(buffer, " ", capacity - strlen(buffer) - 1);
    strncat(buffer, words[(index * 7 + word * 3) % 10], capacity - strlen(buffer) - 1);
  }
}

static martlet_classifier *open_bundle(const char *path, uint32_t threads) {
  martlet_classifier *classifier = NULL;
  martlet_options options = {sizeof options, threads, threads % 2 == 0 ? MARTLET_COPY : 0, NULL};
  char message[256] = "?";
  CHECK(martlet_classifier_open_with(path, &options, &classifier, message, sizeof message) == MARTLET_OK);
  CHECK(message[0] == 0);
  return classifier;
}

/* The example of the header. */
static void use(const char *path) {
  martlet_classifier *c = NULL;
  CHECK(martlet_classifier_open(path, &c) == MARTLET_OK && c != NULL);
  CHECK(martlet_classifier_label_count(c) == LABELS);
  CHECK(strcmp(martlet_classifier_label(c, 0), "negative") == 0 && strcmp(martlet_classifier_label(c, 2), "positive") == 0);
  CHECK(martlet_classifier_label(c, LABELS) == NULL && martlet_classifier_label(c, (size_t)-1) == NULL);
  CHECK(martlet_classifier_task(c) == MARTLET_SINGLE_LABEL);
  CHECK(martlet_classifier_maximum_length(c) == 64);
  CHECK(strlen(martlet_classifier_instruction_set(c)) > 0);
  CHECK(strcmp(martlet_version(), MARTLET_VERSION) == 0);

  float scores[LABELS + 1] = {-1, -1, -1, -1};
  size_t count = 99;
  CHECK(martlet_classifier_classify(c, "a good film", 11, scores, LABELS, &count) == MARTLET_OK);
  CHECK(count == LABELS && scores[LABELS] == -1);
  CHECK(fabsf(scores[0] + scores[1] + scores[2] - 1) < 1e-6f);
  CHECK(martlet_classifier_classify(c, NULL, 0, scores, LABELS + 1, NULL) == MARTLET_OK);

  /* The size can be asked for. A short buffer is not written to. */
  scores[0] = scores[1] = -1;
  count = 99;
  CHECK(martlet_classifier_classify(c, "good", 4, NULL, 0, &count) == MARTLET_SHORT_BUFFER && count == LABELS);
  CHECK(martlet_classifier_classify(c, "good", 4, scores, LABELS - 1, &count) == MARTLET_SHORT_BUFFER);
  CHECK(scores[0] == -1 && scores[1] == -1);
  CHECK(martlet_classifier_close(c) == MARTLET_OK);
}

static void misuse(const char *path, const char *base) {
  martlet_classifier *c = NULL;
  char message[256];
  float scores[LABELS] = {-1, -1, -1};
  size_t count;

  CHECK(martlet_classifier_open(NULL, &c) == MARTLET_NULL_ARGUMENT);
  CHECK(martlet_classifier_open(path, NULL) == MARTLET_NULL_ARGUMENT);
  c = (martlet_classifier *)&count;
  CHECK(martlet_classifier_open("/no/such/file.martlet", &c) == MARTLET_INVALID_FILE && c == NULL);
  CHECK(martlet_classifier_open("/", &c) == MARTLET_INVALID_FILE);
  CHECK(martlet_classifier_open("/dev/null", &c) == MARTLET_INVALID_FILE);
  CHECK(martlet_classifier_open("\xff\xfe", &c) == MARTLET_INVALID_UTF8);
  CHECK(martlet_classifier_open_with(base, NULL, &c, message, sizeof message) == MARTLET_NO_HEAD);
  CHECK(strstr(message, base) != NULL && strchr(message, '\n') == NULL);
  CHECK(martlet_classifier_open_with("/no/\xc3\xa9", NULL, &c, message, 18) == MARTLET_INVALID_FILE);
  CHECK(strcmp(message, "cannot open /no/") == 0); /* the next character would not fit whole */
  CHECK(martlet_classifier_open_with("/no", NULL, &c, message, 1) == MARTLET_INVALID_FILE && message[0] == 0);
  CHECK(martlet_classifier_open_with("/no", NULL, &c, NULL, 99) == MARTLET_INVALID_FILE);
  martlet_options wrong[] = {{0, 0, 0, NULL}, {sizeof wrong[0], 1025, 0, NULL}, {sizeof wrong[0], 0, 8, NULL}};
  for (size_t index = 0; index < 3; ++index) {
    CHECK(martlet_classifier_open_with(path, &wrong[index], &c, message, sizeof message) == MARTLET_INVALID_ARGUMENT);
    CHECK(strlen(message) > 0);
  }
  martlet_options calibrated = {sizeof calibrated, 0, MARTLET_CALIBRATED, NULL};
  CHECK(martlet_classifier_open_with(path, &calibrated, &c, message, sizeof message) == MARTLET_NO_CALIBRATION && strstr(message, path) != NULL);
  martlet_options based = {sizeof based, 0, 0, base};
  CHECK(martlet_classifier_open_with(path, &based, &c, message, sizeof message) == MARTLET_INVALID_FILE && strstr(message, "delta") != NULL);
  based.base = "\xff";
  CHECK(martlet_classifier_open_with(path, &based, &c, NULL, 0) == MARTLET_INVALID_UTF8);
  based.size = offsetof(martlet_options, base); /* a caller of the first version, behind whose struct lies something else */
  CHECK(martlet_classifier_open_with(path, &based, &c, NULL, 0) == MARTLET_OK);
  martlet_classifier_close(c);
  setenv("MARTLET_ISA", "z80", 1);
  CHECK(martlet_classifier_open(path, &c) == MARTLET_INSTRUCTION_SET);
  unsetenv("MARTLET_ISA");

  martlet_options options = {sizeof options, 1, MARTLET_SKIP_CHECKSUMS, NULL};
  CHECK(martlet_classifier_open_with(path, &options, &c, NULL, 0) == MARTLET_OK);
  static const char *const broken[] = {"\xff", "good \xc3", "\xed\xa0\x80", "\xc0\xaf", "\xf4\x90\x80\x80"};
  for (size_t index = 0; index < 5; ++index) {
    CHECK(martlet_classifier_classify(c, broken[index], strlen(broken[index]), scores, LABELS, &count) == MARTLET_INVALID_UTF8);
  }
  CHECK(martlet_classifier_classify(c, "na\xc3\xafve", 3, scores, LABELS, &count) == MARTLET_INVALID_UTF8);
  CHECK(martlet_classifier_classify(c, NULL, 4, scores, LABELS, &count) == MARTLET_NULL_ARGUMENT);
  CHECK(martlet_classifier_classify(c, "good", 4, NULL, LABELS, &count) == MARTLET_NULL_ARGUMENT);
  CHECK(martlet_classifier_classify(c, "good", (size_t)-1, scores, LABELS, &count) == MARTLET_INVALID_ARGUMENT);
  CHECK(martlet_classifier_set_maximum_text_bytes(c, 0) == MARTLET_INVALID_ARGUMENT);
  CHECK(martlet_classifier_set_maximum_text_bytes(NULL, 3) == MARTLET_NULL_ARGUMENT);
  CHECK(martlet_classifier_set_maximum_text_bytes(c, 3) == MARTLET_OK);
  CHECK(martlet_classifier_classify(c, "good", 4, scores, LABELS, &count) == MARTLET_TEXT_TOO_LONG);
  CHECK(scores[0] == -1 && scores[1] == -1 && scores[2] == -1);
  CHECK(martlet_classifier_set_maximum_text_bytes(c, (size_t)-1) == MARTLET_OK);

  martlet_text texts[] = {{"good", 4, NULL, 0}, {"good", 4, "bad", 3}, {"bad \xff", 5, NULL, 0}};
  martlet_text_info infos[3] = {{9, 9, 9}, {9, 9, 9}, {9, 9, 9}};
  size_t refused = 99;
  CHECK(martlet_classifier_classify_batch(c, texts, 3, scores, NULL, 9, infos, &refused) == MARTLET_INVALID_UTF8 && refused == 2);
  CHECK(scores[0] == -1 && infos[0].label == 9);
  CHECK(martlet_classifier_classify_batch(c, texts, 2, scores, NULL, 5, infos, &refused) == MARTLET_SHORT_BUFFER && refused == 2);
  CHECK(martlet_classifier_classify_batch(c, texts, (size_t)-1 / 2, scores, NULL, 9, NULL, NULL) == MARTLET_SHORT_BUFFER);
  CHECK(martlet_classifier_classify_batch(c, NULL, 2, scores, NULL, 9, NULL, NULL) == MARTLET_NULL_ARGUMENT);
  CHECK(martlet_classifier_classify_batch(c, NULL, 0, NULL, NULL, 0, NULL, &refused) == MARTLET_OK && refused == 0);
  texts[1].pair = NULL;
  CHECK(martlet_classifier_classify_batch(c, texts, 2, NULL, NULL, 0, infos, &refused) == MARTLET_NULL_ARGUMENT && refused == 1);
  texts[1].pair_length = 0;
  CHECK(martlet_classifier_classify_batch(c, texts, 2, NULL, NULL, 0, infos, &refused) == MARTLET_OK && refused == 2);
  CHECK(infos[0].token_count == 3 && infos[1].token_count == 3 && infos[0].label == infos[1].label);

  for (int status = -1; status <= 20; ++status) {
    const char *text = martlet_status_message((martlet_status)status);
    CHECK(text != NULL && strlen(text) > 0);
    CHECK((status >= 0 && status <= 13) == (strcmp(text, martlet_status_message((martlet_status)1000)) != 0));
  }

  /* A closed handle, at once and after others have been opened; no handle; something that is none. */
  CHECK(martlet_classifier_close(c) == MARTLET_OK);
  martlet_classifier *another = open_bundle(path, 1);
  martlet_classifier *wrong_handles[] = {c, NULL, (martlet_classifier *)(void *)&scores[1], (martlet_classifier *)1};
  for (size_t index = 0; index < 4; ++index) {
    martlet_status expected = wrong_handles[index] == NULL ? MARTLET_NULL_ARGUMENT : MARTLET_CLOSED_HANDLE;
    CHECK(wrong_handles[index] != another);
    CHECK(martlet_classifier_classify(wrong_handles[index], "good", 4, scores, LABELS, &count) == expected);
    CHECK(martlet_classifier_classify_batch(wrong_handles[index], texts, 1, scores, NULL, LABELS, NULL, NULL) == expected);
    CHECK(martlet_classifier_close(wrong_handles[index]) == expected);
    CHECK(martlet_classifier_label_count(wrong_handles[index]) == 0);
    CHECK(martlet_classifier_label(wrong_handles[index], 0) == NULL);
    CHECK(martlet_classifier_task(wrong_handles[index]) == MARTLET_TASK_NONE);
    CHECK(martlet_classifier_maximum_length(wrong_handles[index]) == 0);
    CHECK(martlet_classifier_instruction_set(wrong_handles[index]) == NULL);
  }
  CHECK(martlet_classifier_classify(another, "good", 4, scores, LABELS, &count) == MARTLET_OK);
  CHECK(martlet_classifier_close(another) == MARTLET_OK);
}

/* A child of fork() has no copy of the threads: the handle is closed there, and goes on here. The child answers through
 * a pipe: its exit status under valgrind would tell of the parent's memory, which it has and cannot reach. */
static void fork_with(const char *path) {
  martlet_classifier *c = open_bundle(path, 2);
  float scores[LABELS];
  int ends[2];
  CHECK(pipe(ends) == 0);
  pid_t child = fork();
  if (child == 0) {
    unsigned char answers[2] = {(unsigned char)martlet_classifier_classify(c, "good", 4, scores, LABELS, NULL),
                                (unsigned char)martlet_classifier_close(c)};
    _exit(write(ends[1], answers, 2) != 2);
  }
  unsigned char answers[2] = {99, 99};
  CHECK(read(ends[0], answers, 2) == 2 && answers[0] == MARTLET_CLOSED_HANDLE && answers[1] == MARTLET_CLOSED_HANDLE);
  CHECK(waitpid(child, NULL, 0) == child);
  close(ends[0]);
  close(ends[1]);
  CHECK(martlet_classifier_classify(c, "good", 4, scores, LABELS, NULL) == MARTLET_OK);
  CHECK(martlet_classifier_close(c) == MARTLET_OK);
}

struct expected {
  char bytes[TEXTS][1024];
  float scores[TEXTS * LABELS], logits[TEXTS * LABELS];
  martlet_text_info infos[TEXTS];
};

struct work {
  martlet_classifier *classifier;
  const struct expected *expected;
  size_t number;
  size_t differences;
  martlet_status last;
};

/* Classifies one by one, from a place of its own, or all together, and counts what is not the same bits. */
static void *classify_all(void *argument) {
  struct work *work = argument;
  const struct expected *expected = work->expected;
  for (size_t round = 0; round < rounds; ++round) {
    if ((work->number + round) % 2 == 0) {
      for (size_t step = 0; step < TEXTS; ++step) {
        size_t index = (step + work->number * 3) % TEXTS;
        float scores[LABELS] = {0};
        const char *bytes = expected->bytes[index];
        work->last = martlet_classifier_classify(work->classifier, bytes, strlen(bytes), scores, LABELS, NULL);
        work->differences += work->last != MARTLET_OK || memcmp(scores, expected->scores + index * LABELS, sizeof scores) != 0;
      }
    } else {
      martlet_text texts[TEXTS];
      float scores[TEXTS * LABELS], logits[TEXTS * LABELS];
      martlet_text_info infos[TEXTS];
      for (size_t index = 0; index < TEXTS; ++index) {
        texts[index] = (martlet_text){expected->bytes[index], strlen(expected->bytes[index]), NULL, 0};
      }
      work->last = martlet_classifier_classify_batch(work->classifier, texts, TEXTS, scores, logits, TEXTS * LABELS, infos, NULL);
      work->differences += work->last != MARTLET_OK || memcmp(scores, expected->scores, sizeof scores) != 0 ||
                           memcmp(logits, expected->logits, sizeof logits) != 0 ||
                           memcmp(infos, expected->infos, sizeof infos) != 0;
    }
  }
  return NULL;
}

/* Each text alone on one thread; then eight threads at once on a handle of `threads`. */
static void many_threads(const char *path, uint32_t threads) {
  static struct expected expected;
  martlet_classifier *alone = open_bundle(path, 1);
  size_t truncated = 0;
  for (size_t index = 0; index < TEXTS; ++index) {
    make_text(index, expected.bytes[index], sizeof expected.bytes[index]);
    martlet_text text = {expected.bytes[index], strlen(expected.bytes[index]), NULL, 0};
    float *scores = expected.scores + index * LABELS, *logits = expected.logits + index * LABELS;
    martlet_text_info *info = &expected.infos[index];
    CHECK(martlet_classifier_classify_batch(alone, &text, 1, scores, logits, LABELS, info, NULL) == MARTLET_OK);
    CHECK(info->token_count >= 2 + index && info->token_count <= 64);
    for (size_t label = 0; label < LABELS; ++label) CHECK(scores[label] <= scores[info->label]);
    truncated += info->was_truncated;
  }
  CHECK(truncated > 0 && truncated < TEXTS && expected.infos[TEXTS - 1].was_truncated == 1);
  CHECK(martlet_classifier_close(alone) == MARTLET_OK);

  martlet_classifier *shared = open_bundle(path, threads);
  struct work work[THREADS];
  pthread_t running[THREADS];
  for (size_t number = 0; number < THREADS; ++number) {
    work[number] = (struct work){shared, &expected, number, 0, MARTLET_OK};
    CHECK(pthread_create(&running[number], NULL, classify_all, &work[number]) == 0);
  }
  for (size_t number = 0; number < THREADS; ++number) {
    pthread_join(running[number], NULL);
    CHECK(work[number].differences == 0);
  }

  /* Closed under the threads' feet: what they get is right, or says that the handle is closed. */
  for (size_t number = 0; number < THREADS; ++number) {
    work[number].differences = 0;
    CHECK(pthread_create(&running[number], NULL, classify_all, &work[number]) == 0);
  }
  CHECK(martlet_classifier_close(shared) == MARTLET_OK);
  for (size_t number = 0; number < THREADS; ++number) {
    pthread_join(running[number], NULL);
    CHECK(work[number].differences == 0 || work[number].last == MARTLET_CLOSED_HANDLE);
  }
  CHECK(martlet_classifier_close(shared) == MARTLET_CLOSED_HANDLE);
}

int main(int count, char **arguments) {
  if (count != 4) return 101;
  rounds = (size_t)atoi(arguments[3]);
  use(arguments[1]);
  misuse(arguments[1], arguments[2]);
  fork_with(arguments[1]);
  many_threads(arguments[1], 1);
  many_threads(arguments[1], 2);
  return failures < 100 ? failures : 100;
}
