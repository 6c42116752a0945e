/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/* See complete.h. */

#include "config.h"

#include <stdio.h>
#include <string.h>

#include "lib/event.h"
#include "lib/why.h"
#include "spoolq/complete.h"
#include "spoolq/import.h"
#include "spoolq/output.h"
#include "spoolq/view.h"

/* Nobody reads more ids than that; the shell would be slow. */
#define IDS_MAX 1000

static const struct command_option commons[] = {
	{ "config", "CONFIG", 'C', "the configuration" },
	{ "spool", "DIR", 0, "the spool" },
	{ "help", NULL, 'h', "all about it" },
	{ "version", NULL, 'V', "which version this is" },
	{ .name = NULL },
};

struct completing {
	struct context *ctx;
	const struct command *const *commands;
	const struct command *command; /* NULL: not named so far */
	bool is_lost;                  /* there is no such command */
	int noperands;                 /* of the command, before the word */
	const char *word;              /* to be completed */
	int prefix;                    /* so much is before it: "--color=" */
};

/* Offer TEXT, which means DOES, if it goes on from the word. */
static void
offer(const struct completing *c, const char *text, const char *does)
{
	if (strncmp(text, c->word, strlen(c->word)) == 0)
		(void)printf(
		    "%.*s%s\t%s\n", c->prefix, c->word - c->prefix, text, does);
}

/* ---- the command line so far ----------------------------------------- */

/* The option of LIST that WORD, "--name" or "-l", is; NULL: none. */
static const struct command_option *
find_in(const struct command_option *list, const char *word)
{
	for (; list != NULL && list->name != NULL; list++) {
		if (strncmp(word, "--", 2) == 0 &&
		    strcmp(word + 2, list->name) == 0)
			return list;
		if (word[0] == '-' && list->letter != 0 &&
		    word[1] == list->letter && word[2] == '\0')
			return list;
	}
	return NULL;
}

/* The argument that WORD, an option of the command C has, takes: "TIME"; NULL
 * if it takes none.  *RET_NAME is its name. */
static const char *
argument_of(const struct completing *c, const char *word, const char **ret_name)
{
	const struct command_option *o = find_in(commons, word);

	if (o == NULL && c->command != NULL)
		o = find_in(c->command->options, word);
	if (o != NULL) {
		*ret_name = o->name;
		return o->arg;
	}
	if (c->command == NULL || !c->command->has_filters ||
	    strncmp(word, "--", 2) != 0)
		return NULL;
	for (int i = 0; filter_options[i].name != NULL; i++)
		if (strcmp(word + 2, filter_options[i].name) == 0) {
			*ret_name = filter_options[i].name;
			return filter_options[i].arg;
		}
	return NULL;
}

static const struct command *
find_command(const struct completing *c, const char *name)
{
	for (const struct command *const *all = c->commands; *all != NULL;
	     all++)
		if (strcmp((*all)->name, name) == 0)
			return *all;
	return NULL;
}

/*
 * Go through the words before the last one.  The argument that this is, NULL if
 * it is none; *RET_NAME is its option's name.
 */
static const char *
walk(struct completing *c, int n, char *words[], const char **ret_name)
{
	const char *arg = NULL;

	for (int i = 0; i < n - 1; i++) {
		const char *word = words[i];

		/* bash has "--state=new" as three words. */
		if (strcmp(word, "=") == 0)
			continue;
		if (arg != NULL)
			arg = NULL;
		else if (word[0] == '-')
			arg = argument_of(c, word, ret_name);
		else if (c->command == NULL) {
			c->command = find_command(c, word);
			c->is_lost = c->command == NULL;
		} else {
			c->noperands++;
		}
	}
	return arg;
}

void
complete_common(
    int n, char *words[], const char **ret_config, const char **ret_spool)
{
	for (int i = 0; i < n - 2; i++) {
		const char *value = words[i + 1];

		if (strcmp(value, "=") == 0 && i + 2 < n - 1)
			value = words[i + 2];
		if (strcmp(words[i], "--spool") == 0)
			*ret_spool = value;
		else if (strcmp(words[i], "-C") == 0 ||
		    strcmp(words[i], "--config") == 0)
			*ret_config = value;
	}
}

/* ---- candidates ------------------------------------------------------ */

static void
offer_commands(const struct completing *c)
{
	for (const struct command *const *all = c->commands; *all != NULL;
	     all++)
		offer(c, (*all)->name, (*all)->does);
}

static void
offer_option(const struct completing *c, const char *name, const char *does)
{
	char text[64];

	(void)snprintf(text, sizeof text, "--%s", name);
	offer(c, text, does);
}

static void
offer_options(const struct completing *c)
{
	const struct command *cmd = c->command;
	const struct command_option *o = cmd == NULL ? NULL : cmd->options;

	for (; o != NULL && o->name != NULL; o++)
		offer_option(c, o->name, o->does);
	for (int i = 0;
	     cmd != NULL && cmd->has_filters && filter_options[i].name != NULL;
	     i++)
		offer_option(c, filter_options[i].name, filter_options[i].does);
	for (o = commons; o->name != NULL; o++)
		offer_option(c, o->name, o->does);
}

