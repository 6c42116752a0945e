/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/*
 * libconfuse, between a file's text and the keys.  To it every value is a
 * string: then a file and a command line mean the same, and every error is
 * worded by us.
 *
 * libconfuse's scanner has global state: one thread at a time.
 */

#include "config.h"

#include <confuse.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/conf-value.h"

/* More than the top level has keys. */
#define OPTIONS_MAX 64

/*
 * What libconfuse's callbacks need of us.  They get nothing but the cfg_t, so
 * a pointer travels in its first option: a function, which has no value that a
 * file could set, and refuses to be called.
 */
struct parse {
	struct config *scratch; /* takes the values one by one */
	struct config_error *err;
	const char *text; /* all of the file */
	const struct config_scan *scan;
	unsigned fail_line; /* 0: not yet */
	size_t nsections;   /* that were read */
	/* What the section being read is about. */
	struct relay_config relay;
	struct route_config route;
	struct lane_config lane;
};

#define CONTEXT_NAME "(context)"

static struct parse *
parse_of(cfg_t *file)
{
	return (struct parse *)file->opts[0].simple_value.ptr;
}

/* What the section of that name in libconfuse's eyes is about. */
static enum config_section
section_named(const char *name)
{
	if (strcmp(name, CONFIG_RELAY_SECTION) == 0)
		return SECTION_RELAY;
	if (strcmp(name, config_section_name(SECTION_ROUTE)) == 0)
		return SECTION_ROUTE;
	if (strcmp(name, config_section_name(SECTION_LANE)) == 0)
		return SECTION_LANE;
	return SECTION_TOP;
}

static enum config_section
section_of(cfg_t *file)
{
	return section_named(cfg_name(file));
}

/* A cfg_func_t. */
static int
refuse_call(cfg_t *file, cfg_opt_t *opt, int argc, const char **argv)
{
	(void)opt;
	(void)argc;
	(void)argv;
	cfg_error(file, "not an option");
	return -1;
}

/* Put the place before what ERR says; only the first error counts. */
static void
fail_at(cfg_t *file, unsigned line, struct parse *p,
    const struct config_error *what)
{
	const char *name = config_section_name(section_of(file));
	const char *title = name != NULL ? cfg_title(file) : NULL;

	if (p->fail_line != 0)
		return;
	p->fail_line = line;
	config_put_error(p->err, "%.200s:%u: %s%s%.64s%s%s", file->filename,
	    line, name != NULL ? name : "", title != NULL ? " " : "",
	    title != NULL ? title : "", name != NULL ? ": " : "", what->text);
}

/* A relay's section by the name that the user knows. */
static void
restore_names(char *text)
{
	char *at;

	while ((at = strstr(text, CONFIG_RELAY_SECTION)) != NULL)
		memcpy(at, "relay", strlen("relay"));
}

/* A cfg_errfunc_t. */
static void __attribute__((format(printf, 2, 0)))
on_error(cfg_t *file, const char *fmt, va_list args)
{
	struct parse *p = parse_of(file);
	struct config_error what;
	const char *name;

	if (strcmp(fmt, "no such option '%s'") == 0) {
		config_put_unknown(
		    &what, section_of(file), va_arg(args, const char *));
	} else if (strcmp(fmt, "premature end of file") == 0) {
		/* Where the file ends, an editor shows anyway. */
		file->line = (int)config_last_line(p->text);
		config_put_error(&what, "%s, in what begins here", fmt);
	} else if (strcmp(fmt, "found duplicate title '%s'") == 0) {
		config_put_error(&what,
		    "there is another section of the name '%.64s'",
		    va_arg(args, const char *));
	} else if (strcmp(fmt, "missing title for section '%s'") == 0) {
		name = config_section_name(
		    section_named(va_arg(args, const char *)));
		config_put_error(&what,
		    "%s has no name, as in: %s \"NAME\" { … }", name, name);
	} else {
		vsnprintf(what.text, sizeof(what.text), fmt, args);
	}
	restore_names(what.text);
	fail_at(file, (unsigned)file->line, p, &what);
}

/* All elements of OPT as one text, as setters have them, or NULL. */
static char *
join(cfg_opt_t *opt)
{
	char *text = strdup(""), *longer;

	for (unsigned i = 0; text != NULL && i < cfg_opt_size(opt); i++) {
		if (asprintf(&longer, "%s%s%s", text,
			i > 0 ? (const char[]){ CONFIG_LIST_GAP, '\0' } : "",
			cfg_opt_getnstr(opt, i)) < 0)
			longer = NULL;
		free(text);
		text = longer;
	}
	return text;
}

/* The last element of OPT, "" if it has none. */
static const char *
last_of(cfg_opt_t *opt)
{
	unsigned n = cfg_opt_size(opt);

	return n > 0 ? cfg_opt_getnstr(opt, n - 1) : "";
}

