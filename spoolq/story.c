/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/* See story.h. */

#include "config.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "lib/text.h"
#include "spoolq/story.h"

#define SECOND_US ((int64_t)1000000)
/* Recipients that are named; of the others, how many. */
#define NAMED 3

/* " WORD TEXT", TEXT made harmless; nothing for NULL. */
static void
put_with(FILE *out, const char *word, const char *text)
{
	if (text == NULL)
		return;
	(void)fputs(word, out);
	output_clean(out, text);
}

static void
put_server(FILE *out, const struct event *ev)
{
	put_with(out, " by ", ev->relay);
	if (ev->server == NULL)
		return;
	put_with(out, " (", ev->server);
	(void)fputc(')', out);
}

/* "09:01:02", or with its date when that is not EV's. */
static void
put_next(FILE *out, const struct event *ev, const char *word)
{
	char next[OUTPUT_WORD], now[OUTPUT_WORD];

	if (ev->next_us <= ev->time_us)
		return;
	output_time(ev->next_us, next);
	output_time(ev->time_us, now);
	(void)fprintf(out, "; %s %s", word,
	    strncmp(next, now, 10) == 0 && strlen(next) > 11 ? next + 11
							     : next);
}

/* ---- each kind ------------------------------------------------------- */

static void
put_admitted(FILE *out, const struct event *ev)
{
	char size[OUTPUT_WORD];

	output_size(ev->size_bytes, size);
	(void)fputs("admitted from ", out);
	output_clean(out, ev->sender[0] == '\0' ? "<>" : ev->sender);
	for (size_t i = 0; i < ev->nrcpts && i < NAMED; i++)
		put_with(out, i == 0 ? " to " : ", ", ev->rcpts[i]);
	if (ev->nrcpts > NAMED)
		(void)fprintf(out, " and %zu more", ev->nrcpts - NAMED);
	(void)fprintf(out, "; %s bytes, uid %lu", size, (unsigned long)ev->uid);
	put_with(out, ", lane ", ev->lane);
	put_with(out, ", subject: ", ev->subject);
}

/* " after 3 ms", " after 2.4 s"; nothing for what is not known. */
static void
put_delay(FILE *out, int64_t us)
{
	if (us < 0)
		return;
	if (us < SECOND_US)
		(void)fprintf(out, " after %" PRId64 " ms", us / 1000);
	else
		(void)fprintf(out, " after %" PRId64 ".%" PRId64 " s",
		    us / SECOND_US, us % SECOND_US / (SECOND_US / 10));
}

/* What became of a recipient. */
static void
put_result(FILE *out, const struct event *ev)
{
	(void)fputs(event_name(ev->kind), out);
	put_with(out, " ", ev->rcpt);
	put_server(out, ev);
	put_delay(out, ev->delay_us);
	put_with(out, ": ", ev->reply);
	put_with(out, "; ", ev->note);
	put_next(out, ev, "again at");
}

static void
put_relay(FILE *out, const struct event *ev)
{
	bool is_down = ev->kind == EVENT_RELAY_DOWN;

	put_with(out, "relay ", ev->relay == NULL ? "default" : ev->relay);
	(void)fputs(is_down ? " is in trouble" : " is well again", out);
	put_with(out, ": ", ev->reply);
	put_next(out, ev, "asked again at");
}

static void
put_pause(FILE *out, const struct event *ev)
{
	(void)fputs(event_name(ev->kind), out);
	put_with(out, " ", ev->relay == NULL ? "all delivery" : ev->relay);
	put_with(out, ": ", ev->note);
}

static void
put_edited(FILE *out, const struct event *ev)
{
	(void)fputs("edited", out);
	put_with(out, " ", ev->rcpt);
	if (ev->attempts >= 0)
		(void)fprintf(out, ", attempts %d", ev->attempts);
	put_with(out, ": ", ev->note);
	put_next(out, ev, "again at");
}

static void
put_reported(FILE *out, const struct event *ev)
{
	bool is_told = ev->reply == NULL;

	if (ev->kind == EVENT_REPORTED)
		(void)fputs(is_told ? "bounced: the sender is told"
				    : "nobody is told of the failure",
		    out);
	else
		(void)fputs(is_told ? "the sender is told that it is late"
				    : "nobody is told that it is late",
		    out);
	put_with(out, ": ", ev->reply);
	put_with(out, ", by message ", ev->note);
}

