/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Stands in for natctl: puts the rules that its arguments name into a running
 * translator and ends once they are acknowledged.
 *
 *   linkclient CONF [both|terminating|originating INNER OUTER PORTS]...
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/conf.h"
#include "common/rulewire.h"
#include "common/sock.h"

#define WORDS      4 /* that make a rule */
#define TIMEOUT_MS 5000

struct client {
	const struct conf *conf;
	int fd;
	uint32_t seq;
	uint8_t record[WIRE_MAX];
};

static _Noreturn void die(const char *what, int err)
{
	fprintf(stderr, "linkclient: %s: %s\n", what, strerror(-err));
	exit(EXIT_FAILURE);
}

static void receive(struct client *client, enum wire_type type,
		    struct wire_reader *reader)
{
	struct pollfd wait = { .fd = client->fd, .events = POLLIN };
	ssize_t len;
	int err;

	if (poll(&wait, 1, TIMEOUT_MS) != 1)
		die("no answer", -ETIMEDOUT);
	len = recv(client->fd, client->record, sizeof(client->record), 0);
	if (len <= 0)
		die("closed by the translator", -ECONNRESET);
	err = wire_open(reader, client->record, (size_t)len);
	if (err != 0 || reader->head.type != type)
		die("unexpected record", -EBADMSG);
}

static void send_record(struct client *client, const struct wire_writer *writer)
{
	if (send(client->fd, writer->data, writer->used, MSG_NOSIGNAL) < 0)
		die("send", -errno);
}

static void begin(struct client *client, struct wire_writer *writer,
		  enum wire_type type)
{
	struct wire_head head = { .seq = ++client->seq, .type = (uint8_t)type };
	int err = wire_begin(writer, client->record, sizeof(client->record),
			     head);

	if (err != 0)
		die("record", err);
}

static void await_ack(struct client *client)
{
	enum wire_status status;
	struct wire_reader reader;

	receive(client, WIRE_ACK, &reader);
	if (reader.head.seq != client->seq ||
	    wire_read_status(&reader, &status) != 0)
		die("acknowledgement", -EBADMSG);
	if (status == WIRE_OK)
		return;
	fprintf(stderr, "linkclient: refused, status %d\n", (int)status);
	exit(EXIT_FAILURE);
}

static void greet(struct client *client)
{
	struct wire_hello hello = { .epoch = 1 };
	struct wire_writer writer;
	struct wire_reader reader;

	receive(client, WIRE_HELLO, &reader);
	hello.realm_count = (uint16_t)client->conf->realm_count;
	for (size_t i = 0; i < client->conf->realm_count; i++)
		strcpy(hello.realms[i], client->conf->realms[i].name);
	begin(client, &writer, WIRE_HELLO);
	if (wire_add_hello(&writer, &hello) != 0)
		die("hello", -ENOSPC);
	send_record(client, &writer);
}

static struct rule rule_of(const struct conf *conf, char **words, uint64_t id)
{
	struct rule rule = { .id = id,
			     .group = "test",
			     .timer = 60,
			     .protocol = RULE_UDP,
			     .ports = (uint16_t)atoi(words[3]) };

	rule.kind = strcmp(words[0], "both") == 0        ? RULE_BOTH :
		    strcmp(words[0], "terminating") == 0 ? RULE_TERMINATING :
							   RULE_ORIGINATING;
	if (endpoint_parse(words[1], &conf->names, &rule.inner) != 0)
		die(words[1], -EINVAL);
	if (endpoint_parse(words[2], &conf->names, &rule.outer) != 0)
		die(words[2], -EINVAL);
	return rule;
}

int main(int argc, char **argv)
{
	static struct client client;
	struct wire_writer writer;
	char path[108];
	int err;

	if (argc < 2 || (argc - 2) % WORDS != 0)
		die("usage: linkclient CONF [KIND INNER OUTER PORTS]...",
		    -EINVAL);
	client.conf = conf_read(argv[1], stderr);
	if (client.conf == NULL)
		return EXIT_FAILURE;
	err = conf_socket_path(client.conf, "translator.link", path,
			       sizeof(path));
	client.fd = err != 0 ? err : sock_connect(path, SOCK_SEQPACKET);
	if (client.fd < 0)
		die(path, client.fd);
	greet(&client);
	begin(&client, &writer, WIRE_SYNC_BEGIN);
	send_record(&client, &writer);
	for (int i = 2; i < argc; i += WORDS) {
		struct rule rule = rule_of(client.conf, &argv[i], (uint64_t)i);

		begin(&client, &writer, WIRE_PUT);
		if (wire_add_rule(&writer, &rule) != 0)
			die("rule", -ENOSPC);
		send_record(&client, &writer);
		await_ack(&client);
	}
	begin(&client, &writer, WIRE_SYNC_END);
	send_record(&client, &writer);
	await_ack(&client);
	return EXIT_SUCCESS;
}
