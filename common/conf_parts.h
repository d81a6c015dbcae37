/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The steps of conf_read, in their order. Not for other files than conf*.c.
 *
 * conf_load reads the text. libconfuse stops at the first mistake and counts
 * lines wrongly after a comment, so conf_scan goes over the text before it:
 * it checks the form, reports names that are not known, and blanks them and
 * the comments. libconfuse then reads settings as bare texts with their lines;
 * conf_build makes structs of them, conf_check looks at how they relate.
 */
#ifndef VIADUCT_COMMON_CONF_PARTS_H
#define VIADUCT_COMMON_CONF_PARTS_H

#include <confuse.h>

#include "common/conf.h"

/* What is wrong with the files, in any order. */
struct conf_mistakes {
	struct conf_mistake *items; /* owned */
	size_t count;
	size_t errors; /* those that are no notes */
	bool no_memory;
};

void conf_mistake_add(struct conf_mistakes *mistakes, const char *path,
		      unsigned line, const char *format, ...)
	__attribute__((format(printf, 4, 5)));
/* Something odd that does not keep the edge from working. */
void conf_note_add(struct conf_mistakes *mistakes, const char *path,
		   unsigned line, const char *format, ...)
	__attribute__((format(printf, 4, 5)));
/* By file (`first` first) and line. */
void conf_mistakes_print(struct conf_mistakes *mistakes, const char *first,
			 FILE *out);
void conf_mistakes_done(struct conf_mistakes *mistakes);

/* Where a section starts: libconfuse only knows where it ends. */
struct conf_section {
	const char *type; /* of the table of options, not owned */
	char *title;      /* owned; "" when the type has none */
	char *path;       /* owned */
	unsigned line;
};

struct conf_include {
	size_t offset; /* in the text */
	char *path;    /* owned */
	unsigned line;
};

struct conf_scan {
	struct conf_mistakes *mistakes; /* not owned */
	cfg_opt_t *opts;                /* of the top level, not owned */
	uint32_t seen;                  /* settings of the top level so far */
	struct conf_section *sections;  /* owned, in the order of the text */
	size_t section_count;
	struct conf_include *includes; /* owned, of the last text */
	size_t include_count;
};

/*
 * Goes over one file's text (`text[len]` is NUL) and blanks what libconfuse is
 * not to see. -EINVAL: the form is wrong, what follows was not read.
 */
int conf_scan_text(struct conf_scan *scan, const char *path, char *text,
		   size_t len);
void conf_scan_done(struct conf_scan *scan);

/* A setting's value as it stands in the file. */
struct conf_value {
	unsigned line;
	const char *path; /* points behind the text */
	char text[];
};

/* A range of a pool, with its place. */
struct conf_placed_range {
	const struct conf_value *value; /* not owned */
	size_t pool;
	struct conf_range range;
};

/* All that is known during one reading. */
struct conf_reader {
	struct conf *conf; /* owned */
	struct conf_mistakes mistakes;
	struct conf_scan scan;
	cfg_t *root;                      /* owned */
	struct conf_placed_range *placed; /* owned */
	size_t placed_count;
};

struct conf_part;

/* Text of the file and of those it includes into reader->root. */
int conf_load(struct conf_reader *reader, const char *path);
void conf_build(struct conf_reader *reader);
/* Parts of conf_build. */
void conf_build_listens(struct conf_reader *reader);
void conf_build_domains(struct conf_reader *reader);
void conf_build_resolvers(struct conf_reader *reader);
void conf_build_trunks(struct conf_reader *reader);
void conf_build_routes(struct conf_reader *reader);
void conf_build_media(struct conf_reader *reader);
void conf_free_routes(struct conf *conf);
void conf_build_clients(struct conf_reader *reader);
void conf_build_controls(struct conf_reader *reader);
void conf_build_dynamic(struct conf_reader *reader, cfg_t *section,
			struct conf_realm *realm);
void conf_build_source(struct conf_part *part, struct conf_realm *realm);
void conf_build_statics(struct conf_reader *reader);
void conf_check(struct conf_reader *reader);
/* Parts of conf_check. */
void conf_check_pools(struct conf_reader *reader);
void conf_check_media(struct conf_reader *reader);
void conf_check_statics(struct conf_reader *reader);
void conf_check_dynamic(struct conf_reader *reader);
void conf_check_clients(struct conf_reader *reader);
void conf_check_controls(struct conf_reader *reader);
void conf_check_routes(struct conf_reader *reader);
void conf_check_source(struct conf_reader *reader);
/* Does anybody see the addresses of both at once? */
bool conf_seen_together(const struct conf *conf, realm_id a, realm_id b);

