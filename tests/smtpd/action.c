/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/*
 * What a rule makes the server do; one function an action.
 */

#include "config.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/smtpd/smtpd.h"

/*
 * FIRST begins the reply about to be sent.  An accepted message is on disk
 * before the client can know, so that tests need not wait for it.
 */
static bool
begin_reply(struct conn *c, int first)
{
	c->reply_class = (char)(first > 0 && first < 0x80 ? first : '?');
	return c->stage != STAGE_DOT || first != '2' || message_store(c);
}

static bool
run_reply(struct conn *c, const struct action *action)
{
	return begin_reply(c, action->bytes[0]) &&
	    conn_reply(c, action->bytes, action->len);
}

static bool
run_raw(struct conn *c, const struct action *action)
{
	log_bytes(c, "S:", action->bytes, action->len);
	return begin_reply(c, action->bytes[0]) &&
	    conn_write(c, action->bytes, action->len);
}

static bool
run_default(struct conn *c, const struct action *action)
{
	(void)action;
	if (c->default_reply == NULL)
		return true;
	return begin_reply(c, c->default_reply[0]) &&
	    conn_reply(c, c->default_reply, strlen(c->default_reply));
}

static bool
run_drop(struct conn *c, const struct action *action)
{
	(void)action;
	log_text(c, "drop");
	return false;
}

static bool
run_drop_after(struct conn *c, const struct action *action)
{
	(void)run_raw(c, action);
	return run_drop(c, action);
}

static bool
run_rst(struct conn *c, const struct action *action)
{
	(void)action;
	log_text(c, "rst");
	c->reset = true;
	return false;
}

static bool
run_delay(struct conn *c, const struct action *action)
{
	return conn_sleep(c, action->number);
}

static bool
run_drip(struct conn *c, const struct action *action)
{
	c->drip_ms = action->number;
	return true;
}

static bool
run_mute(struct conn *c, const struct action *action)
{
	(void)action;
	log_text(c, "mute");
	conn_wait_gone(c, true);
	return false;
}

static bool
run_stall(struct conn *c, const struct action *action)
{
	(void)action;
	log_text(c, "stall");
	conn_wait_gone(c, false);
	return false;
}

/* The next byte of the connection's xorshift generator. */
static unsigned char
random_byte(struct conn *c)
{
	c->random ^= c->random << 13;
	c->random ^= c->random >> 7;
	c->random ^= c->random << 17;
	return (unsigned char)(c->random >> 32);
}

static bool
run_garbage(struct conn *c, const struct action *action)
{
	unsigned char block[512];
	unsigned long left = action->number;
	size_t i, len;

	log_text(c, "garbage %lu", action->number);
	(void)begin_reply(c, '?');
	for (; left > 0; left -= len) {
		len = left < sizeof(block) ? left : sizeof(block);
		for (i = 0; i < len; i++)
			block[i] = random_byte(c);
		if (!conn_write(c, block, len))
			return false;
	}
	return true;
}

/* The three digits a reply of ours would have here. */
static const char *
default_code(const struct conn *c)
{
	return c->default_reply != NULL ? c->default_reply : "250";
}

static bool
run_endless(struct conn *c, const struct action *action)
{
	char line[64];
	int len = snprintf(line, sizeof(line),
	    "%.3s-and there is more to be said\r\n", default_code(c));

	log_text(c, "endless");
	while (conn_write(c, line, (size_t)len))
		if (!conn_sleep(c, action->number))
			break;
	return false;
}

static bool
run_long(struct conn *c, const struct action *action)
{
	char block[1024];
	unsigned long left = action->number;
	size_t len;

	log_text(c, "long %lu", action->number);
	(void)snprintf(block, sizeof(block), "%.3s ", default_code(c));
	if (!begin_reply(c, block[0]) || !conn_write(c, block, 4))
		return false;
	memset(block, 'x', sizeof(block));
	for (; left > 4; left -= len) {
		len = left - 4 < sizeof(block) ? left - 4 : sizeof(block);
		if (!conn_write(c, block, len))
			return false;
	}
	return conn_write(c, "\r\n", 2);
}

