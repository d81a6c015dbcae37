/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The text of a configuration, with what it includes, into libconfuse. */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/conf_parts.h"

#define INCLUDE_DEPTH_MAX 8
#define FILE_BYTES_MAX    (4 * 1024 * 1024)

static int on_value(cfg_t *section, cfg_opt_t *opt, const char *text,
		    void *result)
{
	size_t text_size = strlen(text) + 1;
	size_t path_size = strlen(section->filename) + 1;
	struct conf_value *value;
	char *path;

	(void)opt;
	value = malloc(sizeof(*value) + text_size + path_size);
	if (!value)
		return -1;
	path = value->text + text_size;
	memcpy(value->text, text, text_size);
	memcpy(path, section->filename, path_size);
	value->path = path;
	value->line = (unsigned)section->line;
	*(void **)result = value;
	return 0;
}

#define VALUE(name)  CFG_PTR_CB(name, NULL, CFGF_NODEFAULT, on_value, free)
#define VALUES(name) CFG_PTR_LIST_CB(name, NULL, CFGF_NODEFAULT, on_value, free)
#define TITLED       (CFGF_MULTI | CFGF_TITLE)

static cfg_opt_t realm_opts[] = {
	VALUES("interface"),
	VALUES("networks"),
	VALUES("pool"),
	VALUES("reaches"),
	VALUE("media"),
	VALUE("source"),
	VALUE("media_port_min"),
	VALUE("hold_down"),
	VALUE("gateway"),
	VALUE("dscp"),
	VALUE("dynamic"),
	VALUE("filter"),
	VALUE("dynamic_max"),
	VALUE("source_prefix"),
	VALUE("far_nat"),
	VALUES("early"),
	VALUE("max_calls"),
	VALUE("calls_per_second"),
	VALUE("dynamic_timer"),
	VALUE("trust"),
	CFG_END(),
};

static cfg_opt_t pool_opts[] = {
	VALUE("realm"),
	VALUES("endpoints"),
	VALUE("dynamic"),
	CFG_END(),
};

static cfg_opt_t listen_opts[] = {
	VALUE("realm"),        VALUE("udp"),         VALUE("tcp"),
	VALUE("tls"),          VALUE("certificate"), VALUE("key"),
	VALUE("ca"),           VALUE("ciphers"),     VALUE("verify"),
	VALUE("connections"),  VALUE("per_source"),  VALUE("idle_time"),
	VALUE("message_time"), VALUE("keepalive"),   CFG_END(),
};

static cfg_opt_t domain_opts[] = {
	VALUE("users"),     VALUE("certificate"),      VALUE("key"),
	VALUE("max_calls"), VALUE("calls_per_second"), CFG_END(),
};

static cfg_opt_t trunk_opts[] = {
	VALUE("realm"),     VALUE("host"),        VALUE("port"),
	VALUE("transport"), VALUE("certificate"), VALUE("key"),
	VALUE("ca"),        VALUE("ciphers"),     VALUE("verify"),
	VALUE("check"),     VALUES("register"),   VALUE("auth_realm"),
	VALUE("expires"),   VALUE("max_calls"),   VALUE("calls_per_second"),
	CFG_END(),
};

static cfg_opt_t route_opts[] = {
	VALUES("from"),   VALUE("domain"), VALUES("number"), VALUES("method"),
	VALUE("strip"),   VALUE("prefix"), VALUES("to"),     VALUES("failover"),
	VALUE("timeout"), CFG_END(),
};

static cfg_opt_t media_opts[] = {
	VALUE("from"), VALUE("to"),   VALUE("match"), VALUE("outer"),
	VALUE("pool"), VALUE("mode"), CFG_END(),
};

static cfg_opt_t client_opts[] = {
	VALUE("user"),
	VALUE("certificate"),
	VALUE("source"),
	VALUES("realms"),
	VALUE("third_party"),
	VALUES("kinds"),
	VALUES("outer"),
	VALUES("pools"),
	VALUE("max_leases"),
	VALUE("max_lifetime"),
	VALUE("max_connections"),
	VALUE("max_asks"),
	CFG_END(),
};

static cfg_opt_t control_opts[] = {
	VALUE("realm"), VALUE("tls"),  VALUE("certificate"), VALUE("key"),
	VALUE("ca"),    VALUE("idle"), VALUE("handshake"),   CFG_END(),
};

static cfg_opt_t static_opts[] = {
	VALUE("inner"), VALUE("outer"), VALUE("realm"), VALUE("protocol"),
	VALUE("ports"), VALUE("kind"),  CFG_END(),
};

