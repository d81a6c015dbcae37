/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is shown and believed on TLS connections. */
#include "config.h"

#include "proxy/certs.h"

#include <errno.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <openssl/err.h>
#include <openssl/x509v3.h>

#define CIPHERS_MAX 1024
#define CONTEXT_ID  "viaduct"

/* One reading of all files. */
struct contexts {
	SSL_CTX **listens; /* owned; [i] of conf->listens[i], or NULL */
	SSL_CTX **domains;
	SSL_CTX **trunks;
};

struct certs {
	const struct conf *conf; /* not owned */
	struct contexts contexts;
};

struct reading {
	FILE *errors;
	bool is_failed;
};

static void free_all(SSL_CTX **items, size_t count)
{
	for (size_t i = 0; items != NULL && i < count; i++)
		SSL_CTX_free(items[i]);
	free(items);
}

static void contexts_done(struct contexts *contexts, const struct conf *conf)
{
	free_all(contexts->listens, conf->listen_count);
	free_all(contexts->domains, conf->domain_count);
	free_all(contexts->trunks, conf->trunk_count);
	memset(contexts, 0, sizeof(*contexts));
}

static void mistake(struct reading *reading, const char *what, const char *name,
		    const char *file)
{
	const char *reason = ERR_reason_error_string(ERR_peek_last_error());

	fprintf(reading->errors, "%s %s: \"%s\" cannot be used: %s\n", what,
		name, file, reason != NULL ? reason : "not of this form");
	ERR_clear_error();
	reading->is_failed = true;
}

/* Suites of TLS 1.3 are told apart by their names. */
static bool set_ciphers(SSL_CTX *ctx, const char *list)
{
	char old[CIPHERS_MAX] = "", new[CIPHERS_MAX] = "";
	char copy[CIPHERS_MAX], *state = NULL;

	if (strlen(list) >= sizeof(copy))
		return false;
	strcpy(copy, list);
	for (char *word = strtok_r(copy, ":, ", &state); word != NULL;
	     word = strtok_r(NULL, ":, ", &state)) {
		char *to = strncmp(word, "TLS_", 4) == 0 ? new : old;

		if (to[0] != '\0')
			strcat(to, ":");
		strcat(to, word);
	}
	return (old[0] == '\0' || SSL_CTX_set_cipher_list(ctx, old) == 1) &&
	       (new[0] == '\0' || SSL_CTX_set_ciphersuites(ctx, new) == 1);
}

static void use_files(struct reading *reading, SSL_CTX *ctx,
		      const struct conf_tls *files, const char *what,
		      const char *name)
{
	const char *key = files->key != NULL ? files->key : files->certificate;

	if (files->certificate != NULL &&
	    SSL_CTX_use_certificate_chain_file(ctx, files->certificate) != 1)
		mistake(reading, what, name, files->certificate);
	else if (key != NULL &&
		 (SSL_CTX_use_PrivateKey_file(ctx, key, SSL_FILETYPE_PEM) !=
			  1 ||
		  SSL_CTX_check_private_key(ctx) != 1))
		mistake(reading, what, name, key);
	if (files->ca != NULL) {
		if (SSL_CTX_load_verify_file(ctx, files->ca) != 1)
			mistake(reading, what, name, files->ca);
	} else {
		SSL_CTX_set_default_verify_paths(ctx);
	}
	if (files->ciphers != NULL && !set_ciphers(ctx, files->ciphers))
		mistake(reading, what, name, files->ciphers);
}

static SSL_CTX *context_new(struct reading *reading, const SSL_METHOD *method,
			    const struct conf_tls *files, const char *what,
			    const char *name)
{
	SSL_CTX *ctx = SSL_CTX_new(method);

	if (ctx == NULL) {
		mistake(reading, what, name, "TLS");
		return NULL;
	}
	SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION);
	SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION |
					 SSL_OP_CIPHER_SERVER_PREFERENCE |
					 SSL_OP_IGNORE_UNEXPECTED_EOF);
	SSL_CTX_set_mode(ctx, SSL_MODE_ENABLE_PARTIAL_WRITE |
				      SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
				      SSL_MODE_RELEASE_BUFFERS);
	SSL_CTX_set_session_id_context(ctx, (const unsigned char *)CONTEXT_ID,
				       sizeof(CONTEXT_ID) - 1);
	use_files(reading, ctx, files, what, name);
	return ctx;
}

/* SNI: who asks for a domain gets its certificate, if it has one. */
static int on_server_name(SSL *ssl, int *alert, void *arg)
{
	const struct certs *certs = arg;
	const char *name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
	X509_STORE *store;

	(void)alert;
	if (name == NULL)
		return SSL_TLSEXT_ERR_NOACK;
	for (size_t i = 0; i < certs->conf->domain_count; i++) {
		if (certs->contexts.domains[i] == NULL ||
		    strcasecmp(certs->conf->domains[i].name, name) != 0)
			continue;
		/* Whom to believe stays the listener's business. */
		store = SSL_CTX_get_cert_store(SSL_get_SSL_CTX(ssl));
		SSL_set_SSL_CTX(ssl, certs->contexts.domains[i]);
		SSL_set1_verify_cert_store(ssl, store);
		return SSL_TLSEXT_ERR_OK;
	}
	return SSL_TLSEXT_ERR_NOACK;
}

static int verify_mode(enum conf_verify verify)
{
	switch (verify) {
	case CONF_VERIFY_NO:
		return SSL_VERIFY_NONE;
	case CONF_VERIFY_ASK:
		return SSL_VERIFY_PEER;
	case CONF_VERIFY_REQUIRE:
		return SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT;
	}
	return SSL_VERIFY_NONE;
}

