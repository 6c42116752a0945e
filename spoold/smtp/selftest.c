/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>

#include <stddef.h>
#include <openssl/ssl.h>
#include <auth-client.h>
#include <libesmtp.h>

#include "spoold/smtp/hooks.h"
#include "spoold/smtp/selftest.h"
#include "spoold/smtp/transport.h"

/* A message that is never asked for: MAIL is answered by 421. */
static const char *
no_message(void **ctx, int *len, void *arg)
{
	(void)ctx;
	(void)arg;
	if (len != NULL)
		*len = 0;
	errno = EIO;
	return NULL;
}

static int
run_library(struct transport *t)
{
	smtp_session_t lib = smtp_create_session();
	smtp_message_t message;
	int err = -ENOMEM;

	if (lib == NULL)
		return err;
	/* Undiverted, it would only reach a port where nobody listens. */
	if (!smtp_set_server(lib, "127.0.0.1:1") ||
	    !smtp_set_hostname(lib, "localhost") ||
	    (message = smtp_add_message(lib)) == NULL ||
	    !smtp_set_messagecb(message, no_message, NULL) ||
	    smtp_add_recipient(message, "nobody@localhost") == NULL)
		goto out;
	hooks_divert(t);
	(void)smtp_start_session(lib);
	hooks_divert(NULL);
	err = 0;
out:
	(void)smtp_destroy_session(lib);
	return err;
}

/* The plug-ins stay loaded: sessions find them without loading. */
static unsigned
load_mechanisms(void)
{
	static const unsigned all[] = {
		MECHANISM_CRAM_MD5,
		MECHANISM_PLAIN,
		MECHANISM_LOGIN,
	};
	auth_context_t auth = auth_create_context();
	unsigned found = 0;

	if (auth == NULL)
		return 0;
	(void)auth_set_mechanism_flags(auth, AUTH_PLUGIN_PLAIN, 0);
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		if (auth_set_mechanism(auth, mechanism_name(all[i])))
			found |= all[i];
	(void)auth_destroy_context(auth);
	return found;
}

int
selftest_run(unsigned *ret_mechanisms, char *why, size_t size)
{
	static const struct capabilities nothing;
	struct conn *c = conn_new(-1, 1000);
	struct transport *t;
	char missing[80];
	unsigned hits;

	if (c != NULL)
		c->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (c == NULL || c->fd < 0) {
		conn_free(c);
		(void)snprintf(why, size, "%s", strerror(errno));
		return -1;
	}
	conn_kill(c, "self-test");
	t = transport_new(c, &nothing, 0);
	if (t == NULL || run_library(t) < 0) {
		transport_free(t);
		(void)snprintf(why, size, "%s", strerror(ENOMEM));
		return -1;
	}
	hits = t->hits;
	transport_free(t);
	if (hits == HOOK_ALL) {
		*ret_mechanisms = load_mechanisms();
		return 0;
	}
	hooks_missing(hits, missing, sizeof(missing));
	(void)snprintf(why, size,
	    "this build of libESMTP does not use the "
	    "agent's transport:%s not diverted",
	    missing);
	return -1;
}
