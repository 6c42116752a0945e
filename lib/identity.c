/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/* See lib/identity.h. */

#include "config.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/identity.h"

int
identity_init(struct identity *id, const struct config *cfg)
{
	struct identity made = { .keeps_local = cfg->relay.maildir != NULL };
	char name[HOST_NAME_MAX + 1] = "";

	(void)gethostname(name, sizeof(name) - 1);
	made.origin = config_origin(cfg);
	made.hostname = strdup(name);
	if (made.origin == NULL || made.hostname == NULL) {
		identity_release(&made);
		return -ENOMEM;
	}
	*id = made;
	return 0;
}

void
identity_release(struct identity *id)
{
	free(id->origin);
	free(id->hostname);
	free(id->aliases_path);
	free(id->generic_path);
	free(id->masquerade);
	free(id->local_recipients);
	*id = (struct identity){ 0 };
}
