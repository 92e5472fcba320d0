#ifndef KEYTIDE_LIBFUZZER_H
#define KEYTIDE_LIBFUZZER_H

#include <stddef.h>
#include <stdint.h>

/// Runs libFuzzer on a callback; part of its library, documented in LLVM's "libFuzzer", "Using libFuzzer as a library".
int LLVMFuzzerRunDriver(int *argc, char ***argv, int (*callback)(const uint8_t *data, size_t size));

#endif
