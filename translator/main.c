/* SPDX-License-Identifier: GPL-2.0-or-later */
/* viaduct-translator: options, configuration, wiring, the event loop. */
#include "config.h"

#include <errno.h>
#include <event2/event.h>
#include <getopt.h>
#include <limits.h>
#include <pwd.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/log.h"
#include "common/mono.h"
#include "common/privs.h"
#include "common/sock.h"
#include "translator/control.h"
#include "translator/fastpath.h"
#include "translator/follow.h"
#include "translator/link.h"
#include "translator/netsetup.h"
#include "translator/worker.h"

enum action {
	ACTION_RUN,
	ACTION_CHECK,
	ACTION_TEARDOWN,
	ACTION_HELP,
	ACTION_VERSION,
	ACTION_MISUSE
};

struct options {
	const char *conf_path;
	enum action action;
	enum log_level level;
};

struct program {
	struct conf *conf;        /* owned */
	struct event_base *base;  /* owned */
	struct event *signals[2]; /* owned */
	struct worker *worker;    /* owned */
	struct follow *follow;    /* owned */
	struct link *link;        /* owned */
	struct control *control;  /* owned */
	char link_path[PATH_MAX];
	char control_path[PATH_MAX];
	uint64_t epoch;
	bool lost; /* a TUN: the end is a failure */
};

static const char usage[] =
	"usage: viaduct-translator [-c FILE] [-n] [-v] [--teardown]\n"
	"\n"
	"  -c FILE      configuration (" CONF_DEFAULT_PATH ")\n"
	"  -n           check the configuration, touch nothing\n"
	"  -v           say more\n"
	"  --teardown   remove all that was set up on this host, the guard too\n"
	"  --help, --version\n";

static struct options parse_options(int argc, char **argv)
{
	static const struct option names[] = {
		{ "teardown", no_argument, NULL, ACTION_TEARDOWN },
		{ "help", no_argument, NULL, ACTION_HELP },
		{ "version", no_argument, NULL, ACTION_VERSION },
		{ NULL, 0, NULL, 0 },
	};
	struct options options = { .conf_path = CONF_DEFAULT_PATH,
				   .action = ACTION_RUN,
				   .level = LOG_LEVEL_INFO };
	int name;

	while ((name = getopt_long(argc, argv, "c:nv", names, NULL)) != -1) {
		if (name == 'c')
			options.conf_path = optarg;
		else if (name == 'v')
			options.level = LOG_LEVEL_DEBUG;
		else if (name == 'n')
			options.action = ACTION_CHECK;
		else if (name == '?')
			options.action = ACTION_MISUSE;
		else if (options.action != ACTION_MISUSE)
			options.action = (enum action)name;
	}
	if (optind < argc)
		options.action = ACTION_MISUSE;
	return options;
}

static void on_signal(int number, short what, void *arg)
{
	struct program *program = arg;

	(void)what;
	log_info("signal %d: ending, what is set up stays", number);
	event_base_loopbreak(program->base);
}

static void on_lost(realm_id realm, int err, void *arg)
{
	struct program *program = arg;

	log_error("TUN of realm \"%s\": %s: ending, nothing passes any more",
		  program->conf->realms[realm].name, strerror(-err));
	program->lost = true;
	event_base_loopbreak(program->base);
}

static void on_latched(const struct wire_latched *latched, void *arg)
{
	const struct program *program = arg;

	link_latched(program->link, latched);
}

static int make_signals(struct program *program)
{
	static const int numbers[] = { SIGTERM, SIGINT };

	signal(SIGPIPE, SIG_IGN);
	for (size_t i = 0; i < 2; i++) {
		program->signals[i] = evsignal_new(program->base, numbers[i],
						   on_signal, program);
		if (program->signals[i] == NULL ||
		    event_add(program->signals[i], NULL) != 0)
			return -ENOMEM;
	}
	return 0;
}

/* Listening on the link is what makes a translator the only one. */
static int make_link(struct program *program)
{
	struct conf *conf = program->conf;
	int err = sock_make_dir(conf->rundir);

	if (err == 0)
		err = conf_socket_path(conf, "translator.link",
				       program->link_path,
				       sizeof(program->link_path));
	if (err == 0)
		err = conf_socket_path(conf, "translator.sock",
				       program->control_path,
				       sizeof(program->control_path));
	if (err == 0)
		err = link_new(program->link_path, conf, program->epoch,
			       &program->link);
	if (err == -EADDRINUSE)
		log_error("%s: a translator is running", program->link_path);
	else if (err != 0)
		log_error("%s: %s", conf->rundir, strerror(-err));
	return err;
}

/* Those that the configuration wants, or one for each CPU that is ours. */
static size_t workers_wanted(const struct conf *conf)
{
	cpu_set_t cpus;
	int count = 1;

	if (conf->workers > 0)
		return conf->workers;
	if (sched_getaffinity(0, sizeof(cpus), &cpus) == 0)
		count = CPU_COUNT(&cpus);
	return count < CONF_WORKERS_MAX ? (size_t)count : CONF_WORKERS_MAX;
}

