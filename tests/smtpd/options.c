/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/* The command line. */

#include "config.h"

#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "tests/smtpd/smtpd.h"

enum option_key {
	OPT_LISTEN = 256,
	OPT_PORT,
	OPT_PORT_FILE,
	OPT_OUT,
	OPT_LOG,
	OPT_SCRIPT,
	OPT_RULE,
	OPT_CERT,
	OPT_KEY,
	OPT_IMPLICIT_TLS,
	OPT_TLS_MIN,
	OPT_TLS_MAX,
	OPT_AUTH,
	OPT_AUTH_MECHS,
	OPT_REQUIRE_AUTH,
	OPT_REQUIRE_TLS,
	OPT_EHLO,
	OPT_NAME,
	OPT_MAX_SIZE,
	OPT_MAX_CONNECTIONS,
	OPT_SEED,
	OPT_WITH_PARENT,
	OPT_UNIX,
	OPT_TOKENS,
	OPT_TIMES,
	OPT_WITHOUT,
	OPT_REPLY_DELAY,
	OPT_MAX_MESSAGES,
	OPT_HELP
};

static const struct option options[] = {
	{ "listen", required_argument, NULL, OPT_LISTEN },
	{ "port", required_argument, NULL, OPT_PORT },
	{ "port-file", required_argument, NULL, OPT_PORT_FILE },
	{ "out", required_argument, NULL, OPT_OUT },
	{ "log", required_argument, NULL, OPT_LOG },
	{ "script", required_argument, NULL, OPT_SCRIPT },
	{ "rule", required_argument, NULL, OPT_RULE },
	{ "cert", required_argument, NULL, OPT_CERT },
	{ "key", required_argument, NULL, OPT_KEY },
	{ "implicit-tls", no_argument, NULL, OPT_IMPLICIT_TLS },
	{ "tls-min", required_argument, NULL, OPT_TLS_MIN },
	{ "tls-max", required_argument, NULL, OPT_TLS_MAX },
	{ "auth", required_argument, NULL, OPT_AUTH },
	{ "auth-mechs", required_argument, NULL, OPT_AUTH_MECHS },
	{ "require-auth", no_argument, NULL, OPT_REQUIRE_AUTH },
	{ "require-tls", no_argument, NULL, OPT_REQUIRE_TLS },
	{ "ehlo", required_argument, NULL, OPT_EHLO },
	{ "name", required_argument, NULL, OPT_NAME },
	{ "max-size", required_argument, NULL, OPT_MAX_SIZE },
	{ "max-connections", required_argument, NULL, OPT_MAX_CONNECTIONS },
	{ "seed", required_argument, NULL, OPT_SEED },
	{ "with-parent", no_argument, NULL, OPT_WITH_PARENT },
	{ "unix", required_argument, NULL, OPT_UNIX },
	{ "tokens", required_argument, NULL, OPT_TOKENS },
	{ "times", required_argument, NULL, OPT_TIMES },
	{ "without", required_argument, NULL, OPT_WITHOUT },
	{ "reply-delay", required_argument, NULL, OPT_REPLY_DELAY },
	{ "max-messages", required_argument, NULL, OPT_MAX_MESSAGES },
	{ "help", no_argument, NULL, OPT_HELP },
	{ NULL, 0, NULL, 0 },
};

static const char help[] =
    "usage: smtpd [option]...\n"
    "  --listen ADDR --port N      where to listen (127.0.0.1, any free port)\n"
    "  --unix PATH                 listen there instead\n"
    "  --port-file FILE            where to write the port (the path)\n"
    "  --out DIR --log FILE        where to keep messages; the transcript\n"
    "  --times FILE                when each message was accepted\n"
    "  --script FILE --rule LINE   how to misbehave\n"
    "  --cert FILE --key FILE      offer STARTTLS with this certificate chain\n"
    "  --implicit-tls              TLS from the first byte instead\n"
    "  --tls-min V --tls-max V     1.0, 1.1, 1.2 or 1.3\n"
    "  --auth USER:PASSWORD        offer AUTH\n"
    "  --auth-mechs 'PLAIN LOGIN CRAM-MD5 XOAUTH2 OAUTHBEARER'\n"
    "  --tokens FILE               what the last two of them take, one a line\n"
    "  --require-auth --require-tls\n"
    "  --ehlo LINE                 offer these extensions and no others ('':\n"
    "                              none)\n"
    "  --without EXTENSION         offer all but this (again for more)\n"
    "  --name HOST                 this server's name\n"
    "  --max-size BYTES --max-connections N\n"
    "  --max-messages N            of a connection; then 421\n"
    "  --reply-delay MS            as on a slow network\n"
    "  --seed N                    of the random bytes\n"
    "  --with-parent               end when the parent process does\n"
    "Rules: STAGE [SELECTOR...] ACTION [ARGUMENT] [; ACTION [ARGUMENT]]...\n"
    "  stages: connect tls ehlo helo starttls auth authend mail rcpt data dot\n"
    "          rset noop quit\n"
    "  selectors: n=N from=N to=N every=N conn=N msg=N session=N times=N\n"
    "             match=GLOB\n"
    "  actions: reply \"TEXT\", raw \"BYTES\", default, inject \"BYTES\",\n"
    "          delay SECONDS, drip MS, wait-file \"FILE\", drop,\n"
    "          drop-after \"BYTES\", rst, mute, stall, garbage [N], long N,\n"
    "          endless [MS], mid-data-drop N, mid-data-rst N, mid-data-stall "
    "N,\n"
    "          store\n"
    "  example: rcpt match=*@busy.test reply \"450 4.2.0 busy\"\n";

