/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/*
 * main() of a fuzz target in a normal build: every file of its corpus once,
 * each a test, so that an input which once crashed stays a test for ever.
 *
 * The corpus is the directory given, or the one in $srcdir named after the
 * program: fuzz_address reads tests/fuzz/corpus/address.
 */

#include "config.h"

#include <dirent.h>
#include <errno.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fuzz.h"

#define LARGEST_INPUT (16 << 20)

static int
is_visible(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

/* Read PATH into new memory of exactly its size: an overrun then shows. */
static uint8_t *
read_input(const char *path, size_t *ret_size)
{
	FILE *in = fopen(path, "re");
	struct stat st;
	uint8_t *ret = NULL;
	size_t size;

	if (in == NULL)
		return NULL;
	if (fstat(fileno(in), &st) < 0 || st.st_size > LARGEST_INPUT)
		goto out;
	size = (size_t)st.st_size;
	ret = malloc(size);
	if (ret == NULL || fread(ret, 1, size, in) == size) {
		*ret_size = size;
		goto out;
	}
	free(ret);
	ret = NULL;
out:
	(void)fclose(in);
	return ret;
}

/* Run PATH in a process of its own, which may die; whether it did not. */
static bool
survives(const char *path)
{
	size_t size = 0;
	pid_t pid = fork();
	int status;

	if (pid < 0)
		return false;
	if (pid == 0) {
		uint8_t *data = read_input(path, &size);

		if (data == NULL)
			_exit(EXIT_FAILURE);
		(void)LLVMFuzzerTestOneInput(data, size);
		free(data);
		exit(EXIT_SUCCESS);
	}
	while (waitpid(pid, &status, 0) < 0) {
		if (errno != EINTR)
			return false;
	}
	return WIFEXITED(status) && WEXITSTATUS(status) == EXIT_SUCCESS;
}

/* Replay the N files of FOLDER; how many failed. */
static int
replay(const char *folder, struct dirent **entries, int n)
{
	int n_failed = 0;

	(void)printf("1..%d\n", n);
	for (int i = 0; i < n; i++) {
		char *path = NULL;
		bool is_good = false;

		/* The child must not write this line a second time. */
		(void)fflush(stdout);
		if (asprintf(&path, "%s/%s", folder, entries[i]->d_name) >= 0) {
			is_good = survives(path);
			free(path);
		}
		(void)printf("%s %d - %s\n", is_good ? "ok" : "not ok", i + 1,
		    entries[i]->d_name);
		n_failed += !is_good;
		free(entries[i]);
	}
	return n_failed;
}

/* The corpus of the target that PROGRAM is called after, as a new string. */
static char *
default_folder(const char *program)
{
	const char *top = getenv("srcdir"), *target = strstr(program, "fuzz_");
	const char *next;
	char *ret = NULL;

	while (target != NULL && (next = strstr(target + 1, "fuzz_")) != NULL)
		target = next;
	if (target == NULL ||
	    asprintf(&ret, "%s/tests/fuzz/corpus/%s", top == NULL ? "." : top,
		target + strlen("fuzz_")) < 0)
		return NULL;
	return ret;
}

int
main(int argc, char *argv[])
{
	char *folder = argc > 1 ? strdup(argv[1]) : default_folder(argv[0]);
	struct dirent **entries = NULL;
	int n, n_failed = 1;

	n = folder == NULL ? -1
			   : scandir(folder, &entries, is_visible, alphasort);
	if (n > 0)
		n_failed = replay(folder, entries, n);
	else
		(void)printf("Bail out! no corpus in '%s'\n",
		    folder == NULL ? "" : folder);
	free(entries);
	free(folder);
	return n_failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
