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
#include <unistd.h>

#include "lib/conf-value.h"
#include "lib/conf.h"
#include "lib/fsutil.h"

int
config_init(struct config *cfg)
{
	*cfg = (struct config){
		.spool = strdup(CONFIG_DEFAULT_SPOOL),
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
	if (cfg->spool != NULL && cfg->relay.name != NULL)
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
	if (what == NULL)
		return 0;
	if (cfg->path != NULL)
		snprintf(err->text, sizeof(err->text), "%.200s: %s", cfg->path,
		    what);
	else
		snprintf(err->text, sizeof(err->text), "%s", what);
	return -EINVAL;
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