static void *
object_of(struct parse *p, enum config_section section)
{
	switch (section) {
	case SECTION_RELAY:
		return &p->relay;
	case SECTION_ROUTE:
		return &p->route;
	case SECTION_LANE:
		return &p->lane;
	default:
		return p->scratch;
	}
}

/*
 * A cfg_validate_callback_t: called when OPT has got a value, for lists after
 * each element, so that a bad one is told with its line, and at their end.
 */
static int
on_value(cfg_t *file, cfg_opt_t *opt)
{
	struct parse *p = parse_of(file);
	enum config_section section = section_of(file);
	const struct config_key *key = config_find_key(section, opt->name);
	struct config_error what = { "out of memory" };
	char *value;
	int err = -ENOMEM;

	if (key == NULL)
		return -1;
	value = join(opt);
	if (value != NULL && key->flags & KEY_LIST &&
	    config_has_control(last_of(opt))) {
		config_put_error(&what, "%s '%.200s' has control characters",
		    key->name, last_of(opt));
	} else if (value != NULL) {
		err = config_set_value(section, key, object_of(p, section),
		    value, last_of(opt), NULL, &what);
	}
	free(value);
	if (err < 0) {
		fail_at(file, (unsigned)file->line, p, &what);
		return -1;
	}
	/* Of a list, where it begins. */
	if (config_line(section, key, object_of(p, section)) == 0)
		config_note_line(
		    section, key, object_of(p, section), (unsigned)file->line);
	return 0;
}

/* ---- sections -------------------------------------------------------- */

/* A cfg_validate_callback_t: called when a section of OPT has ended. */
static int
on_section(cfg_t *file, cfg_opt_t *opt)
{
	struct parse *p = parse_of(file);
	cfg_t *section = cfg_opt_getnsec(opt, cfg_opt_size(opt) - 1);
	const char *title = cfg_title(section);
	struct config_error what;
	unsigned line = (unsigned)file->line;
	bool ok;

	if (p->nsections < p->scan->nlines)
		line = p->scan->lines[p->nsections++];
	switch (section_named(opt->name)) {
	case SECTION_RELAY:
		ok =
		    config_add_relay(p->scratch, &p->relay, title, line, &what);
		break;
	case SECTION_ROUTE:
		ok = config_add_route(p->scratch, &p->route, line, &what);
		break;
	default:
		ok = config_add_lane(p->scratch, &p->lane, title, line, &what);
		break;
	}
	if (ok)
		return 0;
	fail_at(section, line, p, &what);
	return -1;
}

/* ---- all of it ------------------------------------------------------- */

/* Set KEY of CFG to what OPT holds, if anything. */
static int
apply_option(cfg_opt_t *opt, const struct config_key *key,
    const struct parse *p, struct config *cfg)
{
	struct config_error why;
	char *value;
	int err;

	if (cfg_opt_size(opt) == 0)
		return 0;
	value = join(opt);
	err = value == NULL
	    ? -ENOMEM
	    : config_set_value(SECTION_TOP, key, cfg, value, value, NULL, &why);
	if (err == 0)
		config_note_line(SECTION_TOP, key, cfg,
		    config_line(SECTION_TOP, key, p->scratch));
	free(value);
	return err;
}

/* Apply what the parsed FILE holds; only memory can be short now. */
static int
apply(cfg_t *file, struct parse *p, struct config *cfg)
{
	const struct config_key *key;
	int err = 0;

	for (cfg_opt_t *opt = file->opts; err == 0 && opt->name != NULL;
	     opt++) {
		key = config_find_key(SECTION_TOP, opt->name);
		/* Sections are none. */
		if (key != NULL)
			err = apply_option(opt, key, p, cfg);
	}
	return err < 0 ? err : config_take_sections(cfg, p->scratch);
}

/*
 * The options of SECTION as libconfuse wants them, at most OPTIONS_MAX.  Only
 * those that the file has: each one costs, and each message reads the file.
 */
static size_t
make_options(cfg_opt_t *opts, enum config_section section, struct parse *p)
{
	uint64_t there = p->scan->has_key[section];
	size_t n = 1;

	opts[0] = (cfg_opt_t)CFG_FUNC(CONTEXT_NAME, refuse_call);
	opts[0].simple_value.ptr = (void **)p;
	for (size_t i = 0; there >> i != 0; i++) {
		const struct config_key *key = config_key_at(section, i);

		if (!(there >> i & 1))
			continue;
		opts[n] = key->flags & KEY_LIST
		    ? (cfg_opt_t)CFG_STR_LIST(key->name, 0, CFGF_NODEFAULT)
		    : (cfg_opt_t)CFG_STR(key->name, 0, CFGF_NODEFAULT);
		opts[n++].validcb = on_value;
	}
	opts[n] = (cfg_opt_t)CFG_END();
	return n;
}

