/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/*
 * The inside of the configuration: its keys, their values from text, and what
 * has to be known of a file's text beside libconfuse.  For conf*.c only.
 */

#ifndef SPOOL_CONF_VALUE_H
#define SPOOL_CONF_VALUE_H

#include <stddef.h>

#include "lib/conf.h"
#include "lib/span.h"

/* Longest value of any key, in bytes; of a list, all of it. */
#define CONFIG_VALUE_MAX 4000
/* The elements of a list come to its setter as one text with this between. */
#define CONFIG_LIST_GAP '\n'
/* Longest password that is given itself: agents take no longer one. */
#define CONFIG_SECRET_MAX 255
/* Most relays, and most routes. */
#define CONFIG_RELAYS_MAX 100
#define CONFIG_ROUTES_MAX 1000
/* Most hosts of a relay. */
#define CONFIG_HOSTS_MAX 32

/* ---- keys ------------------------------------------------------------ */

/* What a setter needs to know of its key. */
struct config_key {
	const char *name;
	/*
	 * Set the key's member of OBJ to VALUE.  0, -ENOMEM, or -EINVAL with
	 * WHY what VALUE must be.  BASE completes relative paths; NULL
	 * refuses them.
	 */
	int (*set)(const struct config_key *key, void *obj, const char *value,
	    const char *base, struct config_error *why);
	size_t offset;     /* of the member in OBJ */
	unsigned min, max; /* of a number; seconds */
	unsigned flags;
	const char *const *words; /* of an enum, in its order; ends with NULL */
};

/* Flags of keys. */
#define KEY_LIST 1u     /* may have several values */
#define KEY_RELAY 2u    /* OBJ is a struct relay_config */
#define KEY_SHARED 4u   /* … of which the top level's is the default */
#define KEY_SECTION 8u  /* … not at the top level */
#define KEY_POINTER 16u /* the member is a char *, else an unsigned */

typedef int config_setter(const struct config_key *key, void *obj,
    const char *value, const char *base, struct config_error *why);

config_setter config_set_path;     /* char *: an absolute path */
config_setter config_set_name;     /* char *: a host or domain name */
config_setter config_set_login;    /* char *: printable, any script */
config_setter config_set_number;   /* unsigned */
config_setter config_set_duration; /* unsigned: "90", "90s", "5m" … */
config_setter config_set_size;     /* uint64_t: "1000", "10K", "50M" … */
config_setter config_set_word;     /* an enum: one of the key's words */
config_setter config_set_bool;     /* bool: yes or no */

/* Those of who is who, in conf-identity.c.  "" and "none": there is none. */
config_setter config_set_map;        /* char *: an absolute path, or NULL */
config_setter config_set_domains;    /* char *: domains, or NULL */
config_setter config_set_recipients; /* char *: an address list, or NULL */
config_setter config_set_address;    /* char *: one address, or NULL */

/* Those of relays, in conf-relay.c. */
config_setter config_set_relay;       /* struct config: the top level's */
config_setter config_set_hosts;       /* the relay's hosts, or Maildir */
config_setter config_set_password;    /* char *: a path, or the name of a
					 credential of systemd's */
config_setter config_set_fingerprint; /* char *, see struct relay_config */
config_setter config_set_source;      /* char *: an IP address */
config_setter config_set_tls_min;     /* unsigned: 12, 13 */
config_setter config_set_pause;       /* unsigned: milliseconds */
config_setter config_set_rates;       /* the relay's */
config_setter config_set_command;     /* char *: for sh -c */

/* Those of the queue, of routes and lanes, in conf-queue.c. */
config_setter config_set_retry;        /* struct retry_config */
config_setter config_set_sender_rates; /* struct config: its */
config_setter config_set_rate;         /* struct rate_limit; none: 0 */
config_setter config_set_pattern;      /* char *, see struct route_config */
config_setter config_set_relay_name;   /* char *: a relay's name */
config_setter config_set_priority;     /* char *: of RFC 2156 */

/* What a section is about; the top level is one. */
enum config_section {
	SECTION_TOP, /* struct config; KEY_RELAY: struct relay_config */
	SECTION_RELAY,
	SECTION_ROUTE,
	SECTION_LANE,
	SECTIONS
};

/* "relay", "route", "lane"; NULL for the top level. */
const char *config_section_name(enum config_section section);

/* The I-th key of SECTION, NULL behind the last one. */
const struct config_key *config_key_at(enum config_section section, size_t i);

/* The key of SECTION of that name, or NULL. */
const struct config_key *
config_find_key(enum config_section section, const char *name);

/* The bit of a relay's key in its "given". */
uint64_t config_key_bit(const struct config_key *key);

/* The line of what a command line has set. */
#define CONFIG_LINE_ARGS (~0u)

/*
 * Note that KEY of OBJ, what SECTION is about, was set in LINE; and which line
 * that was, 0 if it was not set.  A relay's key is that of the top level's
 * relay if OBJ is a struct config.
 */
void config_note_line(enum config_section section, const struct config_key *key,
    void *obj, unsigned line);
unsigned config_line(
    enum config_section section, const struct config_key *key, const void *obj);

/* As config_line(), by the name of the key, which there is. */
unsigned
config_line_of(enum config_section section, const char *name, const void *obj);

/*
 * Set KEY in OBJ, what its section is about; for the top level, that is the
 * struct config even if the key is a relay's.  0, -ENOMEM or -EINVAL; ERR
 * gets a sentence with the key's name, in which SHOWN is for VALUE.
 */
int config_set_value(enum config_section section, const struct config_key *key,
    void *obj, const char *value, const char *shown, const char *base,
    struct config_error *err);