static cfg_opt_t root_opts[] = {
	VALUE("rundir"),
	VALUE("tun"),
	VALUE("table"),
	VALUE("user"),
	VALUE("announce_time"),
	VALUE("ring_time"),
	VALUE("pool_alarm"),
	VALUE("media_timeout"),
	VALUE("fastpath"),
	VALUE("workers"),
	VALUE("routing_table"),
	VALUES("emergency"),
	VALUES("resolver"),
	CFG_SEC("realm", realm_opts, TITLED),
	CFG_SEC("pool", pool_opts, TITLED),
	CFG_SEC("listen", listen_opts, TITLED),
	CFG_SEC("domain", domain_opts, TITLED),
	CFG_SEC("trunk", trunk_opts, TITLED),
	CFG_SEC("route", route_opts, TITLED),
	CFG_SEC("media", media_opts, CFGF_MULTI),
	CFG_SEC("client", client_opts, TITLED),
	CFG_SEC("control", control_opts, TITLED),
	CFG_SEC("static", static_opts, CFGF_MULTI),
	CFG_END(),
};

/* The form has been checked: what is left is want of memory. */
static void on_error(cfg_t *section, const char *format, va_list args)
{
	(void)section;
	(void)format;
	(void)args;
}

static int parse_text(struct conf_reader *reader, const char *path, char *text,
		      size_t len)
{
	char *name = strdup(path);
	FILE *stream;
	int r = 0;

	if (!name)
		return -ENOMEM;
	free(reader->root->filename);
	reader->root->filename = name;
	if (len == 0)
		return 0;
	stream = fmemopen(text, len, "r");
	if (!stream)
		return -ENOMEM;
	if (cfg_parse_fp(reader->root, stream) != CFG_SUCCESS)
		r = -ENOMEM;
	fclose(stream);
	return r;
}

/* All of the file with a NUL behind it, owned by the caller. */
static int read_file(const char *path, char **ret_text, size_t *ret_len)
{
	FILE *file = fopen(path, "re");
	char *text = NULL;
	size_t len;
	int r = 0;

	if (!file)
		return -errno;
	text = malloc(FILE_BYTES_MAX + 1);
	if (!text) {
		fclose(file);
		return -ENOMEM;
	}
	len = fread(text, 1, FILE_BYTES_MAX + 1, file);
	if (ferror(file))
		r = errno ? -errno : -EIO;
	else if (len > FILE_BYTES_MAX)
		r = -EFBIG;
	fclose(file);
	if (r < 0) {
		free(text);
		return r;
	}
	text[len] = '\0';
	*ret_text = text;
	*ret_len = len;
	return 0;
}

/* A path beside the including file; owned by the caller. */
static char *beside(const char *including, const char *path)
{
	const char *slash = strrchr(including, '/');
	char *full;

	if (path[0] == '/' || !slash)
		return strdup(path);
	if (asprintf(&full, "%.*s/%s", (int)(slash - including), including,
		     path) < 0)
		return NULL;
	return full;
}

static int load_file(struct conf_reader *reader, const char *path,
		     unsigned depth);

/* Parses the text with the included files in their places. */
static int parse_parts(struct conf_reader *reader, const char *path, char *text,
		       size_t len, unsigned depth)
{
	struct conf_include *includes = reader->scan.includes;
	size_t count = reader->scan.include_count;
	int r = 0;

	/* A nested scan has its own. */
	reader->scan.includes = NULL;
	reader->scan.include_count = 0;
	for (size_t i = 0; i < count && r == 0; i++) {
		char *full = beside(path, includes[i].path);

		r = parse_text(reader, path, text, includes[i].offset);
		/* Lines are still counted from the start of the file. */
		for (size_t at = 0; at < includes[i].offset; at++)
			if (text[at] != '\n')
				text[at] = ' ';
		if (r == 0 && !full)
			r = -ENOMEM;
		if (r == 0)
			r = load_file(reader, full, depth + 1);
		if (r < 0 && r != -EINVAL && r != -ENOMEM) {
			conf_mistake_add(&reader->mistakes, path,
					 includes[i].line, "%s: %s", full,
					 strerror(-r));
			r = -EINVAL;
		}
		free(full);
	}
	if (r == 0)
		r = parse_text(reader, path, text, len);
	for (size_t i = 0; i < count; i++)
		free(includes[i].path);
	free(includes);
	return r;
}

static int load_file(struct conf_reader *reader, const char *path,
		     unsigned depth)
{
	char *text = NULL;
	size_t len = 0;
	int r;

	if (depth > INCLUDE_DEPTH_MAX)
		return -ELOOP;
	r = read_file(path, &text, &len);
	if (r < 0)
		return r;
	r = conf_scan_text(&reader->scan, path, text, len);
	if (r == 0)
		r = parse_parts(reader, path, text, len, depth);
	free(text);
	return r;
}

int conf_load(struct conf_reader *reader, const char *path)
{
	int r;

	reader->root = cfg_init(root_opts, CFGF_NONE);
	if (!reader->root)
		return -ENOMEM;
	cfg_set_error_function(reader->root, on_error);
	reader->scan.opts = root_opts;
	reader->scan.mistakes = &reader->mistakes;
	r = load_file(reader, path, 0);
	if (r < 0 && r != -EINVAL && r != -ENOMEM)
		conf_mistake_add(&reader->mistakes, path, 0, "%s",
				 strerror(-r));
	return r;
}
