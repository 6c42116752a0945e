/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/* lib/fsutil.c, lib/crc32.c and lib/log.c: what touches files directly. */

#include "config.h"

#include <dirent.h>
#include <errno.h>
#include <string.h>
#include <sys/wait.h>

#include "lib/crc32.h"
#include "lib/fsutil.h"
#include "lib/log.h"
#include "tests/unit/scratch.h"
#include "tests/unit/unit.h"

#define COUNT(array) ((int)(sizeof(array) / sizeof((array)[0])))

static char *scratch;

static void
setup(void)
{
	scratch = scratch_enter();
}

static void
teardown(void)
{
	scratch_leave(scratch);
}

/* ---- fsutil ---------------------------------------------------------- */

START_TEST(a_full_device_is_an_error)
{
	int fd = open("/dev/full", O_WRONLY | O_CLOEXEC);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(fs_write_all(fd, "x", 1), -ENOSPC);
	ck_assert_int_eq(fs_write_all(fd, "", 0), 0);
	close(fd);
	ck_assert_int_eq(fs_write_all(fd, "x", 1), -EBADF);
}
END_TEST

START_TEST(writes_go_on_where_a_pipe_is_full)
{
	enum { LEN = 300000 };
	char *sent = malloc(LEN), *got = malloc(LEN);
	size_t have = 0;
	ssize_t n;
	int fds[2];

	ck_assert_ptr_nonnull(sent);
	ck_assert_ptr_nonnull(got);
	for (int i = 0; i < LEN; i++)
		sent[i] = (char)(i * 7);
	ck_assert_int_eq(pipe(fds), 0);
	if (fork() == 0) {
		close(fds[0]);
		_exit(fs_write_all(fds[1], sent, LEN) != 0);
	}
	close(fds[1]);
	while ((n = read(fds[0], got + have, LEN - have)) > 0)
		have += (size_t)n;
	ck_assert_uint_eq(have, LEN);
	ck_assert_mem_eq(got, sent, LEN);
	ck_assert_int_gt(wait(NULL), 0);
	close(fds[0]);
	free(sent);
	free(got);
}
END_TEST

START_TEST(pread_is_short_only_at_the_end)
{
	char buf[8] = "";
	int fd;

	scratch_put("f", "0123456789", 10);
	fd = open("f", O_RDONLY | O_CLOEXEC);
	ck_assert_int_eq(fs_pread_all(fd, buf, 8, 1), 8);
	ck_assert_mem_eq(buf, "12345678", 8);
	ck_assert_int_eq(fs_pread_all(fd, buf, 8, 7), 3);
	ck_assert_mem_eq(buf, "789", 3);
	ck_assert_int_eq(fs_pread_all(fd, buf, 8, 10), 0);
	close(fd);
	ck_assert_int_eq(fs_pread_all(fd, buf, 8, 0), -EBADF);
}
END_TEST

static const struct {
	size_t size, max;
	int want;
} reads[] = {
	{ 0, 0, 0 },
	{ 0, 10, 0 },
	{ 1, 0, -EFBIG },
	{ 1, 1, 0 },
	{ 9, 10, 0 },
	{ 10, 10, 0 },
	{ 11, 10, -EFBIG },
	{ 100000, 10, -EFBIG },
	{ 100000, 100000, 0 },
	{ 100000, 1000000, 0 },
};

START_TEST(files_are_read_whole_or_not)
{
	char *bytes = malloc(reads[_i].size + 1), *text = NULL;
	size_t len = 77;

	ck_assert_ptr_nonnull(bytes);
	memset(bytes, 'x', reads[_i].size);
	scratch_put("f", bytes, reads[_i].size);
	ck_assert_int_eq(
	    fs_read_file(AT_FDCWD, "f", reads[_i].max, &text, &len),
	    reads[_i].want);
	if (reads[_i].want == 0) {
		ck_assert_uint_eq(len, reads[_i].size);
		ck_assert_mem_eq(text, bytes, len);
		ck_assert_int_eq(text[len], '\0');
	} else {
		ck_assert_ptr_null(text);
		ck_assert_uint_eq(len, 77);
	}
	free(text);
	free(bytes);
}
END_TEST

START_TEST(only_regular_files_are_read)
{
	char *text;
	size_t len;

	ck_assert_int_eq(mkfifo("fifo", 0600), 0);
	ck_assert_int_eq(
	    fs_read_file(AT_FDCWD, "fifo", 9, &text, &len), -EINVAL);
	ck_assert_int_eq(fs_read_file(AT_FDCWD, ".", 9, &text, &len), -EISDIR);
	ck_assert_int_eq(
	    fs_read_file(AT_FDCWD, "none", 9, &text, &len), -ENOENT);
	/* Longer than its inode says. */
	ck_assert_int_eq(
	    fs_read_file(AT_FDCWD, "/proc/self/status", 100000, &text, &len),
	    0);
	ck_assert_uint_gt(len, 100);
	free(text);
	ck_assert_int_eq(
	    fs_read_file(AT_FDCWD, "/proc/self/status", 100, &text, &len),
	    -EFBIG);
}
END_TEST

