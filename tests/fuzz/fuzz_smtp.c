/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/*
 * Any bytes as all that an SMTP client ever says, read in two pieces that the
 * first byte divides.  Aborts when a reply is no reply, when there are more or
 * fewer messages than were acknowledged, when something is left in tmp/, when
 * a message has a bare CR or LF, or when one was taken though nothing like
 * the final dot was there.
 */

#include "config.h"

#include <dirent.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sendmail/smtp.h"

#include "fuzz.h"

static char scratch[] = "/tmp/fuzz-smtp.XXXXXX";
static const char *const parts[] = { "tmp", "queue", "hold", "failed" };

/* Call FN, unless NULL, with each file in PART of the spool, and remove it;
 * how many there were. */
static size_t
empty(const char *part, void (*fn)(const char *text, size_t len))
{
	static char text[1 << 20];
	size_t n = 0;
	int dir = open(scratch, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int sub = openat(dir, part, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *list = fdopendir(sub);
	struct dirent *entry;

	fuzz_check(dir >= 0 && list != NULL);
	while ((entry = readdir(list)) != NULL) {
		int fd;

		if (entry->d_name[0] == '.')
			continue;
		n++;
		fd = openat(sub, entry->d_name, O_RDONLY | O_CLOEXEC);
		if (fn != NULL)
			fn(text, (size_t)read(fd, text, sizeof(text)));
		close(fd);
		fuzz_check(unlinkat(sub, entry->d_name, 0) == 0);
	}
	closedir(list);
	close(dir);
	return n;
}

static void
clean_up(void)
{
	char path[64];

	for (size_t i = 0; i < 4; i++) {
		(void)empty(parts[i], NULL);
		(void)snprintf(path, sizeof(path), "%s/%s", scratch, parts[i]);
		(void)rmdir(path);
	}
	(void)rmdir(scratch);
}

static struct spool *
the_spool(void)
{
	static struct spool sp;
	static bool is_open;
	char path[64], *why = NULL;

	if (is_open)
		return &sp;
	fuzz_check(mkdtemp(scratch) != NULL);
	for (size_t i = 0; i < 4; i++) {
		(void)snprintf(path, sizeof(path), "%s/%s", scratch, parts[i]);
		fuzz_check(mkdir(path, 0700) == 0);
	}
	fuzz_check(spool_open(&sp, scratch, SPOOL_ADMIT, &why) == 0);
	is_open = true;
	(void)atexit(clean_up);
	return &sp;
}

/* The message in a queue file, and its envelope, TEXT. */
static void
check_message(const char *text, size_t len)
{
	const char *body = memmem(text, len, "\n\n", 2);
	bool after_cr = false;

	fuzz_check(body != NULL);
	for (body += 2; body < text + len; body++) {
		fuzz_check(after_cr == (*body == '\n'));
		after_cr = *body == '\r';
	}
	fuzz_check(!after_cr);
}

/* Look at all replies; how many say that a message is queued. */
static size_t
check_replies(const char *text)
{
	static const char queued[] = "250 2.0.0 Ok: queued as ";
	size_t n = 0;

	while (*text != '\0') {
		const char *end = strstr(text, "\r\n");

		fuzz_check(end != NULL && end - text >= 4);
		fuzz_check(text[0] >= '2' && text[0] <= '5');
		fuzz_check(text[3] == ' ' || text[3] == '-');
		n += strncmp(text, queued, sizeof(queued) - 1) == 0;
		for (; text < end; text++)
			fuzz_check(*text >= ' ' && *text <= '~');
		text += 2;
	}
	return n;
}

/* How many ends of messages DATA has at most: CRLF.CRLF, and LF.LF where an
 * LF ended a DATA command. */
static size_t
count_ends(const uint8_t *data, size_t size)
{
	size_t n = 0;

	for (size_t i = 1; i + 1 < size; i++)
		n += data[i] == '.' && data[i - 1] == '\n' &&
		    (data[i + 1] == '\n' || data[i + 1] == '\r');
	return n;
}

/* A socket from which DATA comes in two pieces. */
static int
input_of(const uint8_t *data, size_t size, size_t cut)
{
	int ends[2], room = 1 << 20;

	fuzz_check(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends) == 0);
	(void)setsockopt(ends[1], SOL_SOCKET, SO_SNDBUF, &room, sizeof(room));
	if (cut > 0)
		fuzz_check(write(ends[1], data, cut) == (ssize_t)cut);
	if (cut < size)
		fuzz_check(write(ends[1], data + cut, size - cut) ==
		    (ssize_t)(size - cut));
	close(ends[1]);
	return ends[0];
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct identity id = { 0 };
	struct submit_options opts = {
		.identity = &id,
		.size_max = 8192,
		.recipients_max = 8,
	};
	char *said = NULL;
	size_t len = 0, queued, cut;
	FILE *out;
	int fd;

	if (size == 0 || size > 32768)
		return 0;
	cut = data[0] % size;
	data++;
	size--;
	cut = cut > size ? size : cut;
	id.origin = strdup("origin.test");
	id.hostname = strdup("host.test");
	fuzz_check(id.origin != NULL && id.hostname != NULL);
	fd = input_of(data, size, cut);
	out = open_memstream(&said, &len);
	fuzz_check(out != NULL);
	(void)smtp_serve(the_spool(), &opts, 1000, fd, out);
	fuzz_check(fclose(out) == 0 && strlen(said) == len);
	queued = check_replies(said);
	fuzz_check(queued <= count_ends(data, size));
	fuzz_check(empty("queue", check_message) == queued);
	fuzz_check(empty("tmp", NULL) == 0);
	identity_release(&id);
	free(said);
	close(fd);
	return 0;
}
