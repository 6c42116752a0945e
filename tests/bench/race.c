/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/*
 * race ROUNDS AT-A-TIME MESSAGE PROGRAM [ARGUMENT]... --and
 *	PROGRAM [ARGUMENT]...
 *
 * How long two programs take as whole processes, from before they are started
 * to after they have ended, with MESSAGE as their standard input.  They take
 * turns, a round of 5 times AT-A-TIME processes each, and change who is first,
 * so that the machine's moods hit both.  Prints for each program, in
 * microseconds: the median, the ninth decile, and a process's share of the
 * time that its rounds took.
 *
 *	cc -O2 -o race race.c
 */

#define _GNU_SOURCE
#include <err.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define EACH 5
#define AT_A_TIME_MAX 64

extern char **environ;

struct program {
	char **argv;
	double *took_us;
	size_t n;
	double rounds_us;
};

struct runner {
	pid_t pid;
	double start_us;
};

static double
now_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec * 1e6 + (double)ts.tv_nsec / 1e3;
}

static void
start(struct runner *runner, char **argv, const char *message)
{
	posix_spawn_file_actions_t actions;

	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_addopen(
	    &actions, STDIN_FILENO, message, O_RDONLY, 0);
	runner->start_us = now_us();
	if (posix_spawn(&runner->pid, argv[0], &actions, NULL, argv, environ) !=
	    0)
		errx(1, "cannot start %s", argv[0]);
	posix_spawn_file_actions_destroy(&actions);
}

/* Wait for any of them, and note its time. */
static struct runner *
finish(struct program *program, struct runner *runners, size_t count)
{
	int status;
	pid_t pid = wait(&status);
	double end_us = now_us();

	for (size_t i = 0; i < count; i++) {
		if (runners[i].pid != pid)
			continue;
		if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
			errx(1, "%s failed", program->argv[0]);
		program->took_us[program->n++] = end_us - runners[i].start_us;
		return &runners[i];
	}
	errx(1, "a process that is not ours");
}

static void
run_round(struct program *program, size_t at_a_time, const char *message)
{
	struct runner runners[AT_A_TIME_MAX];
	size_t left = EACH * at_a_time, running = 0;
	double start_us = now_us();

	while (running < at_a_time) {
		start(&runners[running++], program->argv, message);
		left--;
	}
	while (running > 0) {
		struct runner *runner = finish(program, runners, at_a_time);

		if (left > 0) {
			start(runner, program->argv, message);
			left--;
		} else {
			runner->pid = -1;
			running--;
		}
	}
	program->rounds_us += now_us() - start_us;
}

static int
compare(const void *a, const void *b)
{
	double one = *(const double *)a, two = *(const double *)b;

	return (one > two) - (one < two);
}

static void
report(struct program *program)
{
	qsort(program->took_us, program->n, sizeof(double), compare);
	printf("%.0f %.0f %.0f\n", program->took_us[program->n / 2],
	    program->took_us[program->n * 9 / 10],
	    program->rounds_us / (double)program->n);
}

int
main(int argc, char *argv[])
{
	struct program programs[2] = { { 0 } };
	size_t rounds, at_a_time;
	int i = 4;

	if (argc < 7)
		return 64;
	rounds = strtoul(argv[1], NULL, 10);
	at_a_time = strtoul(argv[2], NULL, 10);
	while (i < argc && strcmp(argv[i], "--and") != 0)
		i++;
	if (i + 1 >= argc || at_a_time < 1 || at_a_time > AT_A_TIME_MAX)
		return 64;
	argv[i] = NULL;
	programs[0].argv = argv + 4;
	programs[1].argv = argv + i + 1;
	for (i = 0; i < 2; i++) {
		programs[i].took_us =
		    calloc(rounds * EACH * at_a_time, sizeof(double));
		if (programs[i].took_us == NULL)
			err(1, "out of memory");
	}
	for (size_t r = 0; r < rounds; r++) {
		run_round(&programs[r % 2], at_a_time, argv[3]);
		run_round(&programs[(r + 1) % 2], at_a_time, argv[3]);
	}
	report(&programs[0]);
	report(&programs[1]);
	return 0;
}
