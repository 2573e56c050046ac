/* Memory that is refused while a handle is open gives MARTLET_OUT_OF_MEMORY, and the handle works again afterwards.
 *
 *     limits BUNDLE              opens, classifies and closes once: for Tests/Limits/run, which limits the whole process
 *     limits BUNDLE STEPS        in STEPS children, each with another room for what its calls ask for
 *
 * A child that a signal ends counts as one: at most 3 of 100, as the header has it. Prints what came of the children. */
#define _GNU_SOURCE
#include "martlet.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

enum { LABELS = 16, TEXTS = 40 };
static char long_text[1 << 16];
static float scores[TEXTS * LABELS], expected[LABELS], found[LABELS];

static size_t address_space(void) {
  size_t pages = 0;
  FILE *file = fopen("/proc/self/statm", "r");
  if (!file || fscanf(file, "%zu", &pages) != 1) exit(77);
  fclose(file);
  return pages * (size_t)sysconf(_SC_PAGESIZE);
}

static void limit(size_t bytes) {
  struct rlimit value;
  getrlimit(RLIMIT_AS, &value);
  value.rlim_cur = bytes ? bytes : value.rlim_max;
  if (setrlimit(RLIMIT_AS, &value)) exit(77);
}

static martlet_status classify_all(martlet_classifier *c) {
  martlet_text texts[TEXTS];
  for (size_t i = 0; i < TEXTS; ++i) texts[i] = (martlet_text){long_text, sizeof long_text / (i + 1), NULL, 0};
  size_t refused = 0;
  martlet_status status = martlet_classifier_classify_batch(c, texts, TEXTS, scores, NULL, TEXTS * LABELS, NULL, &refused);
  return status == MARTLET_OUT_OF_MEMORY && refused != TEXTS ? MARTLET_NULL_ARGUMENT : status;
}

/* 0: all went well; 10: memory was refused, and all went well after; anything else is a mistake. */
static int child(const char *path, size_t room) {
  martlet_classifier *c = NULL, *second = NULL;
  martlet_options options = {sizeof options, 2, 0, NULL};
  if (martlet_classifier_open_with(path, &options, &c, NULL, 0) != MARTLET_OK) return 1;
  if (martlet_classifier_classify(c, "good", 4, expected, LABELS, NULL) != MARTLET_OK) return 2;
  limit(address_space() + room);
  martlet_status opened = martlet_classifier_open_with(path, &options, &second, NULL, 0);
  martlet_status classified = classify_all(c);
  limit(0);
  if (opened != MARTLET_OK && opened != MARTLET_OUT_OF_MEMORY) return 3;
  if (classified != MARTLET_OK && classified != MARTLET_OUT_OF_MEMORY) return 4;
  if (classify_all(c) != MARTLET_OK) return 5;
  if (martlet_classifier_classify(c, "good", 4, found, LABELS, NULL) != MARTLET_OK) return 6;
  if (memcmp(found, expected, sizeof found)) return 7;
  if (martlet_classifier_close(c) != MARTLET_OK) return 8;
  if (opened == MARTLET_OK && martlet_classifier_close(second) != MARTLET_OK) return 9;
  return opened == MARTLET_OK && classified == MARTLET_OK ? 0 : 10;
}

int main(int argc, char **argv) {
  for (size_t i = 0; i < sizeof long_text; ++i) long_text[i] = "the film is not good "[i % 21];
  if (argc == 2) {
    martlet_classifier *c = NULL;
    char message[256] = "";
    martlet_status status = martlet_classifier_open_with(argv[1], NULL, &c, message, sizeof message);
    if (status == MARTLET_OK) status = classify_all(c);
    if (status == MARTLET_OK) status = martlet_classifier_close(c);
    if (status != MARTLET_OK) fprintf(stderr, "limits: %s (%s)\n", martlet_status_message(status), message);
    return status == MARTLET_OK ? 0 : 1;
  }
  if (argc != 3) return 64;
  int steps = atoi(argv[2]), well = 0, refused = 0, signals = 0;
  for (int step = 0; step < steps; ++step) {
    pid_t process = fork();
    if (process == 0) _exit(child(argv[1], (size_t)step * ((size_t)8 << 20) / (size_t)steps));
    int status = 0;
    if (process < 0 || waitpid(process, &status, 0) != process) return 77;
    if (WIFSIGNALED(status)) ++signals;
    else if (WEXITSTATUS(status) == 0) ++well;
    else if (WEXITSTATUS(status) == 10) ++refused;
    else {
      fprintf(stderr, "limits: step %d: %d\n", step, WEXITSTATUS(status));
      return WEXITSTATUS(status) == 77 ? 77 : 1;
    }
  }
  printf("%d steps: %d well, %d refused memory and well after, %d signals\n", steps, well, refused, signals);
  return well > 0 && refused > 0 && signals * 100 <= 3 * steps ? 0 : 1;
}
