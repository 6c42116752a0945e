/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/*
 * The least that a message needs to be safe on the disk: what bench.sh
 * compares sendmail with.  Reads standard input, writes DIR/tmp/PID, syncs,
 * renames to DIR/queue/PID, syncs the directory.
 *
 *	cc -O2 -o put put.c && ./put DIR
 */

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

static int
copy(int from, int to)
{
	static char buf[65536];
	ssize_t n;

	while ((n = read(from, buf, sizeof(buf))) > 0)
		if (write(to, buf, (size_t)n) != n)
			return -1;
	return n < 0 ? -1 : 0;
}

int
main(int argc, char *argv[])
{
	char name[32];
	int fd, dir;

	if (argc != 2 || chdir(argv[1]) < 0)
		return 64;
	dir = open("queue", O_RDONLY | O_DIRECTORY);
	(void)snprintf(name, sizeof(name), "../tmp/%ld", (long)getpid());
	if (dir < 0 || fchdir(dir) < 0)
		return 75;
	fd = open(name, O_WRONLY | O_CREAT | O_EXCL, 0600);
	if (fd < 0 || copy(STDIN_FILENO, fd) < 0 || fsync(fd) < 0 ||
	    rename(name, name + 7) < 0 || fsync(dir) < 0)
		return 75;
	return 0;
}