static void read_listens(struct certs *certs, struct reading *reading,
			 struct contexts *to)
{
	for (size_t i = 0; i < certs->conf->listen_count; i++) {
		const struct conf_listen *listen = &certs->conf->listens[i];
		SSL_CTX *ctx;

		if (conf_listen_at(listen, CONF_TLS) == NULL)
			continue;
		ctx = context_new(reading, TLS_server_method(), &listen->files,
				  "listen", listen->name);
		to->listens[i] = ctx;
		if (ctx == NULL)
			continue;
		SSL_CTX_set_verify(ctx, verify_mode(listen->verify), NULL);
		SSL_CTX_set_tlsext_servername_callback(ctx, on_server_name);
		SSL_CTX_set_tlsext_servername_arg(ctx, certs);
		if (listen->files.ca != NULL &&
		    listen->verify != CONF_VERIFY_NO)
			SSL_CTX_set_client_CA_list(ctx,
						   SSL_load_client_CA_file(
							   listen->files.ca));
	}
}

static int read_files(struct certs *certs, FILE *errors, struct contexts *to)
{
	const struct conf *conf = certs->conf;
	struct reading reading = { .errors = errors };

	memset(to, 0, sizeof(*to));
	to->listens = calloc(conf->listen_count + 1, sizeof(SSL_CTX *));
	to->domains = calloc(conf->domain_count + 1, sizeof(SSL_CTX *));
	to->trunks = calloc(conf->trunk_count + 1, sizeof(SSL_CTX *));
	if (!to->listens || !to->domains || !to->trunks) {
		contexts_done(to, conf);
		return -ENOMEM;
	}
	read_listens(certs, &reading, to);
	for (size_t i = 0; i < conf->domain_count; i++)
		if (conf->domains[i].files.certificate != NULL)
			to->domains[i] = context_new(&reading,
						     TLS_server_method(),
						     &conf->domains[i].files,
						     "domain",
						     conf->domains[i].name);
	for (size_t i = 0; i < conf->trunk_count; i++) {
		const struct conf_trunk *trunk = &conf->trunks[i];

		to->trunks[i] = context_new(&reading, TLS_client_method(),
					    &trunk->files, "trunk",
					    trunk->name);
		if (to->trunks[i] != NULL)
			SSL_CTX_set_verify(to->trunks[i],
					   trunk->verify ? SSL_VERIFY_PEER :
							   SSL_VERIFY_NONE,
					   NULL);
	}
	if (!reading.is_failed)
		return 0;
	contexts_done(to, conf);
	return -EINVAL;
}

int certs_new(const struct conf *conf, FILE *errors, struct certs **ret_certs)
{
	struct certs *certs = calloc(1, sizeof(*certs));
	int error;

	if (certs == NULL)
		return -ENOMEM;
	certs->conf = conf;
	error = read_files(certs, errors, &certs->contexts);
	if (error != 0) {
		free(certs);
		return error;
	}
	*ret_certs = certs;
	return 0;
}

void certs_free(struct certs *certs)
{
	if (certs == NULL)
		return;
	contexts_done(&certs->contexts, certs->conf);
	free(certs);
}

int certs_reload(struct certs *certs, FILE *errors)
{
	struct contexts new;
	int error = read_files(certs, errors, &new);

	if (error != 0)
		return error;
	contexts_done(&certs->contexts, certs->conf);
	certs->contexts = new;
	return 0;
}

static SSL *ssl_new(SSL_CTX *ctx, int fd)
{
	SSL *ssl = ctx != NULL ? SSL_new(ctx) : NULL;

	if (ssl != NULL && SSL_set_fd(ssl, fd) != 1) {
		SSL_free(ssl);
		ssl = NULL;
	}
	ERR_clear_error();
	return ssl;
}

SSL *certs_accept(struct certs *certs, size_t listen, int fd)
{
	SSL *ssl = ssl_new(certs->contexts.listens[listen], fd);

	if (ssl != NULL)
		SSL_set_accept_state(ssl);
	return ssl;
}

SSL *certs_connect(struct certs *certs, size_t trunk, int fd)
{
	const char *host = certs->conf->trunks[trunk].host;
	SSL *ssl = ssl_new(certs->contexts.trunks[trunk], fd);
	char name[NI_MAXHOST]; /* what the library takes is not const */
	struct ip_addr addr;
	int is_set;

	if (ssl == NULL)
		return NULL;
	SSL_set_connect_state(ssl);
	if (ip_addr_parse(host, strlen(host), &addr) == 0)
		is_set = X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl),
						       host);
	else
		is_set = strlen(host) < sizeof(name) &&
			 SSL_set_tlsext_host_name(ssl, strcpy(name, host)) ==
				 1 &&
			 SSL_set1_host(ssl, host) == 1;
	if (is_set == 1)
		return ssl;
	SSL_free(ssl);
	return NULL;
}

size_t certs_trunk_of(const struct certs *certs, const SSL *ssl, realm_id realm)
{
	X509 *certificate = SSL_get0_peer_certificate(ssl);

	if (certificate == NULL || SSL_get_verify_result(ssl) != X509_V_OK ||
	    (SSL_get_verify_mode(ssl) & SSL_VERIFY_PEER) == 0)
		return SIZE_MAX;
	for (size_t i = 0; i < certs->conf->trunk_count; i++) {
		const struct conf_trunk *trunk = &certs->conf->trunks[i];

		if (trunk->realm == realm &&
		    (X509_check_host(certificate, trunk->host, 0, 0, NULL) ==
			     1 ||
		     X509_check_ip_asc(certificate, trunk->host, 0) == 1))
			return i;
	}
	return SIZE_MAX;
}
