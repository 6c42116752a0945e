/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/* A configuration as a whole: its defaults, its sense, its end. */

#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/conf-value.h"
#include "lib/conf.h"
#include "lib/fsutil.h"

int
config_init(struct config *cfg)
{
	*cfg = (struct config){
		.spool = strdup(CONFIG_DEFAULT_SPOOL),
		.aliases = strdup(CONFIG_DEFAULT_ALIASES),
		.message_size_max = 50u << 20,
		.recipients_max = 20000,
		.freq_s = 10,
		.attempts = 100,
		.lifetime_s = 5 * 86400,
		.agents = 2,
		.relay = {
			.name = strdup("default"),
			.tls = TLS_OPPORTUNISTIC,
			.connections = 10,
			.connect_timeout_s = 30,
			.reply_timeout_s = 300,
		},
	};
	if (cfg->spool != NULL && cfg->aliases != NULL &&
	    cfg->relay.name != NULL)
		return 0;
	config_release(cfg);
	return -ENOMEM;
}

void
config_release(struct config *cfg)
{
	free(cfg->path);
	free(cfg->spool);
	free(cfg->origin);
	free(cfg->json);
	free(cfg->aliases);
	free(cfg->generic);
	free(cfg->masquerade);
	free(cfg->local_recipients);
	free(cfg->relay.name);
	free(cfg->relay.host);
	free(cfg->relay.maildir);
	free(cfg->relay.user);
	free(cfg->relay.password_file);
	free(cfg->relay.ca_file);
	free(cfg->relay.helo);
	*cfg = (struct config){ 0 };
}

/* Whether the password would go over a network for everybody to read. */
static bool
exposes_login(const struct relay_config *relay)
{
	return relay->user != NULL && relay->host != NULL &&
	    relay->tls != TLS_STARTTLS && relay->tls != TLS_IMPLICIT &&
	    !config_is_loopback(relay->host);
}

/* "FILE: WHAT", or WHAT when there is no file.  Always -EINVAL. */
static int
refuse_whole(
    const struct config *cfg, struct config_error *err, const char *what)
{
	if (cfg->path != NULL)
		snprintf(err->text, sizeof(err->text), "%.200s: %s", cfg->path,
		    what);
	else
		snprintf(err->text, sizeof(err->text), "%s", what);
	return -EINVAL;
}

int
config_load(struct config *cfg, const char *path, const char *spool,
    struct config_error *err)
{
	int result = config_init(cfg);

	if (result < 0) {
		snprintf(err->text, sizeof(err->text), "%s", strerror(-result));
		return result;
	}
	result =
	    config_read(cfg, path != NULL ? path : CONFIG_DEFAULT_PATH, err);
	if (result == -ENOENT && path == NULL)
		result = 0;
	if (result == 0 && spool != NULL)
		result = config_set(cfg, "spool", spool, err);
	return result;
}

int
config_check(const struct config *cfg, struct config_error *err)
{
	const struct relay_config *relay = &cfg->relay;
	const char *what = NULL;

	if (relay->user != NULL && relay->password_file == NULL)
		what = "user is set, but password_file is not";
	else if (relay->user == NULL && relay->password_file != NULL)
		what = "password_file is set, but user is not";
	else if (exposes_login(relay))
		what = "a login needs a connection that cannot be listened "
		       "to: set tls = starttls or tls = implicit";
	return what == NULL ? 0 : refuse_whole(cfg, err, what);
}

/* Whether this process can read the file PATH; 0 or -errno. */
static int
try_file(const char *path)
{
	struct stat st;
	int fd, result = 0;

	/* Non-blocking: a FIFO of that name is no reason to wait. */
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) < 0)
		result = -errno;
	else if (S_ISDIR(st.st_mode))
		result = -EISDIR;
	close(fd);
	return result;
}

/* Whether the directory that is to hold the file PATH is there. */
static int
try_directory_of(const char *path)
{
	const char *slash = strrchr(path, '/');
	struct stat st;
	char *dir;
	int result = 0;

	if (slash == NULL)
		return 0;
	dir = strndup(path, slash == path ? 1 : (size_t)(slash - path));
	if (dir == NULL)
		return -ENOMEM;
	if (stat(dir, &st) < 0)
		result = -errno;
	else if (!S_ISDIR(st.st_mode))
		result = -ENOTDIR;
	free(dir);
	return result;
}

int
config_check_files(const struct config *cfg, struct config_error *err)
{
	const struct {
		const char *key, *path;
		int (*try)(const char *path);
		const char *where;
	} files[] = {
		{ "password_file", cfg->relay.password_file, try_file, "" },
		{ "ca_file", cfg->relay.ca_file, try_file, "" },
		{ "json", cfg->json, try_directory_of, "its directory: " },
	};
	char what[300];

	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		int result;

		if (files[i].path == NULL)
			continue;
		result = files[i].try(files[i].path);
		if (result == 0)
			continue;
		snprintf(what, sizeof(what), "%s '%.200s': %s%s", files[i].key,
		    files[i].path, files[i].where, strerror(-result));
		(void)refuse_whole(cfg, err, what);
		return result;
	}
	return 0;
}

/* The first line of /etc/mailname, or NULL when there is no name in it. */
static char *
read_mailname(void)
{
	char *text;

	if (fs_read_file(AT_FDCWD, "/etc/mailname", 4096, &text, NULL) < 0)
		return NULL;
	text[strcspn(text, " \t\r\n")] = '\0';
	if (config_is_name(text))
		return text;
	free(text);
	return NULL;
}

char *
config_origin(const struct config *cfg)
{
	char host[HOST_NAME_MAX + 1] = "";
	char *name;

	if (cfg->origin != NULL)
		return strdup(cfg->origin);
	name = read_mailname();
	if (name != NULL)
		return name;
	if (gethostname(host, sizeof(host)) < 0)
		host[0] = '\0';
	host[HOST_NAME_MAX] = '\0';
	return strdup(config_is_name(host) ? host : "localhost");
}