static int
count_entries(const char *path)
{
	struct dirent **entries;
	int n = scandir(path, &entries, NULL, NULL);

	ck_assert_int_ge(n, 2);
	for (int i = 0; i < n; i++)
		free(entries[i]);
	free(entries);
	return n - 2;
}

START_TEST(replace_gives_content_and_mode)
{
	struct stat st;
	char *text, *path;

	umask(077);
	ck_assert_int_eq(mkdir("d", 0700), 0);
	ck_assert_int_eq(fs_replace(AT_FDCWD, "d/f", 0644, "one", 3), 0);
	ck_assert_int_eq(fs_replace(AT_FDCWD, "d/f", 0640, "second", 6), 0);
	ck_assert_int_eq(stat("d/f", &st), 0);
	ck_assert_int_eq((int)st.st_mode & 07777, 0640);
	text = scratch_get("d/f", NULL);
	ck_assert_str_eq(text, "second");
	free(text);
	ck_assert_int_eq(asprintf(&path, "%s/d/f", scratch) > 0, 1);
	ck_assert_int_eq(fs_replace(AT_FDCWD, path, 0600, "", 0), 0);
	ck_assert_int_eq(stat("d/f", &st), 0);
	ck_assert_int_eq(st.st_size, 0);
	free(path);
	ck_assert_int_eq(count_entries("d"), 1);
}
END_TEST

