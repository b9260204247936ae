// WASI has no working directory: every program starts in `/`. This one starts where its caller was.
#include <stdlib.h>
#include <unistd.h>

__attribute__((constructor)) static void start(void)
{
    const char *directory = getenv("PWD");
    if (directory != NULL)
        chdir(directory); // else, as where it cannot be seen, `/`
}
