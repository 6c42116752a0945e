/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/*
 * The table of keys, and libconfuse between it and the file.  To libconfuse
 * every value is a string: then a file and a command line mean the same, and
 * every error is worded here.
 *
 * libconfuse's scanner has global state: one thread at a time.
 */

#include "config.h"

#include <confuse.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/conf-value.h"
#include "lib/conf.h"
#include "lib/fsutil.h"
#include "lib/text.h"

/* Longest configuration file. */
#define CONFIG_FILE_MAX (1u << 20)

/* ---- the keys -------------------------------------------------------- */

#define AT(member) offsetof(struct config, member)

static const struct config_key keys[] = {
	{ "spool", config_set_path, AT(spool), 0, 0 },
	{ "origin", config_set_name, AT(origin), 0, 0 },
	{ "json", config_set_path, AT(json), 0, 0 },
	{ "aliases", config_set_map, AT(aliases), 0, 0 },
	{ "generic", config_set_map, AT(generic), 0, 0 },
	{ "masquerade", config_set_domains, AT(masquerade), 0, 0 },
	{ "local_recipients", config_set_recipients, AT(local_recipients), 0,
	    0 },
	{ "message_size_max", config_set_size, AT(message_size_max), 0, 0 },
	{ "recipients_max", config_set_number, AT(recipients_max), 1, 1000000 },
	{ "freq", config_set_duration, AT(freq_s), 1, 86400 },
	{ "attempts", config_set_number, AT(attempts), 1, 1000000 },
	{ "lifetime", config_set_duration, AT(lifetime_s), 1, 315360000 },
	{ "agents", config_set_number, AT(agents), 2, 64 },
	{ "relay", config_set_relay, 0, 0, 0 },
	{ "tls", config_set_tls, AT(relay.tls), 0, 0 },
	{ "user", config_set_login, AT(relay.user), 0, 0 },
	{ "password_file", config_set_path, AT(relay.password_file), 0, 0 },
	{ "ca_file", config_set_path, AT(relay.ca_file), 0, 0 },
	{ "helo", config_set_name, AT(relay.helo), 0, 0 },
	{ "connections", config_set_number, AT(relay.connections), 1, 1000 },
	{ "connect_timeout", config_set_duration, AT(relay.connect_timeout_s),
	    1, 3600 },
	{ "reply_timeout", config_set_duration, AT(relay.reply_timeout_s), 1,
	    86400 },
};

#define KEYS (sizeof(keys) / sizeof(keys[0]))

static const struct config_key *
find_key(const char *name)
{
	for (size_t i = 0; i < KEYS; i++)
		if (strcmp(keys[i].name, name) == 0)
			return &keys[i];
	return NULL;
}