static void
offer_states(const struct completing *c)
{
	static const char *const names[] = { "new", "sending", "deferred",
		"held", "failed" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		offer(c, names[i], "");
	for (int i = WHY_SENDING + 1; i < WHY_KINDS; i++)
		if (i != WHY_FAILED)
			offer(c, why_name((enum why)i), "waits for that");
}

static void
offer_relays(const struct completing *c)
{
	const struct config *cfg = &c->ctx->cfg;
	const struct relay_state *relay;
	struct view v;

	for (size_t i = 0; i < cfg->nrelays; i++)
		offer(c, cfg->relays[i].name, "a relay");
	if (c->ctx->sp.path == NULL || view_open(&v, c->ctx) != 0)
		return;
	/* One that mail waits for may be configured no more. */
	STAILQ_FOREACH (relay, &v.queue.relays, link)
		if (config_relay(cfg, relay->name) == NULL &&
		    output_is_plain(relay->name))
			offer(c, relay->name, "a relay");
	view_close(&v);
}

/* Whether the state of M is one that CMD is for. */
static bool
is_candidate(const struct command *cmd, const struct message *m)
{
	if (cmd == &command_release)
		return m->state == SPOOL_HOLD;
	if (cmd == &command_requeue)
		return m->state == SPOOL_FAILED;
	if (cmd == &command_hold || cmd == &command_retry)
		return m->state == SPOOL_QUEUE;
	return true;
}

static void
offer_ids(const struct completing *c)
{
	struct message *m;
	struct view v;

	if (c->ctx->sp.path == NULL || view_open(&v, c->ctx) != 0)
		return;
	for (int n = 0; n < IDS_MAX && (m = view_next(&v)) != NULL;) {
		if (strncmp(m->id, c->word, strlen(c->word)) != 0 ||
		    !is_candidate(c->command, m))
			continue;
		(void)printf("%s\t%s: ", m->id, output_state(m));
		output_clean(stdout, m->sender[0] != '\0' ? m->sender : "<>");
		(void)fputs(" -> ", stdout);
		output_clean(stdout, output_shown(m)->addr);
		(void)putchar('\n');
		n++;
	}
	view_close(&v);
}

static void
offer_events(const struct completing *c)
{
	for (int i = 0; i < EVENT_KINDS; i++)
		if (event_name((enum event_kind)i) != NULL)
			offer(c, event_name((enum event_kind)i), "");
}

/* The formats of import; behind one of them a file. */
static void
offer_imports(const struct completing *c)
{
	const char *name;

	if (c->noperands > 0) {
		(void)puts(":files");
		return;
	}
	for (size_t i = 0; (name = import_format_name(i)) != NULL; i++)
		offer(c, name, "");
}

/* The values of an option NAME whose argument is called ARG. */
static void
offer_values(const struct completing *c, const char *name, const char *arg)
{
	if (strcmp(arg, "DIR") == 0)
		(void)puts(":dirs");
	else if (strcmp(name, "relay") == 0 || strcmp(name, "from-relay") == 0)
		offer_relays(c);
	else if (strcmp(name, "state") == 0)
		offer_states(c);
	else if (strcmp(name, "event") == 0)
		offer_events(c);
	else if (strcmp(name, "color") == 0) {
		offer(c, "auto", "on a terminal");
		offer(c, "always", "");
		offer(c, "never", "");
	} else if (strcmp(arg, "PATH") == 0 || strcmp(arg, "FILE") == 0 ||
	    strcmp(arg, "CONFIG") == 0)
		(void)puts(":files");
}

static void
offer_operands(const struct completing *c)
{
	const struct command *cmd = c->command;

	if (cmd->operands_max == 0)
		offer_options(c);
	else if (cmd == &command_import)
		offer_imports(c);
	else if (cmd->operand == NULL || strcmp(cmd->operand, "message") == 0)
		offer_ids(c);
	else
		(void)puts(":files");
}

/* The argument that the word is itself, behind its option: "--color=al"; NULL
 * if it is none.  What is behind the "=" is the word then. */
static const char *
split_word(struct completing *c, const char **ret_name)
{
	size_t len = strcspn(c->word, "=");
	char name[64];
	const char *arg;

	if (strncmp(c->word, "--", 2) != 0 || c->word[len] != '=' ||
	    len >= sizeof name)
		return NULL;
	(void)snprintf(name, sizeof name, "%.*s", (int)len, c->word);
	arg = argument_of(c, name, ret_name);
	if (arg == NULL)
		return NULL;
	c->word += len + 1;
	c->prefix = (int)len + 1;
	return arg;
}

void
complete_print(struct context *ctx, const struct command *const commands[],
    int n, char *words[])
{
	struct completing c = { .ctx = ctx, .commands = commands };
	const char *name = "", *arg;

	if (n == 0)
		return;
	c.word = words[n - 1];
	arg = walk(&c, n, words, &name);
	if (arg != NULL && strcmp(c.word, "=") == 0)
		c.word = "";
	if (c.is_lost)
		return;
	if (arg == NULL)
		arg = split_word(&c, &name);
	if (arg != NULL)
		offer_values(&c, name, arg);
	else if (c.word[0] == '-')
		offer_options(&c);
	else if (c.command == NULL)
		offer_commands(&c);
	else
		offer_operands(&c);
}
