#include <stdint.h>

/// In the module CommandLine.
int32_t martlet_run_command_line(int32_t count, char *const *arguments);

// C hands the arguments over. Swift's CommandLine reads them from /proc, which a sandbox may not have.
int main(int count, char **arguments) { return martlet_run_command_line(count, arguments); }
