/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/* See page.h: the frame, and the plots with the tables of their figures. */

#include "config.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "spoolq/page.h"
#include "spoolq/screen.h"
#include "spoolq/svg.h"

#define TEXT_MAX 300

/* ---- plots -------------------------------------------------------------- */

/* What a plot of minutes or hours shows. */
enum kind { KIND_DELIVERED, KIND_LATENCY, KIND_ERRORS };

static const struct {
	const char *title, *y_label;
	bool is_line;
	size_t nseries;
	const char *names[SVG_SERIES_MAX];
} kinds[] = {
	[KIND_DELIVERED] = { "Delivered", "recipients", false, 1, { NULL } },
	[KIND_LATENCY] = { "Mean time from arrival to acceptance", "seconds",
	    true, 1, { NULL } },
	[KIND_ERRORS] = { "Put off, refused, reported", "recipients", false, 3,
	    { "put off", "refused", "reported" } },
};

/* The value of series S of KIND in SLOT. */
static double
value_of(enum kind kind, size_t s, const struct stats_slot *slot)
{
	static const enum stats_kind errors[] = {
		STATS_DEFERRED,
		STATS_FAILED,
		STATS_BOUNCED,
	};

	switch (kind) {
	case KIND_DELIVERED:
		return slot->count[STATS_DELIVERED];
	case KIND_LATENCY:
		return (double)picture_latency_us(slot) / 1e6;
	default:
		return slot->count[errors[s]];
	}
}

/* The figures of PLOT as a table, which is folded at first. */
static void
put_values(FILE *out, const struct svg_plot *plot, const char *const *names,
    size_t first)
{
	(void)fputs("<details><summary>Figures</summary><div class=\"wide\">"
		    "<table><thead><tr><th>",
	    out);
	svg_put_text(out, plot->x_label, TEXT_MAX);
	(void)fputs("</th>", out);
	for (size_t s = 0; s < plot->nseries; s++) {
		const char *name = plot->series[s].name;

		(void)fputs("<th>", out);
		svg_put_text(
		    out, name != NULL ? name : plot->y_label, TEXT_MAX);
		(void)fputs("</th>", out);
	}
	(void)fputs("</tr></thead>\n<tbody>\n", out);
	for (size_t i = 0; i < plot->n; i++) {
		if (names != NULL)
			(void)fprintf(out, "<tr><td>%s</td>", names[i]);
		else
			(void)fprintf(out, "<tr><td>%zu</td>", first - i);
		for (size_t s = 0; s < plot->nseries; s++)
			(void)fprintf(out, "<td>%.*f</td>",
			    plot->is_whole ? 0 : 2, plot->series[s].values[i]);
		(void)fputs("</tr>\n", out);
	}
	(void)fputs("</tbody></table></div></details>\n", out);
}

static void
put_figure(FILE *out, const struct svg_plot *plot, const char *const *names,
    size_t first)
{
	(void)fputs("<figure>\n<figcaption>", out);
	svg_put_text(out, plot->title, TEXT_MAX);
	(void)fputs("</figcaption>\n", out);
	svg_put(out, plot);
	put_values(out, plot, names, first);
	(void)fputs("</figure>\n", out);
}

/* KIND over the last N minutes or, BY_HOUR, hours. */
static void
put_time_plot(FILE *out, const struct picture *p, enum kind kind, bool by_hour)
{
	static const char *const minutes[STATS_MINUTES] = {
		"59", [14] = "45", [29] = "30", [44] = "15", [59] = "0"
	};
	static const char *const hours[STATS_HOURS] = {
		"23", [5] = "18", [11] = "12", [17] = "6", [23] = "0"
	};
	double values[SVG_SERIES_MAX][STATS_MINUTES];
	char id[16], title[100];
	struct svg_plot plot = {
		.id = id,
		.title = title,
		.desc = kinds[kind].title,
		.x_label = by_hour ? "hours ago" : "minutes ago",
		.y_label = kinds[kind].y_label,
		.n = by_hour ? STATS_HOURS : STATS_MINUTES,
		.ticks = by_hour ? hours : minutes,
		.nseries = kinds[kind].nseries,
		.colour = kind == KIND_ERRORS,
		.is_line = kinds[kind].is_line,
		.is_whole = !kinds[kind].is_line,
	};

	(void)snprintf(id, sizeof(id), "%s%d", by_hour ? "day" : "hour", kind);
	(void)snprintf(title, sizeof(title), "%s, last %s", kinds[kind].title,
	    by_hour ? "day by hour" : "hour by minute");
	for (size_t i = 0; i < plot.n; i++) {
		unsigned back = (unsigned)(plot.n - 1 - i);
		struct stats_slot slot = by_hour
		    ? stats_hour(&p->view.queue.stats, back, p->now_us)
		    : stats_minute(&p->view.queue.stats, back, p->now_us);

		for (size_t s = 0; s < plot.nseries; s++)
			values[s][i] = value_of(kind, s, &slot);
	}
	for (size_t s = 0; s < plot.nseries; s++)
		plot.series[s] = (struct svg_series){
			.name = kinds[kind].names[s],
			.values = values[s],
		};
	put_figure(out, &plot, NULL, plot.n - 1);
}

