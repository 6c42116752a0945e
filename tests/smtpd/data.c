/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/*
 * What follows 354: the message, strictly.  Only CRLF "." CRLF ends it, and
 * what a smuggler could use (bare LF, bare CR, NUL) is kept and counted.
 */

#include "config.h"

#include <string.h>

#include "tests/smtpd/smtpd.h"

enum state { LINE_START, DOT, DOT_CR, TEXT, CR, END };

static void
keep(struct message *m, int byte)
{
	m->bytes++;
	if (byte == '\0')
		m->nuls++;
	if (m->data != NULL)
		(void)putc_unlocked(byte, m->data);
}

/* A byte that begins no line. */
static enum state
in_text(struct message *m, enum state state, int byte)
{
	if (byte == '\n' && state != CR)
		m->bare_lf++;
	if (byte != '\n' && state == CR)
		m->bare_cr++;
	keep(m, byte);
	if (byte == '\r')
		return CR;
	return byte == '\n' && state == CR ? LINE_START : TEXT;
}

static enum state
step(struct message *m, enum state state, int byte)
{
	switch (state) {
	case LINE_START:
		return byte == '.' ? DOT : in_text(m, TEXT, byte);
	case DOT:
		return byte == '\r' ? DOT_CR : in_text(m, TEXT, byte);
	case DOT_CR:
		if (byte == '\n')
			return END;
		keep(m, '\r');
		return in_text(m, CR, byte);
	case TEXT:
	case CR:
	case END:
		break;
	}
	return in_text(m, state, byte);
}

/* The script wants the connection broken here. */
static bool
break_off(struct conn *c)
{
	log_text(c, "data broken off after %lu bytes", c->msg.received);
	if (c->cut == CUT_STALL)
		conn_wait_gone(c, false);
	c->reset = c->cut == CUT_RST;
	c->dead = true;
	return false;
}

bool
data_receive(struct conn *c)
{
	struct message *m = &c->msg;
	enum state state = LINE_START;

	while (state != END) {
		if (c->cut != CUT_NONE && m->received >= c->cut_at)
			return break_off(c);
		if (!conn_fill(c)) {
			log_text(
			    c, "lost in data after %lu bytes", m->received);
			return false;
		}
		m->received++;
		state = step(m, state, c->in[c->in_pos++]);
	}
	log_text(c, "data %lu bytes", m->bytes);
	return true;
}