/* One write, so that both parts come in one segment. */
static bool
run_inject(struct conn *c, const struct action *action)
{
	const char *reply = c->default_reply != NULL ? c->default_reply : "";
	size_t len = strlen(reply);
	char *both = malloc(len + 2 + action->len);
	bool done;

	if (both == NULL)
		return false;
	memcpy(both, reply, len);
	memcpy(both + len, "\r\n", 2);
	memcpy(both + len + 2, action->bytes, action->len);
	log_bytes(c, "S:", both, len + 2 + action->len);
	done = begin_reply(c, reply[0]) &&
	    conn_write(c, both, len + 2 + action->len);
	free(both);
	return done;
}

static bool
cut_data(struct conn *c, const struct action *action, enum cut cut)
{
	c->cut = cut;
	c->cut_at = action->number;
	return true;
}

static bool
run_mid_data_drop(struct conn *c, const struct action *action)
{
	return cut_data(c, action, CUT_DROP);
}

static bool
run_mid_data_rst(struct conn *c, const struct action *action)
{
	return cut_data(c, action, CUT_RST);
}

static bool
run_mid_data_stall(struct conn *c, const struct action *action)
{
	return cut_data(c, action, CUT_STALL);
}

static bool
run_store(struct conn *c, const struct action *action)
{
	(void)action;
	return message_store(c);
}

static bool
run_wait_file(struct conn *c, const struct action *action)
{
	log_text(c, "wait-file");
	while (access(action->bytes, F_OK) < 0)
		if (!conn_sleep(c, 5))
			return false;
	return true;
}

static const struct action_kind kinds[] = {
	{ "default", TAKES_NOTHING, 0, run_default },
	{ "delay", TAKES_SECONDS, 0, run_delay },
	{ "drip", TAKES_NUMBER, 0, run_drip },
	{ "drop", TAKES_NOTHING, 0, run_drop },
	{ "drop-after", TAKES_BYTES, 0, run_drop_after },
	{ "endless", MAY_TAKE_NUMBER, 1, run_endless },
	{ "garbage", MAY_TAKE_NUMBER, 512, run_garbage },
	{ "inject", TAKES_BYTES, 0, run_inject },
	{ "long", TAKES_NUMBER, 0, run_long },
	{ "mid-data-drop", TAKES_NUMBER, 0, run_mid_data_drop },
	{ "mid-data-rst", TAKES_NUMBER, 0, run_mid_data_rst },
	{ "mid-data-stall", TAKES_NUMBER, 0, run_mid_data_stall },
	{ "mute", TAKES_NOTHING, 0, run_mute },
	{ "raw", TAKES_BYTES, 0, run_raw },
	{ "reply", TAKES_BYTES, 0, run_reply },
	{ "rst", TAKES_NOTHING, 0, run_rst },
	{ "stall", TAKES_NOTHING, 0, run_stall },
	{ "store", TAKES_NOTHING, 0, run_store },
	{ "wait-file", TAKES_BYTES, 0, run_wait_file },
};

const struct action_kind *
action_find(const char *name)
{
	size_t i;

	for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (strcmp(kinds[i].name, name) == 0)
			return &kinds[i];
	return NULL;
}

/* Count the event and find its rule. */
static const struct rule *
find_rule(struct conn *c, enum stage stage, const char *argument)
{
	struct server *s = c->server;
	struct occasion o = {
		.stage = stage, .session = c->number, .argument = argument
	};
	const struct rule *rule;

	o.of_conn = ++c->seen[stage];
	o.of_message = ++c->seen_in_message[stage];
	(void)pthread_mutex_lock(&s->lock);
	o.nth = ++s->seen[stage];
	rule = script_match(&s->script, &o);
	(void)pthread_mutex_unlock(&s->lock);
	return rule;
}

int
respond(
    struct conn *c, enum stage stage, const char *argument, const char *reply)
{
	const struct rule *rule = find_rule(c, stage, argument);
	bool alive = true;
	size_t i;

	c->stage = stage;
	c->default_reply = reply;
	c->reply_class = 0;
	c->drip_ms = 0;
	for (i = 0; alive && rule != NULL && i < rule->nactions; i++)
		alive = rule->actions[i].kind->run(c, &rule->actions[i]);
	if (alive && c->reply_class == 0)
		alive = run_default(c, NULL);
	c->drip_ms = 0;
	c->default_reply = NULL;
	if (!alive)
		c->dead = true;
	return alive ? c->reply_class : -1;
}