static void
put_age_plot(FILE *out, const struct picture *p)
{
	static const char *const names[TOP_AGES] = { "5", "10", "20", "40",
		"80", "160", "320", "640", "1280", "more" };
	static const char *const ticks[TOP_AGES] = { "5", "10", "20", "40",
		"80", "160", "320", "640", "1280", "+" };
	struct top_row all = top_rest(&p->tally.domains, 0);
	double values[TOP_AGES];
	struct svg_plot plot = {
		.id = "ages",
		.title = "Queue by age",
		.desc = "Recipients that are not served, by their age",
		.x_label = "age in minutes, less than",
		.y_label = "recipients",
		.n = TOP_AGES,
		.ticks = ticks,
		.series = { { .values = values } },
		.nseries = 1,
		.is_whole = true,
	};

	for (size_t i = 0; i < TOP_AGES; i++)
		values[i] = (double)all.ages[i];
	put_figure(out, &plot, names, 0);
}

static void
put_plots(FILE *out, const struct picture *p)
{
	(void)fputs("<div class=\"plots\">\n", out);
	for (int kind = KIND_DELIVERED; kind <= KIND_ERRORS; kind++) {
		put_time_plot(out, p, (enum kind)kind, false);
		put_time_plot(out, p, (enum kind)kind, true);
	}
	(void)fputs("</div>\n", out);
}

/* ---- the frame ---------------------------------------------------------- */

static const char style[] =
    ":root{color-scheme:light dark;--bg:#fff;--fg:#1d2430;--dim:#5b6675;"
    "--line:#d9dee5;--card:#f6f8fa;--s0:#2563eb;--s1:#d97706;--s2:#dc2626;"
    "--s3:#7c3aed;--ok:#15803d;--warn:#b45309;--crit:#b91c1c}\n"
    "@media(prefers-color-scheme:dark){:root{--bg:#12161c;--fg:#e3e8ef;"
    "--dim:#9aa7b8;--line:#323b47;--card:#1a2029;--s0:#6ea8fe;--s1:#f5a524;"
    "--s2:#f87171;--s3:#b794f6;--ok:#4ade80;--warn:#fbbf24;--crit:#f87171}}\n"
    "*{box-sizing:border-box}\n"
    "body{margin:0 auto;max-width:75rem;padding:1rem;background:var(--bg);"
    "color:var(--fg);font:16px/1.45 system-ui,sans-serif}\n"
    "h1{font-size:1.4rem;margin:.2rem 0}h2{font-size:1.1rem;"
    "margin:1.6rem 0 .5rem}\n"
    "p,ul{margin:.4rem 0}.dim{color:var(--dim)}\n"
    ".verdict{border-left:.4rem solid;padding:.6rem 1rem;"
    "background:var(--card);overflow-wrap:anywhere}\n"
    ".OK{border-color:var(--ok)}.WARNING,.UNKNOWN{border-color:var(--warn)}"
    ".CRITICAL{border-color:var(--crit)}\n"
    ".plots,.pair{display:grid;gap:1rem;"
    "grid-template-columns:repeat(auto-fit,minmax(min(100%,26rem),1fr))}\n"
    ".pair{align-items:start}.pair>*{min-width:0}\n"
    "section+section{margin-top:1rem}.pair section{margin-top:0}"
    ".pair section+section{margin-top:1rem}\n"

    "figure{margin:0;padding:.7rem;background:var(--card);"
    "border:1px solid var(--line);border-radius:.4rem;min-width:0}\n"
    "figcaption{font-weight:600}svg{display:block;width:100%;height:auto}\n"
    "svg text{fill:var(--dim);font-size:13px}\n"
    "@media(max-width:30rem){body{padding:.7rem}"
    "svg text{font-size:16px}}\n"
    ".grid{stroke:var(--line)}.axis{stroke:var(--dim)}\n"
    ".s0{fill:var(--s0)}.s1{fill:var(--s1)}.s2{fill:var(--s2)}"
    ".s3{fill:var(--s3)}\n"
    ".l0{stroke:var(--s0);stroke-width:2}\n"
    "details{margin-top:.3rem}summary{color:var(--dim);cursor:pointer}\n"
    ".wide{overflow-x:auto}\n"
    "table{border-collapse:collapse;width:100%;font-size:.92rem}\n"
    "th,td{padding:.25rem .5rem;text-align:right;"
    "border-bottom:1px solid var(--line);"
    "font-variant-numeric:tabular-nums;vertical-align:top}\n"
    "th{font-weight:600;color:var(--dim)}\n"
    "th:first-child,td:first-child,.text{text-align:left}\n"
    ".text{overflow-wrap:anywhere;min-width:9rem}\n"
    "td.bar{width:30%;min-width:4rem}"
    ".bar svg{height:.8rem;margin-top:.25rem}\n"
    ".down{color:var(--crit)}.up{color:var(--ok)}.paused{color:var(--warn)}\n";

