/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The control channel over TLS from end to end: doors, control, manager and a
 * translator of the test's own in one event loop; guests on real sockets.
 */
#include <errno.h>
#include <event2/event.h>
#include <openssl/pem.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "common/channel.h"
#include "common/mono.h"
#include "common/rpc.h"
#include "common/tcp.h"
#include "natctl/client/natctl.h"
#include "natctl/control.h"
#include "natctl/door.h"
#include "natctl/manager.h"
#include "natctl/rulelink.h"
#include "tests/natctl/fake_translator.h"
#include "tests/natctl/sample.h"
#include "tests/translator/suite.h"

#define PATIENCE 20000 /* ms that anything may take */
#define LINE     (2 * RPC_LINE_MAX)
#define CROWD    1000
#define STATUS   "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"status\"}\n"

static char made[] = "/tmp/viaduct-made-XXXXXX"; /* certificates */
static char dir[64];
static unsigned port;
static struct conf *conf;
static struct event_base *base;
static struct rulelink *rulelink;
static struct manager *manager;
static struct control *control;
static struct fake_translator *fake;
static struct guest_count count;
static char answer[LINE];

static bool is_own(const struct endpoint *endpoint, void *arg)
{
	(void)endpoint;
	(void)arg;
	return true; /* of users: guests are judged by where they come from */
}

static const struct rule *next_rule(void *arg, uint64_t id)
{
	return manager_next_rule(arg, id);
}

static void on_link(bool up, void *arg)
{
	manager_on_link(arg, up);
}

static void on_activity(const struct wire_activity *activity, void *arg)
{
	manager_on_activity(arg, activity);
}

static void __attribute__((format(printf, 1, 2))) shell(const char *format, ...)
{
	char command[512];
	va_list args;

	va_start(args, format);
	(void)vsnprintf(command, sizeof(command), format, args);
	va_end(args);
	if (system(command) != 0)
		abort();
}

static char *path_of(const char *name, char path[128])
{
	(void)snprintf(path, 128, "%s/%s", dir, name);
	return path;
}

static struct conf *make_conf(void)
{
	static const char format[] =
		"realm inside { interface = lo networks = {\"127.0.0.0/8\","
		" \"2.0.0.0/8\"} }\n"
		"realm outside { interface = eth0 reaches = {inside}"
		" pool = {\"3.3.3.0/28:1024-65535\"} hold_down = 0 }\n"
		"control remote { realm = inside tls = \"127.0.0.1:%u\""
		" certificate = \"%s/server.pem\" key = \"%s/server.key\""
		" ca = \"%s/ca.pem\" handshake = 1 idle = 2 }\n"
		"client elsewhere { certificate = \"phones\""
		" source = \"127.9.0.0/16\" realms = outside }\n"
		"client phones { certificate = \"PHONES\" realms = outside"
		" source = \"127.0.0.0/16\" third_party = yes"
		" max_connections = 1024 }\n"
		"client games { certificate = \"games.test\" realms = outside"
		" max_connections = 2 max_asks = 3 }\n";
	char text[2048];

	port = 20000 + (unsigned)getpid() % 10000;
	(void)snprintf(text, sizeof(text), format, port, dir, dir, dir);
	return sample_conf(text);
}

