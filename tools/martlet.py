"""Text classification with Martlet from Python: libmartlet through ctypes, in one file without compiled code.

    import martlet

    with martlet.Classifier("sentiment.martlet") as classifier:
        prediction = classifier.classify("a stirring , funny and finally transporting film")
        print(prediction.label, prediction.score)

        for prediction in classifier.classify_batch(texts):
            print(prediction.label, prediction.logits, prediction.was_truncated)

Copy this file to where Python finds it. The library is looked for under the name in MARTLET_LIBRARY, then in the
`lib` folder beside this file's own folder, then wherever the system's loader looks (`tools/install` puts it into
/usr/local/lib; run `ldconfig` once after). Python 3.8 or later, nothing else.

A classifier may be used from many threads at once: calls run outside Python's lock. After a fork (multiprocessing's
`fork` start method) the child opens its own: the parent's is closed there. Weights are mapped from the file, so that
processes share them.

Run as a program it classifies lines: `python3 martlet.py sentiment.martlet < texts.txt`.
"""

import ctypes
import os
import sys
from ctypes import POINTER, byref, c_char, c_char_p, c_float, c_int, c_size_t, c_uint32, c_void_p
from pathlib import Path
from typing import Iterable, List, NamedTuple, Optional, Tuple, Union

__all__ = ["Classifier", "MartletError", "Prediction", "version"]

Text = Union[str, bytes, Tuple[Union[str, bytes], Union[str, bytes]]]


class MartletError(Exception):
    """What the library refused. `status` is the code of martlet.h, the text says what, where, expected, found."""

    NULL_ARGUMENT, CLOSED_HANDLE, SHORT_BUFFER, INVALID_UTF8, INVALID_ARGUMENT = 1, 2, 3, 4, 5
    INVALID_FILE, UNSUPPORTED_MODEL, NO_HEAD, INSTRUCTION_SET, OUT_OF_MEMORY, NO_CALIBRATION = 6, 7, 8, 9, 10, 11
    TEXT_TOO_LONG, NOT_FINITE = 12, 13

    def __init__(self, status: int, text: str):
        super().__init__(text)
        self.status = status


class Prediction(NamedTuple):
    """What a classifier says of one text."""

    #: The label's name. Multi-label: the labels with a score over 0.5, comma-joined. Regression: the value; of several, all of them, comma-joined.
    label: str
    #: The highest score. Regression: the value, the first of several.
    score: float
    #: Single-label: the softmax over the labels, in label order. Multi-label: a sigmoid for each. Regression: the value.
    scores: List[float]
    #: The model's raw outputs, in label order.
    logits: List[float]
    #: The tokens that the model read, special tokens included.
    token_count: int
    #: Whether the text was longer than the model's limit and was cut.
    was_truncated: bool


class _Options(ctypes.Structure):
    _fields_ = [("size", c_size_t), ("threads", c_uint32), ("flags", c_uint32), ("base", c_char_p)]


class _Text(ctypes.Structure):
    _fields_ = [("bytes", c_char_p), ("length", c_size_t), ("pair", c_char_p), ("pair_length", c_size_t)]


class _TextInfo(ctypes.Structure):
    _fields_ = [("token_count", c_uint32), ("was_truncated", c_uint32), ("label", c_uint32)]


_SKIP_CHECKSUMS, _CALIBRATED, _COPY = 1, 2, 4
_MULTI_LABEL, _REGRESSION = 2, 3


def _load() -> ctypes.CDLL:
    beside = Path(__file__).resolve().parent.parent / "lib" / "libmartlet.so.1"
    name = os.environ.get("MARTLET_LIBRARY") or (str(beside) if beside.exists() else "libmartlet.so.1")
    library = ctypes.CDLL(name)
    for function, result, *arguments in [
        ("classifier_open_with", c_int, c_char_p, POINTER(_Options), POINTER(c_void_p), POINTER(c_char), c_size_t),
        ("classifier_close", c_int, c_void_p),
        ("classifier_classify_batch", c_int, c_void_p, POINTER(_Text), c_size_t, POINTER(c_float), POINTER(c_float),
         c_size_t, POINTER(_TextInfo), POINTER(c_size_t)),
        ("classifier_set_maximum_text_bytes", c_int, c_void_p, c_size_t),
        ("classifier_label_count", c_size_t, c_void_p),
        ("classifier_label", c_char_p, c_void_p, c_size_t),
        ("classifier_task", c_int, c_void_p),
        ("classifier_maximum_length", c_size_t, c_void_p),
        ("classifier_instruction_set", c_char_p, c_void_p),
        ("status_message", c_char_p, c_int),
        ("version", c_char_p),
    ]:
        entry = getattr(library, "martlet_" + function)
        entry.restype, entry.argtypes = result, arguments
    return library


_library = _load()


def version() -> str:
    """The version of the library that was loaded."""
    return _library.martlet_version().decode()


def _error(status: int, text: str = "") -> MartletError:
    return MartletError(status, text or _library.martlet_status_message(status).decode())


def _shortest(value: float) -> str:
    """The fewest digits that read back as the same single-precision number."""
    return next(text for text in (f"{value:.{digits}g}" for digits in range(1, 18)) if c_float(float(text)).value == value)


def _parts(text: Text) -> List[bytes]:
    """The one or two texts of a text or a pair, in UTF-8."""
    if isinstance(text, tuple) and len(text) != 2:
        raise _error(MartletError.INVALID_ARGUMENT, f"text: expected a text or a pair of texts, found a tuple of {len(text)}")
    parts = []
    for part in text if isinstance(text, tuple) else (text,):
        if not isinstance(part, (str, bytes)):
            raise TypeError(f"text: expected str or bytes, found {type(part).__name__}")
        # A lone surrogate becomes bytes that are not UTF-8, which the library refuses by name.
        parts.append(part if isinstance(part, bytes) else part.encode("utf-8", "surrogatepass"))
    return parts


