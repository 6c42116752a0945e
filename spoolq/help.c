/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/* See help.h.  It is to fit 80 columns. */

#include "config.h"

#include <string.h>

#include "spoolq/help.h"

static const char commons[] =
    "  -C, --config CONFIG    instead of " CONFIG_DEFAULT_PATH "\n"
    "      --spool DIR        the spool, instead of the configured one\n"
    "  -h, --help             this; behind a command, all about it\n"
    "  -V, --version          which version this is\n";

void
help_put_usage(FILE *out, const struct command *cmd)
{
	(void)fprintf(out, "usage: spoolq %s%s%s\n", cmd->name,
	    cmd->args[0] != '\0' ? " " : "", cmd->args);
}

static void
put_option(
    FILE *out, char letter, const char *name, const char *arg, const char *does)
{
	char left[64];

	(void)snprintf(left, sizeof left, "--%s%s%s", name,
	    arg != NULL ? " " : "", arg != NULL ? arg : "");
	if (letter != 0)
		(void)fprintf(out, "  -%c, ", letter);
	else
		(void)fputs("      ", out);
	(void)fprintf(out, "%-18s %s\n", left, does);
}

static bool
has_option(const struct command *cmd, const char *name)
{
	const struct command_option *o = cmd->options;

	for (; o != NULL && o->name != NULL; o++)
		if (strcmp(o->name, name) == 0)
			return true;
	return false;
}

static void
put_filters(FILE *out, const struct command *cmd)
{
	(void)fputs("\nmessages, of which all that is given must hold:\n", out);
	for (int i = 0; filter_options[i].name != NULL; i++) {
		const struct filter_option *o = &filter_options[i];

		if (!has_option(cmd, o->name))
			put_option(out, 0, o->name, o->arg, o->does);
	}
}

void
help_put_command(FILE *out, const struct command *cmd)
{
	const struct command_option *o = cmd->options;

	help_put_usage(out, cmd);
	(void)fprintf(out, "\n%s: %s\n", cmd->name, cmd->does);
	if (o != NULL && o->name != NULL)
		(void)fputs("\noptions:\n", out);
	for (; o != NULL && o->name != NULL; o++)
		put_option(out, o->letter, o->name, o->arg, o->does);
	if (cmd->has_filters)
		put_filters(out, cmd);
	(void)fputs("\ncommon options:\n", out);
	(void)fputs(commons, out);
}

void
help_put_summary(FILE *out, const struct command *const commands[])
{
	(void)fputs("usage: spoolq [-C CONFIG] [--spool DIR] COMMAND\n\n", out);
	for (; *commands != NULL; commands++)
		(void)fprintf(
		    out, "  %-9s %s\n", (*commands)->name, (*commands)->does);
	(void)fputs(
	    "\nspoolq COMMAND --help shows its options and filters.\n\n", out);
	(void)fputs(commons, out);
}