static void begin(void)
{
	struct manager_options options = { .seed = 1,
					   .epoch = 77,
					   .owner = geteuid(),
					   .is_own = is_own,
					   .guests = &count };
	struct rulelink_sync sync = { .next = next_rule,
				      .on_link = on_link,
				      .on_activity = on_activity,
				      .epoch = 77 };
	struct rlimit files;
	char path[128];

	/* Both ends of a thousand connections. */
	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &files), 0);
	files.rlim_cur = files.rlim_max;
	(void)setrlimit(RLIMIT_NOFILE, &files);
	strcpy(dir, "/tmp/viaduct-door-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	shell("cp %s/* %s", made, dir);
	memset(&count, 0, sizeof(count));
	conf = make_conf();
	base = event_base_new();
	fake = malloc(sizeof(*fake));
	ck_assert(base != NULL && fake != NULL);
	fake_translator_start(fake, base, path_of("link", path), &conf->names);
	rulelink = rulelink_new(base, path, &conf->names);
	options.conf = conf;
	options.translator.ops = &rulelink_ops;
	options.translator.link = rulelink;
	manager = manager_new(&options);
	sync.arg = manager;
	rulelink_start(rulelink, &sync);
	ck_assert_int_eq(control_new(base, conf, path_of("sock", path), manager,
				     &control),
			 0);
	ck_assert_int_eq(control_open_doors(control, &count), 0);
}

static void end(void)
{
	control_stop(control);
	rulelink_free(rulelink);
	control_free(control);
	manager_free(manager);
	fake_translator_stop(fake);
	free(fake);
	event_base_free(base);
	conf_free(conf);
	shell("rm -r %s", dir);
}

#define wait_until(condition)                                         \
	do {                                                          \
		uint64_t end_ms = mono_ms() + PATIENCE;               \
                                                                      \
		while (!(condition)) {                                \
			ck_assert_msg(mono_ms() < end_ms,             \
				      "never: " #condition);          \
			(void)event_base_loop(base, EVLOOP_NONBLOCK); \
		}                                                     \
	} while (0)

static void target_of(const char *who, struct channel_target *ret)
{
	char certificate[128], key[128], ca[128], name[32], server[64];
	const struct tls_files files = { certificate, key, ca };
	char fault[TLS_FAULT_TEXT];

	(void)snprintf(name, sizeof(name), "%s.pem", who);
	path_of(name, certificate);
	(void)snprintf(name, sizeof(name), "%s.key", who);
	path_of(name, key);
	path_of("ca.pem", ca);
	(void)snprintf(server, sizeof(server), "tls://127.0.0.1:%u", port);
	ck_assert_int_eq(channel_target_tls(ret, server, NULL, &files, fault),
			 0);
}

static void open_as(const char *who, struct channel *ret)
{
	struct channel_target target;

	target_of(who, &target);
	ck_assert_int_eq(channel_open(ret, &target), 0);
	channel_target_done(&target);
}

/* All of it; -Exxx: the connection is of no use. */
static int say(struct channel *channel, const char *text, size_t len)
{
	uint64_t end_ms = mono_ms() + PATIENCE;

	while (len > 0) {
		ssize_t sent = channel_send(channel, text, len);

		ck_assert(mono_ms() < end_ms);
		(void)event_base_loop(base, EVLOOP_NONBLOCK);
		if (sent < 0 && sent != -EAGAIN)
			return (int)sent;
		text += sent > 0 ? sent : 0;
		len -= sent > 0 ? (size_t)sent : 0;
	}
	return 0;
}

/* Into `answer`: a line, or "" when the connection has ended. */
static void hear(struct channel *channel)
{
	uint64_t end_ms = mono_ms() + PATIENCE;
	size_t used = 0;

	answer[0] = '\0';
	while (used + 1 < sizeof(answer)) {
		ssize_t got = channel_receive(channel, answer + used, 1);

		ck_assert_msg(mono_ms() < end_ms, "no answer");
		if (got == -EAGAIN) {
			(void)event_base_loop(base, EVLOOP_NONBLOCK);
			continue;
		}
		if (got <= 0)
			break;
		if (answer[used++] == '\n') {
			answer[used] = '\0';
			return;
		}
	}
	answer[0] = '\0';
}

static void ask_status(struct channel *channel)
{
	ck_assert_int_eq(say(channel, STATUS, strlen(STATUS)), 0);
	hear(channel);
	ck_assert_ptr_nonnull(strstr(answer, "viaduct-natctl"));
}

static void expect_nothing(const char *who)
{
	struct channel channel;

	open_as(who, &channel);
	(void)say(&channel, STATUS, strlen(STATUS));
	hear(&channel);
	ck_assert_str_eq(answer, "");
	channel_close(&channel);
}

START_TEST(others_are_turned_away_and_counted)
{
	struct channel channel;

	expect_nothing("stranger");
	ck_assert_uint_eq(count.unknown, 1);
	expect_nothing("expired");
	ck_assert_uint_eq(count.failed, 1);
	expect_nothing("foreign");
	ck_assert_uint_eq(count.failed, 2);
	ck_assert_uint_eq(count.taken, 0);
	open_as("phones", &channel);
	ask_status(&channel);
	ck_assert_uint_eq(count.connected, 1);
	channel_close(&channel);
	wait_until(count.connected == 0);
}
END_TEST

/* One that does not begin, and more of them than there is room for. */
START_TEST(who_shakes_no_hands_keeps_nobody_out)
{
	struct endpoint at = conf->controls[0].tls;
	struct channel channel;
	int fds[DOOR_WAITING_MAX + 10];

	for (size_t i = 0; i < DOOR_WAITING_MAX + 10; i++) {
		fds[i] = tcp_connect(&at);
		ck_assert_int_ge(fds[i], 0);
	}
	ck_assert_int_eq(send(fds[0], "\x16\x03\x01", 3, MSG_NOSIGNAL), 3);
	wait_until(count.late == 10);
	open_as("phones", &channel);
	ask_status(&channel);
	wait_until(count.late == DOOR_WAITING_MAX + 10);
	for (size_t i = 0; i < DOOR_WAITING_MAX + 10; i++)
		close(fds[i]);
	ask_status(&channel);
	channel_close(&channel);
}
END_TEST

START_TEST(what_is_no_tls_is_turned_away)
{
	struct endpoint at = conf->controls[0].tls;
	int fd = tcp_connect(&at);

	ck_assert_int_ge(fd, 0);
	wait_until(send(fd, STATUS, strlen(STATUS), MSG_NOSIGNAL) > 0);
	wait_until(count.failed == 1);
	close(fd);
}
END_TEST

START_TEST(garbage_and_half_messages_are_told_or_forgotten)
{
	static const char half[] = "{\"jsonrpc\":\"2.0\",\"id\":1,\"meth";
	struct channel channel;
	struct channel other;

	open_as("phones", &channel);
	ck_assert_int_eq(say(&channel, "\x01\xff{[\n", 5), 0);
	hear(&channel);
	ck_assert_ptr_nonnull(strstr(answer, "-32700"));
	ask_status(&channel);
	ck_assert_int_eq(say(&channel, half, strlen(half)), 0);
	open_as("phones", &other);
	ask_status(&other);
	channel_close(&channel);
	wait_until(count.connected == 1);
	ask_status(&other);
	channel_close(&other);
}
END_TEST

START_TEST(a_line_may_be_long_and_not_longer)
{
	static char line[RPC_LINE_MAX + 4096];
	struct channel channel;

	memset(line, ' ', sizeof(line));
	memcpy(line + RPC_LINE_MAX - 200, STATUS, strlen(STATUS));
	open_as("phones", &channel);
	ck_assert_int_eq(say(&channel, line,
			     RPC_LINE_MAX - 200 + strlen(STATUS)),
			 0);
	hear(&channel);
	ck_assert_ptr_nonnull(strstr(answer, "viaduct-natctl"));
	memset(line, ' ', sizeof(line));
	(void)say(&channel, line, sizeof(line));
	hear(&channel);
	ck_assert_ptr_nonnull(strstr(answer, "line too long"));
	hear(&channel);
	ck_assert_str_eq(answer, "");
	channel_close(&channel);
	wait_until(count.connected == 0);
}
END_TEST

/* It asks and does not listen: no more is read from it after a while. */
START_TEST(a_slow_reader_slows_down_nobody_else)
{
	const size_t len = strlen(STATUS) * 500;
	char *lines = malloc(len);
	struct channel slow;
	struct channel other;
	size_t taken = 0;
	uint64_t quiet_ms;

	ck_assert_ptr_nonnull(lines);
	for (size_t i = 0; i < len; i += strlen(STATUS))
		memcpy(lines + i, STATUS, strlen(STATUS));
	open_as("phones", &slow);
	open_as("phones", &other);
	ask_status(&slow);
	quiet_ms = mono_ms() + 300;
	while (mono_ms() < quiet_ms) {
		ssize_t sent = channel_send(&slow, lines + taken % len,
					    len - taken % len);

		if (sent > 0) {
			taken += (size_t)sent;
			quiet_ms = mono_ms() + 300;
		}
		ck_assert_uint_lt(taken, 64u << 20);
		ask_status(&other);
	}
	ask_status(&other);
	free(lines);
	channel_close(&slow);
	channel_close(&other);
	wait_until(count.connected == 0);
}
END_TEST

/* TLS ends one way and the other: what was asked is answered all the same. */
START_TEST(who_has_asked_all_is_answered_all)
{
	struct channel channel;

	open_as("phones", &channel);
	ask_status(&channel);
	for (int i = 0; i < 2000; i++)
		ck_assert_int_eq(say(&channel, STATUS, strlen(STATUS)), 0);
	(void)SSL_shutdown(channel.ssl);
	for (int i = 0; i < 2000; i++) {
		hear(&channel);
		ck_assert_ptr_nonnull(strstr(answer, "viaduct-natctl"));
	}
	hear(&channel);
	ck_assert_str_eq(answer, "");
	channel_close(&channel);
	ck_assert_uint_eq(count.connected, 0);
}
END_TEST

START_TEST(who_says_nothing_is_closed)
{
	struct channel channel;
	uint64_t at_ms;

	open_as("phones", &channel);
	ask_status(&channel);
	at_ms = mono_ms();
	hear(&channel);
	ck_assert_str_eq(answer, "");
	ck_assert_uint_ge(mono_ms() - at_ms, 1500);
	channel_close(&channel);
}
END_TEST

START_TEST(one_connection_too_many_is_told)
{
	struct channel channels[3];

	for (size_t i = 0; i < 2; i++) {
		open_as("games", &channels[i]);
		ask_status(&channels[i]);
	}
	open_as("games", &channels[2]);
	(void)say(&channels[2], STATUS, strlen(STATUS));
	hear(&channels[2]);
	ck_assert_ptr_nonnull(strstr(answer, "-32006"));
	ck_assert_ptr_nonnull(strstr(answer, "too many connections"));
	hear(&channels[2]);
	ck_assert_str_eq(answer, "");
	ck_assert_uint_eq(count.refused, 1);
	channel_close(&channels[2]);
	channel_close(&channels[0]);
	wait_until(count.connected == 1);
	open_as("games", &channels[2]);
	ask_status(&channels[2]);
	channel_close(&channels[1]);
	channel_close(&channels[2]);
}
END_TEST

START_TEST(one_ask_too_many_in_a_second_is_told)
{
	static const char ask[] =
		"{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"ask\",\"params\":"
		"{\"group\":\"g\",\"leases\":[{\"inner\":\"2.2.2.2:5@inside\","
		"\"realm\":\"outside\"}]}}\n";
	struct channel channel;

	open_as("games", &channel);
	for (int i = 0; i < 3; i++) {
		ck_assert_int_eq(say(&channel, ask, strlen(ask)), 0);
		hear(&channel);
		/* It has come from another address, and has no such right. */
		ck_assert_ptr_nonnull(strstr(answer, "-32003"));
	}
	ck_assert_int_eq(say(&channel, ask, strlen(ask)), 0);
	hear(&channel);
	ck_assert_ptr_nonnull(strstr(answer, "-32006"));
	ck_assert_ptr_nonnull(strstr(answer, "3 times a second"));
	ask_status(&channel);
	usleep(400000);
	ck_assert_int_eq(say(&channel, ask, strlen(ask)), 0);
	hear(&channel);
	ck_assert_ptr_nonnull(strstr(answer, "-32003"));
	channel_close(&channel);
}
END_TEST

static void on_answer(const struct natctl_answer *got, void *arg)
{
	struct natctl_answer *ret = arg;

	*ret = *got;
	ret->leases = NULL;
}

static void process(struct natctl *client)
{
	struct pollfd pollfd = { .fd = natctl_fd(client),
				 .events = natctl_events(client) };
	short revents = poll(&pollfd, 1, 0) > 0 ? pollfd.revents : 0;

	natctl_process(client, revents, mono_ms());
	(void)event_base_loop(base, EVLOOP_NONBLOCK);
}

static struct natctl *client_as(const char *who)
{
	char certificate[128], key[128], ca[128], name[32], server[64];
	struct natctl_tls tls = { server, NULL, certificate, key, ca };
	char fault[NATCTL_FAULT_TEXT];
	struct natctl *client;

	(void)snprintf(name, sizeof(name), "%s.pem", who);
	path_of(name, certificate);
	(void)snprintf(name, sizeof(name), "%s.key", who);
	path_of(name, key);
	path_of("ca.pem", ca);
	(void)snprintf(server, sizeof(server), "tls://127.0.0.1:%u", port);
	client = natctl_new_tls(&tls, PATIENCE, NULL, fault);
	ck_assert_msg(client != NULL, "%s", fault);
	return client;
}

/* With the library; what it is granted is its own over another connection. */
START_TEST(a_guest_owns_its_leases)
{
	struct natctl_want want = { .inner = "2.2.2.2:2222@inside",
				    .realm = "outside" };
	struct natctl_ask ask = { .group = "g",
				  .wants = &want,
				  .want_count = 1 };
	struct natctl_answer got = { .error = 1 };
	struct natctl_callback callback = { on_answer, &got };
	struct natctl *client = client_as("phones");
	struct channel channel;

	wait_until((process(client), natctl_is_up(client)));
	wait_until(rulelink_ops.is_up(rulelink));
	ck_assert_int_eq(natctl_ask(client, &ask, mono_ms(), callback, NULL),
			 0);
	wait_until((process(client), got.error != 1));
	ck_assert_int_eq(got.error, 0);
	ck_assert_uint_eq(fake->rules, 1);
	natctl_free(client);
	open_as("phones", &channel);
	ck_assert_int_eq(say(&channel,
			     "{\"jsonrpc\":\"2.0\",\"id\":1,"
			     "\"method\":\"list\"}\n",
			     41),
			 0);
	hear(&channel);
	ck_assert_ptr_nonnull(strstr(answer, "\"owner\":\"client:phones\""));
	channel_close(&channel);
	client = client_as("games");
	wait_until((process(client), natctl_is_up(client)));
	got.error = 1;
	ck_assert_int_eq(natctl_release(client, "g", mono_ms(), callback, NULL),
			 0);
	wait_until((process(client), got.error != 1));
	ck_assert_int_eq(got.error, NATCTL_NOT_FOUND);
	natctl_free(client);
}
END_TEST

START_TEST(the_client_says_what_is_wrong)
{
	struct natctl *client = client_as("expired");

	wait_until((process(client), natctl_fault(client)[0] != '\0'));
	ck_assert(!natctl_is_up(client));
	natctl_free(client);
	/* The server's certificate is not for that name. */
	shell("cp %s/phones.pem %s/server.pem", dir, dir);
	shell("cp %s/phones.key %s/server.key", dir, dir);
	control_reload(control);
	client = client_as("phones");
	wait_until((process(client), natctl_fault(client)[0] != '\0'));
	ck_assert_ptr_nonnull(strstr(natctl_fault(client), "mismatch"));
	natctl_free(client);
}
END_TEST

START_TEST(certificates_are_read_again_without_a_break)
{
	struct channel before;
	struct channel after;

	open_as("phones", &before);
	ask_status(&before);
	shell("cd %s && cat wrong-ca.pem >>ca.pem", dir);
	expect_nothing("foreign");
	control_reload(control);
	open_as("foreign", &after);
	ask_status(&after);
	ask_status(&before);
	shell("echo rubbish >%s/server.pem", dir);
	control_reload(control);
	ask_status(&before);
	channel_close(&after);
	open_as("phones", &after);
	ask_status(&after);
	channel_close(&after);
	channel_close(&before);
}
END_TEST

static size_t resident_kb(void)
{
	FILE *file = fopen("/proc/self/statm", "r");
	size_t all = 0;
	size_t resident = 0;

	ck_assert_ptr_nonnull(file);
	ck_assert_int_eq(fscanf(file, "%zu %zu", &all, &resident), 2);
	fclose(file);
	return resident * (size_t)sysconf(_SC_PAGESIZE) / 1024;
}

START_TEST(a_thousand_guests_at_a_time)
{
	static struct channel crowd[CROWD];
	struct channel_target target;
	struct channel other;
	size_t before_kb;
	uint64_t at_ms;

	target_of("phones", &target);
	before_kb = resident_kb();
	for (size_t i = 0; i < CROWD; i++) {
		ck_assert_int_eq(channel_open(&crowd[i], &target), 0);
		ask_status(&crowd[i]);
	}
	ck_assert_uint_eq(count.taken, CROWD);
	open_as("phones", &other);
	at_ms = mono_ms();
	ask_status(&other);
	ck_assert_uint_lt(mono_ms() - at_ms, 2500);
	/* Both ends of each. */
	ck_assert_uint_lt(resident_kb() - before_kb, CROWD * 250);
	for (size_t i = 0; i < CROWD; i++)
		channel_close(&crowd[i]);
	channel_close(&other);
	channel_target_done(&target);
	wait_until(count.connected == 0);
}
END_TEST

static X509 *certificate_of(const char *name)
{
	char path[128];
	FILE *file = fopen(path_of(name, path), "r");
	X509 *certificate;

	ck_assert_ptr_nonnull(file);
	certificate = PEM_read_X509(file, NULL, NULL, NULL);
	fclose(file);
	ck_assert_ptr_nonnull(certificate);
	return certificate;
}

START_TEST(certificates_are_known_by_name_and_fingerprint)
{
	X509 *server = certificate_of("server.pem");
	char print[128];
	char path[128];
	FILE *file;

	shell("cd %s && openssl x509 -in server.pem -noout -fingerprint "
	      "-sha256 | sed s/.*=// >print",
	      dir);
	file = fopen(path_of("print", path), "r");
	ck_assert_ptr_nonnull(file);
	ck_assert_int_eq(fscanf(file, "%120s", print), 1);
	fclose(file);
	ck_assert(tls_certificate_is(server, print));
	print[0] = print[0] == '0' ? '1' : '0';
	ck_assert(!tls_certificate_is(server, print));
	ck_assert(tls_certificate_is(server, "edge"));
	ck_assert(tls_certificate_is(server, "EDGE"));
	ck_assert(tls_certificate_is(server, "127.0.0.1"));
	ck_assert(!tls_certificate_is(server, "127.0.0.2"));
	ck_assert(!tls_certificate_is(server, "edg"));
	ck_assert(!tls_certificate_is(server, ""));
	X509_free(server);
}
END_TEST

int main(void)
{
	int failed;
	const TTest *const tests[] = {
		others_are_turned_away_and_counted,
		who_shakes_no_hands_keeps_nobody_out,
		what_is_no_tls_is_turned_away,
		garbage_and_half_messages_are_told_or_forgotten,
		a_line_may_be_long_and_not_longer,
		a_slow_reader_slows_down_nobody_else,
		who_has_asked_all_is_answered_all,
		who_says_nothing_is_closed,
		one_connection_too_many_is_told,
		one_ask_too_many_in_a_second_is_told,
		a_guest_owns_its_leases,
		the_client_says_what_is_wrong,
		certificates_are_read_again_without_a_break,
		a_thousand_guests_at_a_time,
		certificates_are_known_by_name_and_fingerprint,
	};

	if (mkdtemp(made) == NULL)
		return EXIT_FAILURE;
	shell("sh %s/tests/natctl/certificates.sh %s 127.0.0.1",
	      getenv("srcdir") != NULL ? getenv("srcdir") : ".", made);
	failed = SUITE_RUN("door", tests, begin, end);
	shell("rm -r %s", made);
	return failed;
}