static void put_error(struct config_error *err, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* Set ERR's text, made fit to be shown. */
static void
put_error(struct config_error *err, const char *fmt, ...)
{
	va_list args;
	char *text, *clean = NULL;
	int len;

	va_start(args, fmt);
	len = vasprintf(&text, fmt, args);
	va_end(args);
	if (len >= 0) {
		clean = text_clean(span_of(text), sizeof(err->text) - 1);
		free(text);
	}
	snprintf(err->text, sizeof(err->text), "%s",
	    clean != NULL ? clean : "out of memory");
	free(clean);
}

/* How many single-byte edits lead from A to B, but at most 99. */
static unsigned
edit_distance(const char *a, const char *b)
{
	unsigned row[32];
	size_t len = strlen(b);
	unsigned diagonal, above, least;

	if (len >= sizeof(row) / sizeof(row[0]) || strlen(a) > 2 * len)
		return 99;
	for (size_t i = 0; i <= len; i++)
		row[i] = (unsigned)i;
	for (; *a != '\0'; a++) {
		diagonal = row[0]++;
		for (size_t i = 1; i <= len; i++) {
			above = row[i];
			least = above < row[i - 1] ? above + 1 : row[i - 1] + 1;
			if (least > diagonal + (*a != b[i - 1]))
				least = diagonal + (*a != b[i - 1]);
			diagonal = above;
			row[i] = least;
		}
	}
	return row[len];
}

/* Say that NAME is no key, and which one was meant or could be. */
static void
put_unknown(struct config_error *err, const char *name)
{
	unsigned distance, least = 99;
	const char *nearest = "";
	char list[400];
	size_t used = 0;

	for (size_t i = 0; i < KEYS; i++) {
		distance = edit_distance(name, keys[i].name);
		if (distance < least) {
			least = distance;
			nearest = keys[i].name;
		}
		/* The table's names are far shorter than the room. */
		used += (size_t)snprintf(list + used, sizeof(list) - used,
		    "%s%s", i == 0 ? "" : ", ", keys[i].name);
	}
	if (least <= 3 && least < strlen(nearest))
		put_error(err, "unknown key '%.40s', did you mean '%s'?", name,
		    nearest);
	else
		put_error(err, "unknown key '%.40s', known are %s", name, list);
}

static int
set_value(const struct config_key *key, struct config *cfg, const char *value,
    const char *base, struct config_error *err)
{
	struct config_error why = { "" };
	int result;

	if (strlen(value) > CONFIG_VALUE_MAX) {
		put_error(err, "%s is longer than %d bytes", key->name,
		    CONFIG_VALUE_MAX);
		return -EINVAL;
	}
	result = key->set(key, cfg, value, base, &why);
	if (result == -EINVAL)
		put_error(err, "%s '%.200s' %s", key->name, value, why.text);
	else if (result < 0)
		put_error(err, "%s: %s", key->name, strerror(-result));
	return result;
}

int
config_set(struct config *cfg, const char *key, const char *value,
    struct config_error *err)
{
	const struct config_key *found = find_key(key);
	char *cwd;
	int result;

	if (found == NULL) {
		put_unknown(err, key);
		return -EINVAL;
	}
	cwd = getcwd(NULL, 0);
	result = set_value(found, cfg, value, cwd, err);
	free(cwd);
	return result;
}

/* ---- the file -------------------------------------------------------- */

/*
 * What libconfuse's callbacks need of us.  They get nothing but the cfg_t, so
 * a pointer travels in an option of it: a function, which has no value that a
 * file could set, and refuses to be called.
 */
struct parse {
	struct config *scratch; /* takes the values one by one */
	struct config_error *err;
	const char *text; /* all of the file */
	bool failed;
	bool seen[KEYS];
};

#define CONTEXT_NAME "(context)"

static struct parse *
parse_of(cfg_t *file)
{
	return (struct parse *)cfg_getopt(file, CONTEXT_NAME)->simple_value.ptr;
}

/* A cfg_func_t. */
static int
refuse_call(cfg_t *file, cfg_opt_t *opt, int argc, const char **argv)
{
	(void)opt;
	(void)argc;
	(void)argv;
	cfg_error(file, "not an option");
	return -1;
}

/* Put the place before what ERR says; only the first error counts. */
static void
fail_at(cfg_t *file, struct parse *p, const struct config_error *what)
{
	if (!p->failed)
		put_error(p->err, "%.200s:%d: %s", file->filename, file->line,
		    what->text);
	p->failed = true;
}

/* A cfg_errfunc_t. */
static void __attribute__((format(printf, 2, 0)))
on_error(cfg_t *file, const char *fmt, va_list args)
{
	struct config_error what;

	if (strcmp(fmt, "no such option '%s'") == 0) {
		put_unknown(&what, va_arg(args, const char *));
	} else if (strcmp(fmt, "premature end of file") == 0) {
		/* Where the file ends, an editor shows anyway. */
		file->line = (int)config_last_line(parse_of(file)->text);
		put_error(&what, "%s, in what begins here", fmt);
	} else {
		vsnprintf(what.text, sizeof(what.text), fmt, args);
	}
	fail_at(file, parse_of(file), &what);
}

/* A cfg_validate_callback_t: called when OPT has got a value. */
static int
on_value(cfg_t *file, cfg_opt_t *opt)
{
	struct parse *p = parse_of(file);
	const struct config_key *key = find_key(opt->name);
	struct config_error what;
	size_t i;

	if (key == NULL)
		return -1;
	i = (size_t)(key - keys);
	if (p->seen[i]) {
		put_error(&what, "%s is set twice", key->name);
		fail_at(file, p, &what);
		return -1;
	}
	p->seen[i] = true;
	if (set_value(key, p->scratch, cfg_opt_getnstr(opt, 0), NULL, &what) ==
	    0)
		return 0;
	fail_at(file, p, &what);
	return -1;
}

/* Apply what the parsed FILE holds; only memory can be short now. */
static int
apply(cfg_t *file, const struct parse *p, struct config *cfg)
{
	struct config_error why;
	int err = 0;

	for (size_t i = 0; i < KEYS && err == 0; i++)
		if (p->seen[i])
			err = set_value(&keys[i], cfg,
			    cfg_getstr(file, keys[i].name), NULL, &why);
	return err;
}

static int
parse_with(cfg_t *file, FILE *in, const char *path, struct parse *p,
    struct config *cfg)
{
	int result;

	(void)cfg_set_error_function(file, on_error);
	for (size_t i = 0; i < KEYS; i++)
		(void)cfg_set_validate_func(file, keys[i].name, on_value);
	file->filename = strdup(path);
	if (file->filename == NULL)
		return -ENOMEM;
	result = cfg_parse_fp(file, in);
	if (result == CFG_SUCCESS && !p->failed)
		return apply(file, p, cfg);
	if (!p->failed)
		put_error(p->err, "%.200s:%d: cannot be understood", path,
		    file->line);
	return -EINVAL;
}

/* Parse TEXT, which is what PATH holds, over CFG's values. */
static int
parse_text(const char *text, size_t len, const char *path, struct config *cfg,
    struct config_error *err)
{
	cfg_opt_t opts[KEYS + 2] = { { 0 } };
	struct config scratch = { 0 };
	struct parse p = { .scratch = &scratch, .err = err, .text = text };
	cfg_t *file = NULL;
	FILE *in;
	int result = -ENOMEM;

	for (size_t i = 0; i < KEYS; i++)
		opts[i] = (cfg_opt_t)CFG_STR(keys[i].name, 0, CFGF_NODEFAULT);
	opts[KEYS] = (cfg_opt_t)CFG_FUNC(CONTEXT_NAME, refuse_call);
	opts[KEYS].simple_value.ptr = (void **)&p;
	opts[KEYS + 1] = (cfg_opt_t)CFG_END();
	in = fmemopen((void *)(uintptr_t)text, len, "r");
	if (in != NULL)
		file = cfg_init(opts, CFGF_NONE);
	if (file != NULL)
		result = parse_with(file, in, path, &p, cfg);
	if (result == -ENOMEM)
		put_error(err, "%.200s: %s", path, strerror(ENOMEM));
	if (file != NULL)
		cfg_free(file);
	if (in != NULL)
		fclose(in);
	config_release(&scratch);
	return result;
}

/* Nobody's environment has a say in where mail goes. */
static int
refuse_variables(const char *text, const char *path, struct config_error *err)
{
	struct span variable;
	unsigned line;

	if (!config_find_variable(text, &line, &variable))
		return 0;
	put_error(err, "%.200s:%u: variables are not expanded: %.*s", path,
	    line, variable.len > 100 ? 100 : (int)variable.len, variable.ptr);
	return -EINVAL;
}

/* What must not be read as a configuration, NULL if ST may. */
static const char *
file_fault(const struct stat *st)
{
	struct stat null;

	if (S_ISFIFO(st->st_mode))
		return NULL;
	if (S_ISCHR(st->st_mode) && stat("/dev/null", &null) == 0 &&
	    null.st_rdev == st->st_rdev)
		return NULL;
	if (!S_ISREG(st->st_mode))
		return "is not a regular file";
	if (st->st_mode & S_IWOTH)
		return "is writable by everybody";
	return NULL;
}

/* Read FD to its end; -EFBIG beyond CONFIG_FILE_MAX. */
static int
read_all(int fd, char *buf, size_t *ret_len)
{
	size_t len = 0;
	ssize_t n;

	for (;;) {
		n = read(fd, buf + len, CONFIG_FILE_MAX + 1 - len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			break;
		len += (size_t)n;
		if (len > CONFIG_FILE_MAX)
			return -EFBIG;
	}
	*ret_len = len;
	return 0;
}

static int
read_fd(int fd, const char *path, struct config *cfg, struct config_error *err)
{
	const char *fault;
	struct stat st;
	size_t len = 0;
	char *buf;
	int result;

	if (fstat(fd, &st) < 0)
		return -errno;
	fault = file_fault(&st);
	if (fault != NULL) {
		put_error(err, "%.200s %s", path, fault);
		return -EINVAL;
	}
	buf = malloc(CONFIG_FILE_MAX + 1);
	if (buf == NULL)
		return -ENOMEM;
	result = read_all(fd, buf, &len);
	if (result == 0 && memchr(buf, '\0', len) != NULL) {
		put_error(err, "%.200s is not a text file", path);
		result = -EINVAL;
	} else if (result == 0 && len > 0) {
		buf[len] = '\0';
		result = refuse_variables(buf, path, err);
		config_blank_comments(buf);
		if (result == 0)
			result = parse_text(buf, len, path, cfg, err);
	} else if (result == -EFBIG) {
		put_error(err, "%.200s is longer than %u bytes, the limit",
		    path, CONFIG_FILE_MAX);
	}
	free(buf);
	return result;
}

int
config_read(struct config *cfg, const char *path, struct config_error *err)
{
	struct config_error what = { "" };
	char *copy = strdup(path);
	int fd, result = -ENOMEM;

	if (copy == NULL)
		goto out;
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	result = fd < 0 ? -errno : read_fd(fd, path, cfg, &what);
	if (fd >= 0)
		close(fd);
out:
	if (result < 0) {
		free(copy);
		if (what.text[0] == '\0')
			put_error(&what, "%.200s: %s", path, strerror(-result));
		*err = what;
		return result;
	}
	free(cfg->path);
	cfg->path = copy;
	return 0;
}
