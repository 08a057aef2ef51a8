// Lets libFuzzer keep the input that overflowed the stack: its handler needs a stack of its own. libFuzzer leaves
// SA_ONSTACK as it finds it, and Rust sets it only for programs with a `main` of Rust.

#include <signal.h>
#include <stddef.h>

static char stack[256 * 1024];

__attribute__((constructor)) static void alternate_stack(void) {
    stack_t other = {.ss_sp = stack, .ss_size = sizeof stack};
    struct sigaction action = {.sa_handler = SIG_DFL, .sa_flags = SA_ONSTACK};
    sigaltstack(&other, NULL);
    sigaction(SIGSEGV, &action, NULL);
}
