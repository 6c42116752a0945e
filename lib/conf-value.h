/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/*
 * The values of configuration keys, from text: what conf.c's table is made
 * of; and what else conf.c has to know of a file's text.  For conf.c only.
 */

#ifndef SPOOL_CONF_VALUE_H
#define SPOOL_CONF_VALUE_H

#include <stddef.h>

#include "lib/conf.h"
#include "lib/span.h"

/* Longest value of any key, in bytes. */
#define CONFIG_VALUE_MAX 4000

/* What a setter needs to know of its key. */
struct config_key {
	const char *name;
	/*
	 * Set the key's member of CFG to VALUE.  0, -ENOMEM, or -EINVAL with
	 * WHY what VALUE must be.  BASE completes relative paths; NULL
	 * refuses them.
	 */
	int (*set)(const struct config_key *key, struct config *cfg,
	    const char *value, const char *base, struct config_error *why);
	size_t offset;     /* of the member */
	unsigned min, max; /* of a number; seconds */
};

typedef int config_setter(const struct config_key *key, struct config *cfg,
    const char *value, const char *base, struct config_error *why);

config_setter config_set_path;     /* char *: an absolute path */
config_setter config_set_name;     /* char *: a host or domain name */
config_setter config_set_login;    /* char *: printable, any script */
config_setter config_set_number;   /* unsigned */
config_setter config_set_duration; /* unsigned: "90", "90s", "5m" … */
config_setter config_set_size;     /* uint64_t: "1000", "10K", "50M" … */
config_setter config_set_tls;      /* enum tls_mode */
config_setter config_set_relay;    /* the relay's host and port, or
				      Maildir */

/* Those of who is who, in conf-identity.c.  "" and "none": there is none. */
config_setter config_set_map;        /* char *: an absolute path, or NULL */
config_setter config_set_domains;    /* char *: domains, or NULL */
config_setter config_set_recipients; /* char *: an address list, or NULL */

/*
 * Parse TEXT, a time as keys have it ("90", "90s", "5m", "1h", "2d"), of at
 * most MAX seconds; false if it is none.
 */
bool config_parse_duration(const char *text, unsigned max, unsigned *ret_s);

/* Whether HOST is this machine whatever DNS says: 127.0.0.0/8, ::1 … */
bool config_is_loopback(const char *host);

/* Whether NAME can be a host or domain name, or an address literal. */
bool config_is_name(const char *name);

/*
 * Whether TEXT has "${" outside a line of comment: then the line and the
 * whole "${NAME}".
 */
bool
config_find_variable(const char *text, unsigned *ret_line, struct span *ret);

/*
 * Put spaces for the comments of TEXT, but for their line ends: libconfuse
 * counts some lines of them twice.
 */
void config_blank_comments(char *text);

/* The line of TEXT, which has no comments, in which its last word, number or
 * string begins. */
unsigned config_last_line(const char *text);

#endif
