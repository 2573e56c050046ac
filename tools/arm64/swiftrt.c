// Tells the Swift runtime where an image's metadata sections are, as the toolchain's swiftrt.o does, of which there is
// none for this target. The layout is MetadataSections in the runtime's ImageInspectionCommon.h, version 4.
#include <stddef.h>
#include <stdint.h>

// In the order of the structure.
#define SECTIONS(X)                                                                                               \
  X(protocols) X(protocol_conformances) X(type_metadata) X(typeref) X(reflstr) X(fieldmd) X(assocty) X(replace)  \
  X(replac2) X(builtin) X(capture) X(mpenum) X(accessible_functions) X(runtime_attributes) X(tests)

#define HIDDEN __attribute__((visibility("hidden")))
// An empty piece of each section, so that its bounds exist in every image.
#define DECLARE(name)                                           \
  __asm__(".section swift5_" #name ",\"aR\"\n.previous");       \
  extern const char __start_swift5_##name HIDDEN, __stop_swift5_##name HIDDEN;
SECTIONS(DECLARE)
extern const char __dso_handle HIDDEN;

static struct {
  uintptr_t version;
  const void *base, *unused0, *unused1;
#define FIELD(name) struct { uintptr_t start; size_t length; } name;
  SECTIONS(FIELD)
} sections;

void swift_addNewDSOImage(const void *);

__attribute__((constructor)) static void register_image(void) {
  sections.version = 4;
  sections.base = &__dso_handle;
#define SET(name)                                           \
  sections.name.start = (uintptr_t)&__start_swift5_##name;  \
  sections.name.length = (size_t)(&__stop_swift5_##name - &__start_swift5_##name);
  SECTIONS(SET)
  swift_addNewDSOImage(&sections);
}
