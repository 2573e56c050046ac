import CMartlet
import Martlet

@c @implementation
public func martlet_status_message(_ status: martlet_status) -> UnsafePointer<CChar>! { pointer(text(of: status)) }

@c @implementation
public func martlet_version() -> UnsafePointer<CChar>! { pointer("0.1.0") }

/// The code of an error of the library.
func status(of error: any Error) -> martlet_status {
  switch (error as? ClassifierError)?.kind {
  case .file: MARTLET_INVALID_FILE
  case .model: MARTLET_UNSUPPORTED_MODEL
  case .noHead: MARTLET_NO_HEAD
  case .noCalibration: MARTLET_NO_CALIBRATION
  case .instructionSet: MARTLET_INSTRUCTION_SET
  case .outOfMemory: MARTLET_OUT_OF_MEMORY
  case .textTooLong: MARTLET_TEXT_TOO_LONG
  case .notFinite: MARTLET_NOT_FINITE
  case .argument, nil: MARTLET_INVALID_ARGUMENT
  }
}

private func text(of status: martlet_status) -> StaticString {
  switch status {
  case MARTLET_OK: "no error"
  case MARTLET_NULL_ARGUMENT: "a pointer that must not be NULL is"
  case MARTLET_CLOSED_HANDLE: "the handle is closed, was opened by another process, or is none"
  case MARTLET_SHORT_BUFFER: "the buffer is too small for the result"
  case MARTLET_INVALID_UTF8: "the text is not UTF-8"
  case MARTLET_TEXT_TOO_LONG: "a text has more bytes than the handle's bound (1048576 if none was set), or is too long for a model that cuts none"
  case MARTLET_NOT_FINITE: "the model's logits of a text are not finite numbers: its weights are too large"
  case MARTLET_INVALID_ARGUMENT: "an argument is out of range, or a pair was given to a model that takes none"
  case MARTLET_INVALID_FILE: "the file is missing, cannot be read, or is not a whole and sound bundle"
  case MARTLET_UNSUPPORTED_MODEL: "the model in the file is not one that this version can run"
  case MARTLET_NO_HEAD: "the file holds an encoder without a classification head: a base to fine-tune, not a classifier"
  case MARTLET_INSTRUCTION_SET: "MARTLET_ISA names an instruction set that is unknown or that this machine lacks"
  case MARTLET_NO_CALIBRATION: "the file holds no calibration: pack it with validation data"
  case MARTLET_OUT_OF_MEMORY: "the system refused memory"
  default: "not a status of this version"
  }
}

/// A literal's own bytes, which end in NUL and are there as long as the program is.
private func pointer(_ text: StaticString) -> UnsafePointer<CChar> {
  UnsafeRawPointer(text.utf8Start).assumingMemoryBound(to: CChar.self)
}