/* Say in ERR that SECTION has no key NAME, and which one was meant. */
void config_put_unknown(
    struct config_error *err, enum config_section section, const char *name);

/* Set ERR's text, made fit to be shown. */
void config_put_error(struct config_error *err, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/*
 * Say in ERR what is wrong with what CFG has in LINE, of the file or of a
 * command line; 0 if no line is known.  Always -EINVAL.
 */
int config_refuse_line(struct config_error *err, const struct config *cfg,
    unsigned line, const char *fmt, ...) __attribute__((format(printf, 4, 5)));

/* Set WHY's text; -EINVAL. */
int config_refuse(struct config_error *why, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* ---- values ---------------------------------------------------------- */

/* Replace the string member by VALUE, which becomes OBJ's; -ENOMEM if that is
 * NULL. */
int config_take_string(const struct config_key *key, void *obj, char *value);

/*
 * Parse TEXT, a time as keys have it ("90", "90s", "5m", "1h", "2d"), of at
 * most MAX seconds; false if it is none.
 */
bool config_parse_duration(const char *text, unsigned max, unsigned *ret_s);

/*
 * PATH as an absolute one, new in *RET; BASE completes it, NULL refuses.
 * 0, -ENOMEM, or -EINVAL with WHY what it must be.
 */
int config_make_absolute(
    const char *path, const char *base, char **ret, struct config_error *why);

/* Whether TEXT has control characters. */
bool config_has_control(const char *text);

/* Whether HOST is an IPv6 address, perhaps with a zone ("fe80::1%eth0"). */
bool config_is_ipv6(const char *host);

/*
 * Whether HOST, as in struct relay_config, is this machine whatever DNS says:
 * 127.0.0.0/8, ::1, a Unix socket …
 */
bool config_is_loopback(const char *host);

/* Whether NAME can be a host or domain name, or an address literal. */
bool config_is_name(const char *name);

/* Whether NAME can be a relay's or a lane's. */
bool config_is_label(const char *name);

/* Take the next element of a list off *REST; false if there is none left. */
bool config_next_element(const char **rest, struct span *ret);

/* ---- the whole ------------------------------------------------------- */

/*
 * Make what follows from the rest: the defaults of relays, CFG's relays from
 * its stock.  0 or -ENOMEM.  After every change.
 */
int config_arrange(struct config *cfg);

/*
 * Move the sections of FROM to CFG, for those of the same kind that it has.
 * 0 or -ENOMEM.
 */
int config_take_sections(struct config *cfg, struct config *from);

/*
 * Move the relay, route or lane OF, of which a section said the keys, behind
 * those of TO; TITLE is its name, LINE where it begins.  False with WHAT if
 * the name is none, or if there are too many.
 */
bool config_add_relay(struct config *to, struct relay_config *of,
    const char *title, unsigned line, struct config_error *what);
bool config_add_route(struct config *to, struct route_config *of, unsigned line,
    struct config_error *what);
bool config_add_lane(struct config *to, struct lane_config *of,
    const char *title, unsigned line, struct config_error *what);

/*
 * Whether the aliases and the generic map of CFG can be read, and every line
 * of them be understood; the aliases of the default may be missing.  0 or
 * -EINVAL with ERR.
 */
int config_check_maps(const struct config *cfg, struct config_error *err);

/* Free *SECRET, so that nothing of it is left; it is NULL then. */
void config_wipe(char **secret);

/* One of each, and what it owns; it is zeroed. */
void config_release_relay(struct relay_config *relay);
void config_release_route(struct route_config *route);
void config_release_lane(struct lane_config *lane);

/* Free the N hosts, and HOSTS. */
void config_release_hosts(char **hosts, size_t n);

/*
 * Parse TEXT, which is what the file PATH holds and is altered, over CFG's
 * values.  0, -EINVAL or -ENOMEM with ERR; then CFG keeps its values.
 */
int config_parse(char *text, size_t len, const char *path, struct config *cfg,
    struct config_error *err);

/* ---- the text -------------------------------------------------------- */

/*
 * Whether TEXT, which has no comments, has "${": then the line and the whole
 * "${NAME}".
 */
bool
config_find_variable(const char *text, unsigned *ret_line, struct span *ret);

/*
 * Put spaces for the comments of TEXT, but for their line ends: libconfuse
 * counts some lines of them twice.  And for a byte order mark before all.
 * False if a comment has no end, which would hide all that follows it; then
 * *RET_LINE is where it begins.
 */
bool config_blank_comments(char *text, unsigned *ret_line);

/* The line of TEXT, which has no comments, in which its last word, number or
 * string begins. */
unsigned config_last_line(const char *text);

/* How far it is from TEXT, behind a quote of the kind QUOTE, to the next one,
 * or to the end of the text. */
size_t config_quoted_length(const char *text, char quote);

/*
 * To libconfuse a key and a section cannot have one name: "relay" with a
 * section behind it becomes this.
 */
#define CONFIG_RELAY_SECTION "rela\001"

/* What libconfuse does not tell of a text. */
struct config_scan {
	unsigned *lines; /* in which each section begins; owned */
	size_t nlines;
	bool has_section[SECTIONS]; /* or what could be one of that kind */
	uint64_t has_key[SECTIONS]; /* a bit for each of config_key_at() */
	unsigned fault_line; /* of the first that is wrong here; 0: none */
	struct config_error fault;
};

/*
 * Look through TEXT, which has no comments: rename relays' sections, and find
 * what is set twice, has no value, no closing brace or quote, or bytes that
 * libconfuse would leave out.  0 or -ENOMEM.
 */
int config_scan(char *text, struct config_scan *ret);

void config_scan_release(struct config_scan *scan);

#endif