int
usage(const char *what, const char *value)
{
	(void)fprintf(stderr, "smtpd: %s '%s'\n", what, value);
	return EX_USAGE;
}

static int
take_number(const char *text, unsigned long *ret)
{
	char *end;

	errno = 0;
	*ret = strtoul(text, &end, 10);
	if (*text < '0' || *text > '9' || *end != '\0' || errno != 0)
		return usage("no number:", text);
	return 0;
}

static int
take_tls_version(const char *text, int *ret)
{
	static const struct {
		const char *name;
		int version;
	} known[] = {
		{ "1.0", TLS1_VERSION },
		{ "1.1", TLS1_1_VERSION },
		{ "1.2", TLS1_2_VERSION },
		{ "1.3", TLS1_3_VERSION },
	};
	size_t i;

	for (i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		if (strcmp(known[i].name, text) == 0) {
			*ret = known[i].version;
			return 0;
		}
	}
	return usage("unknown TLS version", text);
}

static int
take_auth(struct server *s, char *text)
{
	char *colon = strchr(text, ':');

	if (colon == NULL)
		return usage("--auth wants USER:PASSWORD, not", text);
	*colon = '\0';
	s->user = text;
	s->password = colon + 1;
	return 0;
}

static int
take_ehlo(struct server *s, const char *line)
{
	s->own_ehlo = true;
	if (*line == '\0')
		return 0;
	if (s->nehlo == EHLO_LINES_MAX)
		return usage("too many --ehlo:", line);
	s->ehlo[s->nehlo++] = line;
	return 0;
}

static int
take_without(struct server *s, const char *extension)
{
	if (s->nwithout == EHLO_LINES_MAX)
		return usage("too many --without:", extension);
	s->without[s->nwithout++] = extension;
	return 0;
}

static int
take_script(struct server *s, int key, const char *value)
{
	char err[512];
	int result = key == OPT_RULE
	    ? script_add(&s->script, value, err, sizeof(err))
	    : script_read(&s->script, value, err, sizeof(err));

	if (result < 0)
		(void)fprintf(stderr, "smtpd: %s\n", err);
	return result < 0 ? EX_USAGE : 0;
}

/* Options that are only kept; NULL if KEY is none of them. */
static const char **
text_option(struct server *s, int key)
{
	switch (key) {
	case OPT_LISTEN:
		return &s->listen;
	case OPT_PORT:
		return &s->port;
	case OPT_PORT_FILE:
		return &s->port_file;
	case OPT_OUT:
		return &s->out;
	case OPT_LOG:
		return &s->log_path;
	case OPT_CERT:
		return &s->cert;
	case OPT_KEY:
		return &s->key;
	case OPT_AUTH_MECHS:
		return &s->mechs;
	case OPT_NAME:
		return &s->name;
	case OPT_UNIX:
		return &s->unix_path;
	case OPT_TOKENS:
		return &s->tokens;
	case OPT_TIMES:
		return &s->times_path;
	default:
		return NULL;
	}
}

static unsigned long *
number_option(struct server *s, int key)
{
	switch (key) {
	case OPT_MAX_SIZE:
		return &s->max_size;
	case OPT_MAX_CONNECTIONS:
		return &s->max_connections;
	case OPT_REPLY_DELAY:
		return &s->reply_delay_ms;
	case OPT_MAX_MESSAGES:
		return &s->max_messages;
	default:
		return &s->seed;
	}
}

static bool *
flag_option(struct server *s, int key)
{
	switch (key) {
	case OPT_IMPLICIT_TLS:
		return &s->implicit_tls;
	case OPT_REQUIRE_AUTH:
		return &s->require_auth;
	case OPT_REQUIRE_TLS:
		return &s->require_tls;
	case OPT_WITH_PARENT:
		return &s->with_parent;
	default:
		return NULL;
	}
}

/* Options with a form of their own: 0 or an exit status. */
static int
take_option(struct server *s, int key, char *value)
{
	switch (key) {
	case OPT_SCRIPT:
	case OPT_RULE:
		return take_script(s, key, value);
	case OPT_TLS_MIN:
		return take_tls_version(value, &s->tls_min);
	case OPT_TLS_MAX:
		return take_tls_version(value, &s->tls_max);
	case OPT_AUTH:
		return take_auth(s, value);
	case OPT_EHLO:
		return take_ehlo(s, value);
	case OPT_WITHOUT:
		return take_without(s, value);
	default:
		return take_number(value, number_option(s, key));
	}
}

/* What only the whole tells: 0 or an exit status. */
static int
check_options(const struct server *s)
{
	if ((s->cert == NULL) != (s->key == NULL))
		return usage("--cert and --key need each other:",
		    s->cert != NULL ? s->cert : s->key);
	if (s->implicit_tls && s->cert == NULL)
		return usage("needs --cert and --key:", "--implicit-tls");
	return 0;
}

int
parse_options(struct server *s, int argc, char **argv)
{
	const char **text;
	bool *flag;
	int key, err = 0;

	opterr = 0;
	while (err == 0 &&
	    (key = getopt_long(argc, argv, "", options, NULL)) != -1) {
		text = text_option(s, key);
		flag = flag_option(s, key);
		if (key == OPT_HELP)
			return fputs(help, stdout) < 0 ? EX_IOERR : -1;
		if (key == '?')
			err = usage("unknown option, or no value for it:",
			    argv[optind - 1]);
		else if (text != NULL)
			*text = optarg;
		else if (flag != NULL)
			*flag = true;
		else
			err = take_option(s, key, optarg);
	}
	if (err == 0 && optind < argc)
		err = usage("unexpected argument", argv[optind]);
	return err == 0 ? check_options(s) : err;
}
