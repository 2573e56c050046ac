/*
 * Martlet: text classification with transformer encoders, behind C functions.
 *
 *     martlet_classifier *c = NULL;
 *     martlet_status s = martlet_classifier_open("sentiment.martlet", &c);
 *     float scores[2];
 *     size_t count;
 *     if (s == MARTLET_OK) s = martlet_classifier_classify(c, text, length, scores, 2, &count);
 *     if (s != MARTLET_OK) fprintf(stderr, "%s\n", martlet_status_message(s));
 *     martlet_classifier_close(c);
 *
 * Every function may be called from any number of threads at once, on one handle too, and a text has the same bits
 * of logits alone, in any batch, beside other callers and with any number of threads. Nothing here throws, exits,
 * prints (but see below) or keeps state between handles; the environment is read once, at opening (MARTLET_ISA forces an instruction
 * set). A wrong argument gives a code, and then nothing is written but what is said here.
 *
 * Handles. A handle that has been closed is told from an open one at any time later: it is the address of a page that
 * is its own and that goes back to the system at close, all but its address, which no later handle gets. So a handle
 * costs a page of memory while it is open and a page of address space, of which there are 2^35, for good. Closing
 * while calls are in progress is safe: they finish, and the last one frees. A handle belongs to the process that opened
 * it: in a child of fork(), which has no copy of its threads, it is a closed one. What cannot be told from a handle
 * safely is the address of a page of something else; other addresses give MARTLET_CLOSED_HANDLE.
 *
 * Memory. What the system refuses is MARTLET_OUT_OF_MEMORY, and the handle gives the same bits again once there is memory.
 * Whatever grows with a file or a text is asked for so that a refusal is seen. What is not: allocations of the Swift runtime of its
 * own, of under 64 KiB each. If one of those is refused the process ends with a signal and a line on stderr. Under limits of the
 * address space (ulimit -v) of every size that is less than 3 of 100 (Tests/Limits measures it).
 *
 * Sizes. A length, a count or a capacity above PTRDIFF_MAX is no size of anything: as a length or a count it is
 * MARTLET_INVALID_ARGUMENT (or MARTLET_NULL_ARGUMENT beside NULL), as a capacity it is enough.
 *
 * Text is UTF-8 and need not end in NUL. Bytes that are not UTF-8 are refused, not repaired: the caller knows what
 * they were meant to be. (The command line, whose stream must answer every record, replaces and counts them.)
 *
 * Link with what `pkg-config --cflags --libs martlet` says; libmartlet.a wants -lstdc++ -lm -lpthread -ldl besides.
 * The shared library's functions carry the version MARTLET_1, later ones MARTLET_2, and neither library shows any other name: both bring the
 * Swift runtime along, hidden.
 */
#ifndef MARTLET_H
#define MARTLET_H

#include <stddef.h>
#include <stdint.h>

#define MARTLET_VERSION "0.1.0"

