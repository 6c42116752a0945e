/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/* What an agent is told of its relay, the "set" lines of agent-protocol.h; and
 * where it is. */

#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/wire.h"
#include "spoold/agent-settings.h"

static void
put_text(FILE *out, const char *key, const char *value)
{
	if (value == NULL)
		return;
	(void)fprintf(out, "set %s ", key);
	wire_puts(out, value);
	(void)fputc('\n', out);
}

static void
put_number(FILE *out, const char *key, unsigned value)
{
	(void)fprintf(out, "set %s %u\n", key, value);
}

static void
put_login(FILE *out, const struct relay_config *cfg)
{
	put_text(out, "auth", auth_mode_name(cfg->auth));
	put_text(out, "user", cfg->user);
	put_text(out, "password_file", cfg->password_file);
	put_text(out, "password_command", cfg->password_command);
	put_text(out, "password", cfg->password);
	if (cfg->login_in_clear)
		put_text(out, "login_in_clear", "yes");
}

static void
put_tls(FILE *out, const struct relay_config *cfg)
{
	put_text(out, "tls", tls_mode_name(cfg->tls));
	if (cfg->tls_verify)
		put_text(out, "tls_verify", "yes");
	put_number(out, "tls_min", cfg->tls_min);
	put_text(out, "ca_file", cfg->ca_file);
	put_text(out, "cert_file", cfg->cert_file);
	put_text(out, "key_file", cfg->key_file);
	put_text(out, "fingerprint", cfg->fingerprint);
}

static void
put_smtp(FILE *out, const struct relay_config *cfg)
{
	unsigned port = cfg->port;

	if (port == 0)
		port = cfg->tls == TLS_IMPLICIT ? 465 : 25;
	for (size_t i = 0; i < cfg->nhosts; i++)
		put_text(out, "host", cfg->hosts[i]);
	put_number(out, "port", port);
	put_tls(out, cfg);
	put_login(out, cfg);
	put_text(out, "helo", cfg->helo);
	put_text(out, "source", cfg->source);
	put_number(out, "slow_after", cfg->slow_after_s);
	put_number(out, "session_messages", cfg->session_messages);
	put_number(out, "pause_ms", cfg->pause_ms);
	put_number(out, "connect_timeout", cfg->connect_timeout_s);
	put_number(out, "reply_timeout", cfg->reply_timeout_s);
}

char *
agent_settings(const struct relay_config *cfg, unsigned connections,
    unsigned connections_max)
{
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);

	if (out == NULL)
		return NULL;
	put_text(out, "relay", cfg->name);
	if (cfg->maildir != NULL) {
		put_text(out, "maildir", cfg->maildir);
	} else {
		put_smtp(out, cfg);
		put_number(out, "connections", connections);
		put_number(out, "connections_max", connections_max);
	}
	(void)fputs("go\n", out);
	if (fclose(out) == 0)
		return text;
	free(text);
	return NULL;
}

char *
agent_program(const char *name)
{
	const char *dirs = getenv("SPOOLD_EXEC_PATH");
	char *path = NULL;

	while (dirs != NULL && *dirs != '\0') {
		size_t len = strcspn(dirs, ":");

		if (asprintf(&path, "%.*s/%s", (int)len, dirs, name) < 0)
			return NULL;
		if (access(path, X_OK) == 0)
			return path;
		free(path);
		dirs += len + (dirs[len] == ':');
	}
	return asprintf(&path, LIBEXECDIR "/%s", name) < 0 ? NULL : path;
}