START_TEST(failed_replace_leaves_the_old)
{
	int fd;

	ck_assert_int_eq(mkdir("d", 0700), 0);
	ck_assert_int_eq(mkdir("d/f", 0700), 0);
	fd = open("d", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	ck_assert_int_eq(fs_replace(fd, "f", 0600, "x", 1), -EISDIR);
	ck_assert_int_eq(fs_replace(fd, "none/f", 0600, "x", 1), -ENOENT);
	close(fd);
	ck_assert_int_eq(count_entries("d"), 1);
}
END_TEST

START_TEST(rename_never_replaces)
{
	char *text;

	scratch_put("a", "a", 1);
	scratch_put("b", "b", 1);
	ck_assert_int_eq(
	    fs_rename_noreplace(AT_FDCWD, "a", AT_FDCWD, "b"), -EEXIST);
	ck_assert_int_eq(
	    fs_rename_noreplace(AT_FDCWD, "x", AT_FDCWD, "c"), -ENOENT);
	ck_assert_int_eq(fs_rename_noreplace(AT_FDCWD, "a", AT_FDCWD, "c"), 0);
	ck_assert_int_eq(access("a", F_OK), -1);
	text = scratch_get("b", NULL);
	ck_assert_str_eq(text, "b");
	free(text);
	text = scratch_get("c", NULL);
	ck_assert_str_eq(text, "a");
	free(text);
}
END_TEST

/* Bit 0 to 2 of _i: which of the three are closed before. */
START_TEST(standard_descriptors_are_opened)
{
	int status, fd;
	pid_t pid = fork();

	if (pid == 0) {
		for (fd = 0; fd <= 2; fd++)
			if (_i & 1 << fd)
				close(fd);
		if (fs_open_std_fds() != 0)
			_exit(1);
		for (fd = 0; fd <= 2; fd++)
			if (fcntl(fd, F_GETFD) != 0)
				_exit(2);
		_exit(open("/dev/null", O_RDONLY) > 2 ? 0 : 3);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
}
END_TEST

/* ---- crc32 ----------------------------------------------------------- */

static const struct {
	const char *text;
	uint32_t crc;
} crcs[] = {
	{ "", 0 },
	{ "a", 0xe8b7be43 },
	{ "123456789", 0xcbf43926 },
	{ "The quick brown fox jumps over the lazy dog", 0x414fa339 },
};

START_TEST(crc_is_that_of_gzip)
{
	const char *text = crcs[_i].text;
	size_t len = strlen(text);

	for (size_t at = 0; at <= len; at++)
		ck_assert_uint_eq(
		    crc32_add(crc32_add(0, text, at), text + at, len - at),
		    crcs[_i].crc);
}
END_TEST

/* ---- log ------------------------------------------------------------- */

/* What the child process CALL writes to standard error. */
static char *
logged(void (*call)(void))
{
	int status, fd;
	pid_t pid = fork();

	if (pid == 0) {
		fd = open("log", O_WRONLY | O_CREAT | O_TRUNC, 0600);
		if (dup2(fd, STDERR_FILENO) < 0)
			_exit(1);
		call();
		_exit(0);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
	return scratch_get("log", NULL);
}

static void
say_levels(void)
{
	log_init("prog");
	log_msg(LOG_INFO, "seen id=%s", "1F");
	log_msg(LOG_DEBUG, "not seen");
	log_set_level(LOG_DEBUG);
	log_msg(LOG_DEBUG, "seen now");
	log_set_level(LOG_ERR);
	log_msg(LOG_WARNING, "not seen");
	log_msg(LOG_MAIL | LOG_ERR, "with facility");
}

START_TEST(lines_have_ident_and_level)
{
	char *text = logged(say_levels);

	ck_assert_str_eq(text,
	    "prog: seen id=1F\nprog: seen now\n"
	    "prog: with facility\n");
	free(text);
}
END_TEST

static void
say_controls(void)
{
	log_init("prog");
	log_msg(LOG_ERR, "reply=%s", "250 a\r\nprog: forged\x1b[2J\x7f\x80");
}

START_TEST(controls_cannot_fake_a_line)
{
	char *text = logged(say_controls);

	ck_assert_ptr_eq(strchr(text, '\n'), text + strlen(text) - 1);
	for (const char *at = text; at[1] != '\0'; at++)
		ck_assert_msg(
		    *at >= ' ' && *at < 0x7f, "byte %02x", (unsigned char)*at);
	ck_assert_ptr_nonnull(strstr(text, "forged"));
	free(text);
}
END_TEST

static void
say_much(void)
{
	char *much = malloc(100000);

	if (much == NULL)
		_exit(1);
	memset(much, 'x', 99999);
	much[99999] = '\0';
	log_init("prog");
	log_msg(LOG_ERR, "%s", much);
	memset(much, '\n', 99999);
	log_msg(LOG_ERR, "%s", much);
	free(much);
}

START_TEST(long_messages_are_cut)
{
	char *text = logged(say_much);
	char *end = strchr(text, '\n');

	ck_assert_ptr_nonnull(end);
	ck_assert_uint_gt((size_t)(end - text), 4000);
	ck_assert_uint_lt((size_t)(end - text), 4300);
	ck_assert_ptr_eq(strchr(end + 1, '\n'), text + strlen(text) - 1);
	free(text);
}
END_TEST

static void
say_errno(void)
{
	log_init("prog");
	errno = ENOSPC;
	log_msg(LOG_ERR, "cannot: %m");
	log_msg(LOG_DEBUG, "not seen");
	log_msg(LOG_ERR, "still %s", errno == ENOSPC ? "there" : "lost");
}

START_TEST(errno_survives)
{
	char *text = logged(say_errno);

	ck_assert_str_eq(text,
	    "prog: cannot: No space left on device\n"
	    "prog: still there\n");
	free(text);
}
END_TEST

static void
say_to_journal(void)
{
	struct stat st;
	char stream[64];

	if (fstat(STDERR_FILENO, &st) < 0)
		_exit(1);
	snprintf(stream, sizeof(stream), "%llu:%llu",
	    (unsigned long long)st.st_dev, (unsigned long long)st.st_ino);
	setenv("JOURNAL_STREAM", stream, 1);
	log_init("prog");
	log_msg(LOG_ERR, "bad");
	log_msg(LOG_INFO, "good");
	/* A terminal opened under systemd inherits the variable. */
	setenv("JOURNAL_STREAM", "1:2", 1);
	log_init("prog");
	log_msg(LOG_INFO, "plain");
}

START_TEST(systemd_gets_priorities)
{
	char *text = logged(say_to_journal);

	ck_assert_str_eq(text, "<3>prog: bad\n<6>prog: good\nprog: plain\n");
	free(text);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("fsutil");
	TCase *tc = tcase_create("fsutil");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, a_full_device_is_an_error);
	tcase_add_test(tc, writes_go_on_where_a_pipe_is_full);
	tcase_add_test(tc, pread_is_short_only_at_the_end);
	tcase_add_loop_test(tc, files_are_read_whole_or_not, 0, COUNT(reads));
	tcase_add_test(tc, only_regular_files_are_read);
	tcase_add_test(tc, replace_gives_content_and_mode);
	tcase_add_test(tc, failed_replace_leaves_the_old);
	tcase_add_test(tc, rename_never_replaces);
	tcase_add_loop_test(tc, standard_descriptors_are_opened, 0, 8);
	tcase_add_loop_test(tc, crc_is_that_of_gzip, 0, COUNT(crcs));
	tcase_add_test(tc, lines_have_ident_and_level);
	tcase_add_test(tc, controls_cannot_fake_a_line);
	tcase_add_test(tc, long_messages_are_cut);
	tcase_add_test(tc, errno_survives);
	tcase_add_test(tc, systemd_gets_priorities);
	suite_add_tcase(s, tc);
	return unit_main(s);
}
