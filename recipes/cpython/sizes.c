// Sizes and alignments that CPython's configure asks for, under the names of its cache variables. When it cannot run what
// it compiles it bisects each one, 162 compiles in all: here is one for all of them.
#include <pthread.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>
#include <time.h>
#include <wchar.h>

#define SIZE(name, type) const int ac_cv_sizeof_##name = sizeof(type);
#define ALIGNMENT(name, type) const int ac_cv_alignof_##name = _Alignof(type);

SIZE(_Bool, _Bool)
SIZE(double, double)
SIZE(float, float)
SIZE(fpos_t, fpos_t)
SIZE(int, int)
SIZE(long, long)
SIZE(long_double, long double)
SIZE(long_long, long long)
SIZE(off_t, off_t)
SIZE(pid_t, pid_t)
SIZE(pthread_key_t, pthread_key_t)
SIZE(pthread_t, pthread_t)
SIZE(short, short)
SIZE(size_t, size_t)
SIZE(time_t, time_t)
SIZE(uintptr_t, uintptr_t)
SIZE(void_p, void *)
SIZE(wchar_t, wchar_t)
ALIGNMENT(long, long)
ALIGNMENT(max_align_t, max_align_t)
ALIGNMENT(size_t, size_t)
