/* Prints the library's version: the header and the flags of pkg-config are enough, in C and in C++. */
#include <martlet.h>
#include <stdio.h>

int main(void) { return puts(martlet_version()) < 0; }