/* What came of the parsing of FILE: 0, or -EINVAL with the first error. */
static int
conclude(cfg_t *file, int result, struct parse *p)
{
	const struct config_scan *scan = p->scan;

	if (result != CFG_SUCCESS && p->fail_line == 0) {
		p->fail_line = (unsigned)file->line;
		config_put_error(p->err, "%.200s:%d: cannot be understood",
		    file->filename, file->line);
	}
	if (scan->fault_line != 0 &&
	    (p->fail_line == 0 || scan->fault_line <= p->fail_line)) {
		p->fail_line = scan->fault_line;
		config_put_error(p->err, "%.200s:%u: %s", file->filename,
		    scan->fault_line, scan->fault.text);
	}
	return p->fail_line == 0 ? 0 : -EINVAL;
}

/* Parse the file by OPTS, of the top level. */
static int
parse_with(cfg_opt_t *opts, FILE *in, const char *path, struct parse *p,
    struct config *cfg)
{
	cfg_t *file = cfg_init(opts, CFGF_NONE);
	int result = -ENOMEM;

	if (file == NULL)
		return -ENOMEM;
	(void)cfg_set_error_function(file, on_error);
	file->filename = strdup(path);
	if (file->filename != NULL)
		result = conclude(file, cfg_parse_fp(file, in), p);
	if (result == 0)
		result = apply(file, p, cfg);
	cfg_free(file);
	return result;
}

/* How libconfuse calls the kinds of sections, and what they may have. */
static const struct {
	const char *name;
	cfg_flag_t flags;
} kinds[SECTIONS] = {
	[SECTION_RELAY] = { CONFIG_RELAY_SECTION,
	    CFGF_MULTI | CFGF_TITLE | CFGF_NO_TITLE_DUPES },
	[SECTION_ROUTE] = { "route", CFGF_MULTI },
	[SECTION_LANE] = { "lane",
	    CFGF_MULTI | CFGF_TITLE | CFGF_NO_TITLE_DUPES },
};

/* Parse the file IN with the kinds of sections that it has. */
static int
parse_sections(FILE *in, const char *path, struct parse *p, struct config *cfg)
{
	cfg_opt_t opts[SECTIONS][OPTIONS_MAX];
	cfg_opt_t *top = opts[SECTION_TOP];
	size_t n = make_options(top, SECTION_TOP, p);

	for (int i = SECTION_TOP + 1; i < SECTIONS; i++) {
		if (!p->scan->has_section[i])
			continue;
		(void)make_options(opts[i], (enum config_section)i, p);
		top[n] =
		    (cfg_opt_t)CFG_SEC(kinds[i].name, opts[i], kinds[i].flags);
		top[n++].validcb = on_section;
	}
	top[n] = (cfg_opt_t)CFG_END();
	return parse_with(top, in, path, p, cfg);
}

/* Rid TEXT of comments; false with ERR if it is none to be read then. */
static bool
prepare(char *text, const char *path, struct config_error *err)
{
	struct span variable;
	unsigned line;

	if (!config_blank_comments(text, &line)) {
		config_put_error(
		    err, "%.200s:%u: a comment has no end", path, line);
		return false;
	}
	/* Nobody's environment has a say in where mail goes. */
	if (config_find_variable(text, &line, &variable)) {
		config_put_error(err,
		    "%.200s:%u: variables are not expanded: %.*s", path, line,
		    variable.len > 100 ? 100 : (int)variable.len, variable.ptr);
		return false;
	}
	return true;
}

int
config_parse(char *text, size_t len, const char *path, struct config *cfg,
    struct config_error *err)
{
	struct config scratch = { .nstock = 0 };
	struct config_scan scan = { .lines = NULL };
	struct parse p = {
		.scratch = &scratch, .err = err, .text = text, .scan = &scan
	};
	FILE *in = NULL;
	int result = -ENOMEM;

	if (!prepare(text, path, err))
		return -EINVAL;
	scratch.stock = calloc(1, sizeof(scratch.stock[0]));
	scratch.nstock = scratch.stock != NULL;
	if (scratch.stock != NULL && config_scan(text, &scan) == 0)
		in = fmemopen(text, len, "r");
	if (in != NULL) {
		result = parse_sections(in, path, &p, cfg);
		fclose(in);
	}
	if (result == -ENOMEM)
		config_put_error(err, "%.200s: %s", path, strerror(ENOMEM));
	config_release_relay(&p.relay);
	config_release_route(&p.route);
	config_release_lane(&p.lane);
	config_scan_release(&scan);
	config_release(&scratch);
	return result;
}