/* Why it is as it is, and no more. */
static void
put_other(FILE *out, const struct event *ev)
{
	static const char *const texts[EVENT_KINDS] = {
		[EVENT_START] = "spoold began",
		[EVENT_STOP] = "spoold ended",
		[EVENT_BACK] = "came back untried",
		[EVENT_FLUSHED] = "flushed: due now",
		[EVENT_RETRIED] = "retried: due now, attempts counted anew",
		[EVENT_REQUEUED] = "requeued from failed/",
		[EVENT_HELD] = "held",
		[EVENT_RELEASED] = "released",
		[EVENT_DROPPED] = "dropped",
		[EVENT_KEPT] = "kept in failed/",
		[EVENT_REMOVED] = "removed: all recipients are done with",
		[EVENT_GONE] = "gone: its file has vanished",
		[EVENT_DAMAGED] = "damaged: set aside in failed/",
	};
	const char *text = texts[ev->kind];

	(void)fputs(text == NULL ? event_name(ev->kind) : text, out);
	put_with(out, ": ", ev->reply);
	put_with(out, ": ", ev->note);
}

/* What EV says, without its time and id. */
static void
put_event(FILE *out, const struct event *ev)
{
	switch (ev->kind) {
	case EVENT_ADMITTED:
		put_admitted(out, ev);
		break;
	case EVENT_ATTEMPT:
		put_with(out, "tried by ",
		    ev->relay == NULL ? "default" : ev->relay);
		break;
	case EVENT_REROUTED:
		put_with(out, "rerouted to ",
		    ev->relay == NULL ? "its routes" : ev->relay);
		put_with(out, ": ", ev->note);
		break;
	case EVENT_DELIVERED:
	case EVENT_DEFERRED:
	case EVENT_LOST:
	case EVENT_UNCERTAIN:
	case EVENT_FAILED:
		put_result(out, ev);
		break;
	case EVENT_RELAY_DOWN:
	case EVENT_RELAY_UP:
		put_relay(out, ev);
		break;
	case EVENT_PAUSED:
	case EVENT_RESUMED:
		put_pause(out, ev);
		break;
	case EVENT_EDITED:
		put_edited(out, ev);
		break;
	case EVENT_REPORTED:
	case EVENT_WARNED:
		put_reported(out, ev);
		break;
	default:
		put_other(out, ev);
		break;
	}
}

/* ---- lines ----------------------------------------------------------- */

void
story_wrap(FILE *out, const struct style *style, const char *text, size_t used,
    size_t indent)
{
	bool is_first = true;

	while (*text != '\0') {
		size_t len = strcspn(text, " ");
		char *word = strndup(text, len);
		size_t columns = word == NULL ? len : output_columns(word);

		free(word);
		if (!is_first && style->cut &&
		    used + 1 + columns > style->columns) {
			(void)fprintf(out, "\n%*s", (int)indent, "");
			used = indent;
		} else if (!is_first) {
			(void)fputc(' ', out);
			used++;
		}
		(void)fwrite(text, 1, len, out);
		used += columns;
		is_first = false;
		text += len + (text[len] == ' ');
	}
}

static enum colour
colour_of(enum event_kind kind)
{
	switch (kind) {
	case EVENT_DELIVERED:
	case EVENT_RELAY_UP:
		return COLOUR_GOOD;
	case EVENT_FAILED:
	case EVENT_RELAY_DOWN:
	case EVENT_DAMAGED:
		return COLOUR_BAD;
	case EVENT_DEFERRED:
	case EVENT_LOST:
	case EVENT_UNCERTAIN:
		return COLOUR_POOR;
	default:
		return COLOUR_BOLD;
	}
}

int
story_line(FILE *out, const struct style *style, const char *id,
    const struct event *ev)
{
	char time[OUTPUT_WORD];
	char *text = NULL;
	size_t len, word, used = STORY_INDENT;
	FILE *mem = open_memstream(&text, &len);

	if (mem == NULL)
		return -errno;
	put_event(mem, ev);
	if (fclose(mem) != 0) {
		free(text);
		return -ENOMEM;
	}
	output_time(ev->time_us, time);
	(void)fprintf(out, "%s  ", time);
	if (id != NULL) {
		(void)fprintf(out, "%-10s  ", id);
		used += 12;
	}
	word = strcspn(text, " :");
	draw_colour(out, style, colour_of(ev->kind));
	(void)fwrite(text, 1, word, out);
	draw_plain(out, style);
	/* What follows the word's end may be a colon: no place to break. */
	if (text[word] == ':')
		(void)fputc(text[word++], out);
	used += word;
	if (text[word] == ' ') {
		(void)fputc(' ', out);
		story_wrap(
		    out, style, text + word + 1, used + 1, STORY_INDENT + 2);
	}
	(void)fputc('\n', out);
	free(text);
	return 0;
}
