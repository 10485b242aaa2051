// Runs the ClickHouse inside libchdb.so as a program of its own.
//
//   clover-clickhouse LIBCHDB ARGUMENT…
//
// The arguments are those of `clickhouse local`. functions/analytics/embedded-command.ts gives it
// queries that open the HTTP port and then sleep for ever; the program ends when stdin closes, so
// that it never outlives its supervisor, or on a signal.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

typedef void *(*query_cmdline)(int argc, char **argv);
typedef const char *(*result_error)(void *result);

static void *symbol(void *library, const char *name)
{
	void *found = dlsym(library, name);

	if (!found) {
		fprintf(stderr, "clover-clickhouse: %s\n", dlerror());
		exit(127);
	}
	return found;
}

// Ends the program at the end of stdin. SIGTERM is as safe as a clean way out, and far faster:
// ClickHouse writes parts aside and renames them.
static void *end_with_stdin(void *unused)
{
	char bytes[256];
	ssize_t size;

	do {
		size = read(STDIN_FILENO, bytes, sizeof(bytes));
	} while (size > 0 || (size < 0 && errno == EINTR));
	kill(getpid(), SIGTERM);
	return unused;
}

int main(int argc, char **argv)
{
	if (argc < 2) {
		fprintf(stderr, "usage: clover-clickhouse LIBCHDB ARGUMENT...\n");
		return 2;
	}

	void *library = dlopen(argv[1], RTLD_NOW | RTLD_GLOBAL);

	if (!library) {
		fprintf(stderr, "clover-clickhouse: %s\n", dlerror());
		return 127;
	}

	// ISO C has no cast from object to function pointer; POSIX asks for this form.
	query_cmdline run;
	result_error error_of;

	*(void **)&run = symbol(library, "chdb_query_cmdline");
	*(void **)&error_of = symbol(library, "chdb_result_error");

	pthread_t watcher;

	if (pthread_create(&watcher, NULL, end_with_stdin, NULL) != 0) {
		fprintf(stderr, "clover-clickhouse: no thread\n");
		return 127;
	}

	argv[1] = "clickhouse-local";
	void *result = run(argc - 1, argv + 1);
	const char *error = result ? error_of(result) : NULL;

	if (error && *error)
		fprintf(stderr, "clover-clickhouse: %s\n", error);
	fflush(stderr);
	// The queries never end by themselves, so this is a failure; the library's static
	// destructors would run for seconds.
	_exit(1);
}