static int make_worker(struct program *program)
{
	struct netsetup_tuns tuns = { .count = workers_wanted(program->conf) };
	struct worker_options options = { .base = program->base,
					  .conf = program->conf,
					  .count = tuns.count,
					  .tuns = tuns.fds,
					  .on_lost = on_lost,
					  .on_latched = on_latched,
					  .arg = program };
	int err;

	/* Nobody would take them back. */
	if (!program->conf->fastpath)
		fastpath_clean(program->conf);
	err = netsetup_start(program->conf, stderr, &tuns, &options.fastpath);
	if (err != 0)
		return err;
	err = worker_new(&options, &program->worker);
	if (err != 0)
		log_error("worker: %s", strerror(-err));
	if (err != 0)
		return err;
	err = follow_new(program->base, program->conf, &program->follow);
	if (err != 0)
		log_error("links and routes: %s", strerror(-err));
	return err;
}

/* The sockets of a program that gives up being root are its new self's. */
static int give_sockets(const struct program *program)
{
	const struct passwd *entry;

	if (program->conf->user == NULL)
		return 0;
	entry = getpwnam(program->conf->user);
	if (entry == NULL)
		return -ENOENT;
	if (chown(program->link_path, entry->pw_uid, entry->pw_gid) < 0 ||
	    chown(program->control_path, entry->pw_uid, entry->pw_gid) < 0)
		return -errno;
	return 0;
}

static int make_sockets(struct program *program)
{
	struct control_options options = { .base = program->base,
					   .path = program->control_path,
					   .conf = program->conf,
					   .worker = program->worker,
					   .link = program->link,
					   .epoch = program->epoch };
	int err = control_new(&options, &program->control);

	link_set_fastpath(program->link, worker_fastpath(program->worker));
	if (err == 0)
		err = link_start(program->link, program->base,
				 worker_ruleset(program->worker));
	if (err != 0) {
		log_error("%s: %s", program->control_path, strerror(-err));
		return err;
	}
	err = give_sockets(program);
	if (err == 0)
		err = privs_drop(program->conf->user, true);
	if (err != 0)
		log_error("user %s: %s",
			  program->conf->user != NULL ? program->conf->user :
							"(same)",
			  strerror(-err));
	return err;
}

static int run(struct program *program)
{
	int err = make_link(program);

	if (err != 0)
		return err;
	program->base = event_base_new();
	err = program->base == NULL ? -ENOMEM : make_signals(program);
	if (err != 0) {
		log_error("event loop: %s", strerror(-err));
		return err;
	}
	err = make_worker(program);
	if (err == 0)
		err = make_sockets(program);
	if (err != 0)
		return err;
	/* By now they have no more rights than they are to have. */
	err = worker_start(program->worker);
	if (err != 0) {
		log_error("worker: %s", strerror(-err));
		return err;
	}
	log_info("ready, %zu realms, %zu workers", program->conf->realm_count,
		 worker_count(program->worker));
	event_base_dispatch(program->base);
	return program->lost ? -EIO : 0;
}

static int teardown(struct program *program)
{
	int err = make_link(program);

	if (err != 0)
		return err;
	/* What a translator that was no longer root could not remove. */
	unlink(program->control_path);
	/* First: without the tables nothing would translate them. */
	err = fastpath_clean(program->conf);
	if (err != 0)
		log_warn("conntrack: %s: flows stay in the kernel until they "
			 "end by themselves",
			 strerror(-err));
	return netsetup_teardown(program->conf, stderr);
}

static void program_done(struct program *program)
{
	worker_stop(program->worker);
	control_free(program->control);
	link_free(program->link);
	follow_free(program->follow);
	worker_free(program->worker);
	for (size_t i = 0; i < 2; i++)
		if (program->signals[i] != NULL)
			event_free(program->signals[i]);
	if (program->base != NULL) {
		/* The ends of connections that libevent has put off. */
		(void)event_base_loop(program->base, EVLOOP_NONBLOCK);
		event_base_free(program->base);
	}
	conf_free(program->conf);
}

int main(int argc, char **argv)
{
	struct options options = parse_options(argc, argv);
	struct program program = { .epoch = wall_seconds() };
	int err = 0;

	if (options.action == ACTION_HELP || options.action == ACTION_MISUSE) {
		fputs(usage, options.action == ACTION_HELP ? stdout : stderr);
		return options.action == ACTION_HELP ? EXIT_SUCCESS :
						       EXIT_FAILURE;
	}
	if (options.action == ACTION_VERSION) {
		puts("viaduct-translator " PACKAGE_VERSION);
		return EXIT_SUCCESS;
	}
	log_open("viaduct-translator", options.level);
	program.conf = conf_read(options.conf_path, stderr);
	if (program.conf == NULL)
		return EXIT_FAILURE;
	if (options.action == ACTION_RUN)
		err = run(&program);
	else if (options.action == ACTION_TEARDOWN)
		err = teardown(&program);
	program_done(&program);
	return err == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