class Classifier:
    """One `.martlet` file, opened: a context manager, closed by `close` or by leaving its block."""

    def __init__(self, path: Union[str, "os.PathLike[str]"], threads: Optional[int] = None, verify_checksums: bool = True,
                 calibrated: bool = False, base: Optional[Union[str, "os.PathLike[str]"]] = None, mapped: bool = True,
                 maximum_text_bytes: Optional[int] = None):
        """Opens a bundle and checks all of it.

        `threads` is how many threads one call may use; None: the cores that the process may use. `calibrated` divides
        logits by the temperature that `martlet pack --validation` fitted before they become scores. `base` is the file
        that a delta is a delta of; None: the one beside it, by the name that it holds. `mapped=False` reads the file into
        memory: a mapped one must not become shorter while it is in use. `maximum_text_bytes` is the longest text that is
        classified, in bytes of UTF-8; None: 1048576. Longer ones are refused, not cut. Raises MartletError.
        """
        self._handle = c_void_p()
        if threads is not None and not 1 <= threads <= 1024:
            raise _error(MartletError.INVALID_ARGUMENT, f"threads: expected 1 to 1024, found {threads}")
        if maximum_text_bytes is not None and not 1 <= maximum_text_bytes <= sys.maxsize:
            raise _error(MartletError.INVALID_ARGUMENT, f"maximum_text_bytes: expected 1 to {sys.maxsize}, found {maximum_text_bytes}")
        flags = (0 if verify_checksums else _SKIP_CHECKSUMS) | (_CALIBRATED if calibrated else 0) | (0 if mapped else _COPY)
        base_name = None if base is None else os.fsencode(base)
        options = _Options(ctypes.sizeof(_Options), threads or 0, flags, base_name)
        message = ctypes.create_string_buffer(1024)
        name = os.fsencode(path)
        if b"\0" in name + (base_name or b""):
            raise _error(MartletError.INVALID_ARGUMENT, "path: a NUL inside")
        status = _library.martlet_classifier_open_with(
            name, byref(options), byref(self._handle), message, len(message))
        if status:
            raise _error(status, message.value.decode())
        if maximum_text_bytes is not None:
            _library.martlet_classifier_set_maximum_text_bytes(self._handle, maximum_text_bytes)
        count = _library.martlet_classifier_label_count(self._handle)
        #: The labels' names, in the order of scores and logits.
        self.labels = [_library.martlet_classifier_label(self._handle, index).decode() for index in range(count)]
        #: The longest text in tokens, special tokens included; longer ones are cut.
        self.maximum_length = _library.martlet_classifier_maximum_length(self._handle)
        #: The instruction set in use.
        self.instruction_set = _library.martlet_classifier_instruction_set(self._handle).decode()
        self._task = _library.martlet_classifier_task(self._handle)

    def classify(self, text: Union[str, bytes], pair: Optional[Union[str, bytes]] = None) -> Prediction:
        """Classifies one text, or a pair if the model was tuned on pairs. Raises MartletError."""
        return self.classify_batch([text if pair is None else (text, pair)])[0]

    def classify_batch(self, texts: Iterable[Text]) -> List[Prediction]:
        """Classifies texts (UTF-8 if bytes) or pairs together; each gets what it gets alone. Raises MartletError."""
        if isinstance(texts, (str, bytes)):
            raise TypeError(f"texts: expected texts, found one {type(texts).__name__}: classify() takes it")
        parts = [_parts(text) for text in texts]
        rows = (_Text * len(parts))(*[_Text(text[0], len(text[0]), *((text[1], len(text[1])) if len(text) > 1 else ())) for text in parts])
        width = len(self.labels)
        scores, logits = (c_float * (len(parts) * width))(), (c_float * (len(parts) * width))()
        infos, refused = (_TextInfo * len(parts))(), c_size_t(len(parts))
        status = _library.martlet_classifier_classify_batch(
            self._handle, rows, len(parts), scores, logits, len(scores), infos, byref(refused))
        if status:
            error = _error(status)
            raise _error(status, f"text {refused.value}: {error}") if refused.value < len(parts) else error
        return [
            self._prediction(scores[start:start + width], logits[start:start + width], info)
            for start, info in zip(range(0, len(scores), width), infos)
        ]

    def _prediction(self, scores: List[float], logits: List[float], info: _TextInfo) -> Prediction:
        label = self.labels[info.label]
        if self._task == _MULTI_LABEL:
            label = ",".join(name for name, score in zip(self.labels, scores) if score > 0.5)
        elif self._task == _REGRESSION:
            label = ",".join(map(_shortest, scores))
        best = 0 if self._task == _REGRESSION else info.label
        return Prediction(label, scores[best], scores, logits, info.token_count, info.was_truncated == 1)

    def close(self) -> None:
        """Closes the file. Calls in progress finish; later ones raise MartletError. Closing again does nothing."""
        _library.martlet_classifier_close(self._handle)

    def __enter__(self) -> "Classifier":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __del__(self) -> None:
        self.close()


def main() -> int:
    if len(sys.argv) != 2:
        print("usage: martlet.py MODEL.martlet < LINES", file=sys.stderr)
        return 64
    try:
        with Classifier(sys.argv[1]) as classifier:
            for line in sys.stdin.buffer:
                text = line.rstrip(b"\r\n").decode("utf-8", "replace")
                prediction = classifier.classify(text)
                print(f"{prediction.label}\t{prediction.score:.6f}", flush=True)
    except MartletError as error:
        print(f"martlet: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
