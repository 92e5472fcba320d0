// Preloaded by `loadtest/bench overhead`: valgrind 3.19 writes to the mask that a program hands to sigsuspend, and
// libdispatch's lies in memory that cannot be written to. This hands on a copy.
#define _GNU_SOURCE
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

int sigsuspend(const sigset_t *mask) {
    sigset_t copy = *mask;
    return (int)syscall(SYS_rt_sigsuspend, &copy, 8);
}