#ifdef __cplusplus
extern "C" {
#endif

/** What a call came to. Codes keep their numbers. */
typedef enum martlet_status {
  MARTLET_OK = 0,
  /** A pointer that must not be NULL is. */
  MARTLET_NULL_ARGUMENT = 1,
  /** The handle is closed, was opened by another process, or is none. */
  MARTLET_CLOSED_HANDLE = 2,
  /** The caller's buffer is too small for the result. */
  MARTLET_SHORT_BUFFER = 3,
  /** A text or a path is not UTF-8. */
  MARTLET_INVALID_UTF8 = 4,
  /** An argument is out of range, a pair was given to a model that takes none, or a text is too long for a model that cuts none. */
  MARTLET_INVALID_ARGUMENT = 5,
  /** The file is missing, cannot be read, or is not a whole and sound bundle. */
  MARTLET_INVALID_FILE = 6,
  /** The model in the file is not one that this version can run. */
  MARTLET_UNSUPPORTED_MODEL = 7,
  /** The file holds an encoder without a classification head. */
  MARTLET_NO_HEAD = 8,
  /** MARTLET_ISA names an instruction set that is unknown or that this machine lacks. */
  MARTLET_INSTRUCTION_SET = 9,
  /** The system refused memory. The handle, if there was one, is as it was before the call. */
  MARTLET_OUT_OF_MEMORY = 10,
  /** Calibrated scores are wanted of a file that holds no calibration. */
  MARTLET_NO_CALIBRATION = 11,
  /** A text has more bytes than the handle's bound, or is too long for a model that cuts none. */
  MARTLET_TEXT_TOO_LONG = 12,
  /** The model's logits of a text are not finite numbers: its products overflow, and no score would say anything. */
  MARTLET_NOT_FINITE = 13
} martlet_status;

/** What the scores of a model mean. */
typedef enum martlet_task {
  /** The handle is no open one. */
  MARTLET_TASK_NONE = 0,
  /** Scores are the softmax over the labels. */
  MARTLET_SINGLE_LABEL = 1,
  /** Scores are a sigmoid for each label; a label is given over 0.5. */
  MARTLET_MULTI_LABEL = 2,
  /** Scores are the logits: the values themselves. */
  MARTLET_REGRESSION = 3
} martlet_task;

/** An open `.martlet` file. */
typedef struct martlet_classifier martlet_classifier;

/** How to open a file. Zero in every field but the first is the default. */
typedef struct martlet_options {
  /** sizeof(martlet_options): later versions may have more fields. */
  size_t size;
  /** How many threads one call may use, at most 1024; 0: the cores that the process may use. */
  uint32_t threads;
  /** Any of MARTLET_SKIP_CHECKSUMS, MARTLET_CALIBRATED, MARTLET_COPY. */
  uint32_t flags;
  /** The file that a delta is a delta of; NULL: the one beside it, by the name that it holds. */
  const char *base;
} martlet_options;

/** Do not read the whole file once to compare checksums; everything else is still checked. */
#define MARTLET_SKIP_CHECKSUMS 1u

/**
 * Divide logits by the temperature that `martlet pack --validation` fitted before they become scores, so that scores say
 * how often they are right. Labels and logits stay what they are.
 */
#define MARTLET_CALIBRATED 2u

/**
 * Read the file into memory of the process's own in place of mapping it. A mapped file must not become shorter while it is
 * in use: the system ends a process (SIGBUS) that reads what is no longer there. Replacing a file by renaming another to
 * its name, as `martlet pack` does, is always safe.
 */
#define MARTLET_COPY 4u

/** A text of a batch. */
typedef struct martlet_text {
  /** UTF-8; may be NULL if `length` is 0. */
  const char *bytes;
  /** In bytes. */
  size_t length;
  /** The second text of a pair, for models that were tuned on pairs; NULL for a text alone. */
  const char *pair;
  /** In bytes. */
  size_t pair_length;
} martlet_text;

/** What is known of a text besides its scores. */
typedef struct martlet_text_info {
  /** The tokens that the model read, special tokens included. */
  uint32_t token_count;
  /** 1 if the text was longer than the model's limit and was cut, 0 if not. */
  uint32_t was_truncated;
  /** The index of the label with the highest score, the first of equals. */
  uint32_t label;
} martlet_text_info;

/**
 * Opens a bundle with the default options and checks all of it.
 *
 * `*classifier` is the handle, or NULL unless the status is MARTLET_OK; close it with martlet_classifier_close().
 */
martlet_status martlet_classifier_open(const char *path, martlet_classifier **classifier);

/**
 * Opens a bundle.
 *
 * `options` may be NULL. `message`, if not NULL, is a buffer of `message_capacity` bytes for one line that says what
 * is wrong where, what was expected and what was found; cut to fit between characters, ended by NUL, empty when all
 * is well.
 */
martlet_status martlet_classifier_open_with(const char *path, const martlet_options *options,
                                            martlet_classifier **classifier, char *message, size_t message_capacity);

/** Closes a handle. What its labels pointed at is freed, once the calls in progress have ended. */
martlet_status martlet_classifier_close(martlet_classifier *classifier);

/**
 * Classifies one text: a score for each label, in label order.
 *
 * `*count` becomes the number of labels, with MARTLET_SHORT_BUFFER too: then `capacity`, in floats, is less and no
 * score is written. `scores` may be NULL if `capacity` is 0, `count` may be NULL.
 */
martlet_status martlet_classifier_classify(martlet_classifier *classifier, const char *text, size_t length,
                                           float *scores, size_t capacity, size_t *count);

/**
 * Classifies texts together, and gives each what it gets alone.
 *
 * `scores` and `logits` are `text_count` rows of a float for each label, `capacity` floats each; `infos` is
 * `text_count` entries. Each of the three may be NULL if it is not wanted. If a text is refused
 * (MARTLET_INVALID_UTF8, MARTLET_NULL_ARGUMENT, MARTLET_INVALID_ARGUMENT, MARTLET_TEXT_TOO_LONG), no text is run (but some of
 * those before one that is too long for the model), and `*refused`, unless NULL, is its index; otherwise it is `text_count`.
 * With MARTLET_NOT_FINITE it is the index of the first such text; the rows before it are written, the others may be.
 */
martlet_status martlet_classifier_classify_batch(martlet_classifier *classifier, const martlet_text *texts,
                                                 size_t text_count, float *scores, float *logits, size_t capacity,
                                                 martlet_text_info *infos, size_t *refused);

/**
 * Sets the longest text in bytes that the handle classifies, each of a pair: 1048576 until it is called; SIZE_MAX is no
 * bound, 0 is an invalid argument. For calls that start after it has returned. A tokenizer may take a microsecond for a
 * byte and 64 bytes of memory, though the model reads the first tokens alone.
 */
martlet_status martlet_classifier_set_maximum_text_bytes(martlet_classifier *classifier, size_t maximum);

/** The number of labels, that is of scores and of logits; 0 if the handle is no open one. */
size_t martlet_classifier_label_count(const martlet_classifier *classifier);

/** A label's name in UTF-8, valid until the handle is closed; NULL if there is no such label or no such handle. */
const char *martlet_classifier_label(const martlet_classifier *classifier, size_t index);

/** What the scores mean. */
martlet_task martlet_classifier_task(const martlet_classifier *classifier);

/** The longest text in tokens, special tokens included; 0 if the handle is no open one. */
size_t martlet_classifier_maximum_length(const martlet_classifier *classifier);

/** The name of the instruction set in use, valid until the handle is closed; NULL if the handle is no open one. */
const char *martlet_classifier_instruction_set(const martlet_classifier *classifier);

/** What a status means, in English, for any value; never NULL, never to be freed. */
const char *martlet_status_message(martlet_status status);

/** The library's version: MARTLET_VERSION of the header that it was built with. */
const char *martlet_version(void);

#ifdef __cplusplus
}
#endif

#endif