static void
put_head(FILE *out, const struct picture *p, const char *host)
{
	(void)fputs("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n"
		    "<meta charset=\"utf-8\">\n"
		    "<meta name=\"viewport\" "
		    "content=\"width=device-width,initial-scale=1\">\n"
		    "<meta name=\"color-scheme\" content=\"light dark\">\n"
		    "<meta name=\"referrer\" content=\"no-referrer\">\n"
		    "<meta http-equiv=\"Content-Security-Policy\" "
		    "content=\"default-src 'none'; img-src data:; "
		    "style-src 'unsafe-inline'\">\n"
		    "<link rel=\"icon\" href=\"data:,\">\n<title>Mail of ",
	    out);
	svg_put_text(out, host, TEXT_MAX);
	(void)fprintf(out, "</title>\n<style>\n%s</style>\n</head>\n", style);
	(void)fputs("<body>\n<h1>Mail of ", out);
	svg_put_text(out, host, TEXT_MAX);
	(void)fputs("</h1>\n<p class=\"dim\">", out);
	svg_put_text(out, p->spool, TEXT_MAX);
}

static void
put_verdict(FILE *out, const struct picture *p, const struct health *h,
    bool is_about_all)
{
	char *text = NULL;
	size_t len;
	FILE *mem = open_memstream(&text, &len);

	if (mem != NULL) {
		/* The figures of P may be of a part. */
		if (is_about_all || h->nfindings > 0)
			screen_put_summary(mem, p, h);
		else
			(void)fputs("mail is leaving", mem);
		(void)fclose(mem);
	}
	(void)fprintf(out, "<div class=\"verdict %s\"><strong>%s</strong> ",
	    health_name(h->level), health_name(h->level));
	svg_put_text(out, text != NULL ? text : "", TEXT_MAX);
	if (h->nfindings > 1)
		(void)fputs("<ul>\n", out);
	for (size_t i = 1; i < h->nfindings; i++) {
		(void)fputs("<li>", out);
		svg_put_text(out, h->finding[i].text, TEXT_MAX);
		(void)fputs("</li>\n", out);
	}
	(void)fprintf(out, "%s</div>\n", h->nfindings > 1 ? "</ul>" : "");
	free(text);
}

void
page_put(FILE *out, const struct picture *p, const struct health *h,
    const char *host, const char *only)
{
	char time[OUTPUT_WORD];

	put_head(out, p, host);
	output_time(p->now_us, time);
	(void)fprintf(out, ", %s%s</p>\n<main>\n", time,
	    p->is_foreign ? ", your mail only" : "");
	put_verdict(out, p, h, only == NULL);
	if (only != NULL) {
		(void)fputs("<p class=\"only\">The verdict is about all mail; "
			    "queue and tables only about <code>",
		    out);
		svg_put_text(out, only, TEXT_MAX);
		(void)fputs("</code></p>\n", out);
	}
	(void)fputs("<h2>Queue</h2>\n<div class=\"pair\">\n", out);
	put_age_plot(out, p);
	page_put_figures(out, p);
	(void)fputs("</div>\n", out);
	if (!p->is_foreign) {
		page_put_relays(out, p);
		(void)fputs("<h2>Throughput, latency, errors</h2>\n", out);
		put_plots(out, p);
	}
	page_put_ages(out, p);
	page_put_tops(out, p);
	(void)fputs("</main>\n</body>\n</html>\n", out);
}
