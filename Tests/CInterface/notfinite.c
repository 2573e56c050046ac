/* A text whose logits are not finite numbers is a status with its index; the rows before it are there. */
#include <martlet.h>
#include <stdio.h>
#include <string.h>

#define CHECK(condition) \
  do { if (!(condition)) { printf("%s:%d: not true: %s\n", __FILE__, __LINE__, #condition); return 1; } } while (0)

int main(int count, char **arguments) {
  CHECK(count == 2);
  martlet_classifier *classifier = NULL;
  CHECK(martlet_classifier_open(arguments[1], &classifier) == MARTLET_OK);
  martlet_text texts[3] = {{"the film", 8, NULL, 0}, {"awful", 5, NULL, 0}, {"good", 4, NULL, 0}};
  float scores[9] = {0};
  size_t refused = 9;
  CHECK(martlet_classifier_classify_batch(classifier, texts, 3, scores, NULL, 9, NULL, &refused) == MARTLET_NOT_FINITE);
  CHECK(refused == 1 && scores[0] + scores[1] + scores[2] > 0.99f);
  CHECK(martlet_classifier_classify(classifier, "awful", 5, scores, 9, NULL) == MARTLET_NOT_FINITE);
  CHECK(strlen(martlet_status_message(MARTLET_NOT_FINITE)) > 10);
  CHECK(martlet_classifier_classify(classifier, "good", 4, scores, 9, NULL) == MARTLET_OK);
  martlet_classifier_close(classifier);
  return 0;
}