/* The only value of a setting, or its i-th; NULL: not set. */
const struct conf_value *conf_value(cfg_t *section, const char *name);
const struct conf_value *conf_value_at(cfg_t *section, const char *name,
				       size_t i);
size_t conf_value_count(cfg_t *section, const char *name);
/* NULL with a mistake noted: a setting that must be there. */
const struct conf_value *conf_value_needed(struct conf_reader *reader,
					   const struct conf_section *place,
					   cfg_t *section, const char *name);
/* Notes a mistake at the value's place. */
void conf_value_mistake(struct conf_reader *reader,
			const struct conf_value *value, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
/* The i-th section of that type. */
cfg_t *conf_section_at(const struct conf_reader *reader, const char *type,
		       size_t i);
/* Notes a mistake where that section starts. */
void conf_section_mistake(struct conf_reader *reader, const char *type,
			  size_t i, const char *format, ...)
	__attribute__((format(printf, 4, 5)));
/* Where the section starts; "?" and 0 are never seen by a caller. */
const struct conf_section *conf_section_of(const struct conf_reader *reader,
					   const cfg_t *section, size_t index);

/*
 * Values to types: true, or false with a mistake noted and *ret untouched.
 * A value of NULL (not set) is false without a mistake.
 */
bool conf_get_number(struct conf_reader *reader, const struct conf_value *value,
		     unsigned min, unsigned max, unsigned *ret);
bool conf_get_bool(struct conf_reader *reader, const struct conf_value *value,
		   bool *ret);
/* `words` ends with NULL; *ret is the place of the word. */
bool conf_get_word(struct conf_reader *reader, const struct conf_value *value,
		   const char *const *words, unsigned *ret);
bool conf_get_realm(struct conf_reader *reader, const struct conf_value *value,
		    realm_id *ret);
bool conf_get_addr(struct conf_reader *reader, const struct conf_value *value,
		   struct ip_addr *ret);
bool conf_get_prefix(struct conf_reader *reader, const struct conf_value *value,
		     struct ip_prefix *ret);
/* "PREFIX:PORTS"; without ports 1-65535 where `ports_optional`. */
bool conf_get_range(struct conf_reader *reader, const struct conf_value *value,
		    bool ports_optional, struct conf_range *ret);
bool conf_get_endpoint(struct conf_reader *reader,
		       const struct conf_value *value, struct endpoint *ret);
/* A copy, to be freed by the caller. */
bool conf_get_text(struct conf_reader *reader, const struct conf_value *value,
		   char **ret);

/* Zeroed; NULL with no_memory noted. count == 0: NULL. */
void *conf_array(struct conf_reader *reader, size_t count, size_t size);

/* A section that is being read. */
struct conf_part {
	struct conf_reader *reader;       /* not owned */
	cfg_t *section;                   /* not owned */
	const struct conf_section *place; /* not owned */
};

/* The i-th section of that type. */
struct conf_part conf_part_of(struct conf_reader *reader, const char *type,
			      size_t i);
/* Its title, owned by the caller (NULL: no memory, noted), and its line. */
void conf_part_name(struct conf_part *part, char **ret_name,
		    unsigned *ret_line);
/* Of a section trunk with that host. */
void conf_build_carrier(struct conf_part *part, const char *host,
			struct conf_carrier *carrier);
void conf_build_limit(struct conf_part *part, struct conf_limit *limit);
void conf_free_carrier(struct conf_carrier *carrier);
/* As conf_value and conf_value_needed. */
const struct conf_value *conf_part_value(const struct conf_part *part,
					 const char *name);
const struct conf_value *conf_part_needed(const struct conf_part *part,
					  const char *name);
/* All values of a setting; what cannot be read is noted and left out. */
void conf_part_texts(const struct conf_part *part, const char *name,
		     struct conf_list *ret);
void conf_part_realms(const struct conf_part *part, const char *name,
		      realm_id **ret, size_t *ret_count);
void conf_part_prefixes(const struct conf_part *part, const char *name,
			struct ip_prefix **ret, size_t *ret_count);

#endif
