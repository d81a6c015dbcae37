/* SPDX-License-Identifier: GPL-2.0-or-later */
/* viaduct-natctl: options, configuration, wiring, the event loop. */
#include "config.h"

#include <errno.h>
#include <event2/event.h>
#include <getopt.h>
#include <limits.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "common/log.h"
#include "common/privs.h"
#include "common/sock.h"
#include "natctl/control.h"
#include "natctl/door.h"
#include "natctl/journal.h"
#include "natctl/manager.h"
#include "natctl/own.h"
#include "natctl/rulelink.h"
#include "natctl/survival.h"

#define FILES_NEEDED \
	(CONTROL_CLIENTS_MAX + CONTROL_GUESTS_MAX + DOOR_WAITING_MAX + 64)
#define EPOCH_BITS 53 /* a number that every JSON reader keeps exactly */

enum action {
	ACTION_RUN,
	ACTION_CHECK,
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
	struct event *signals[3]; /* owned */
	struct rulelink *link;    /* owned */
	struct manager *manager;  /* owned */
	struct control *control;  /* owned */
	struct journal *journal;  /* owned */
	struct own own;
	struct guest_count guests;
	char control_path[PATH_MAX];
	char link_path[PATH_MAX];
	uid_t uid; /* after start-up */
	gid_t gid;
};

static const char usage[] =
	"usage: viaduct-natctl [-c FILE] [-n] [-v]\n"
	"\n"
	"  -c FILE   configuration (" CONF_DEFAULT_PATH ")\n"
	"  -n        check the configuration, touch nothing\n"
	"  -v        say more\n"
	"  --help, --version\n";

static struct options parse_options(int argc, char **argv)
{
	static const struct option names[] = {
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
	log_info("signal %d: ending, rules in force stay", number);
	event_base_loopbreak(program->base);
}

static void on_hangup(int number, short what, void *arg)
{
	struct program *program = arg;

	(void)number;
	(void)what;
	if (program->control != NULL)
		control_reload(program->control);
}

static int make_signals(struct program *program)
{
	static const int numbers[] = { SIGTERM, SIGINT, SIGHUP };

	signal(SIGPIPE, SIG_IGN);
	for (size_t i = 0; i < 3; i++) {
		program->signals[i] = evsignal_new(program->base, numbers[i],
						   numbers[i] == SIGHUP ?
							   on_hangup :
							   on_signal,
						   program);
		if (program->signals[i] == NULL ||
		    event_add(program->signals[i], NULL) != 0)
			return -ENOMEM;
	}
	return 0;
}

static int find_user(struct program *program)
{
	const struct passwd *entry;

	program->uid = geteuid();
	program->gid = getegid();
	if (program->conf->user == NULL)
		return 0;
	entry = getpwnam(program->conf->user);
	if (entry == NULL)
		return -ENOENT;
	program->uid = entry->pw_uid;
	program->gid = entry->pw_gid;
	return 0;
}

static bool is_own(const struct endpoint *endpoint, void *arg)
{
	struct program *program = arg;

	return own_has(&program->own, endpoint);
}

static const struct rule *next_rule(void *arg, uint64_t id)
{
	const struct program *program = arg;

	return manager_next_rule(program->manager, id);
}

static void on_latched(const struct wire_latched *latched, uint64_t now_ms,
		       void *arg)
{
	const struct program *program = arg;

	(void)manager_latched(program->manager, latched, now_ms);
}

static void on_link(bool up, void *arg)
{
	const struct program *program = arg;

	manager_on_link(program->manager, up);
}

static void on_activity(const struct wire_activity *activity, void *arg)
{
	const struct program *program = arg;

	manager_on_activity(program->manager, activity);
}

static int make_manager(struct program *program)
{
	struct manager_options options = { .conf = program->conf,
					   .owner = program->uid,
					   .is_own = is_own,
					   .arg = program };

	if (program->conf->control_count > 0)
		options.guests = &program->guests;

	random_bytes(&options.seed, sizeof(options.seed));
	random_bytes(&options.epoch, sizeof(options.epoch));
	options.epoch >>= 64 - EPOCH_BITS;
	program->link = rulelink_new(program->base, program->link_path,
				     &program->conf->names);
	if (program->link == NULL)
		return -ENOMEM;
	options.translator.ops = &rulelink_ops;
	options.translator.link = program->link;
	program->manager = manager_new(&options);
	return program->manager == NULL ? -ENOMEM : 0;
}

/* After make_control: nobody else writes the journal then. */
static int begin_work(struct program *program)
{
	struct rulelink_sync sync = { .next = next_rule,
				      .on_latched = on_latched,
				      .arg = program,
				      .on_link = on_link,
				      .on_activity = on_activity };
	bool found;
	int rc = survival_begin(program->conf, program->manager, program->uid,
				program->gid, &found, &program->journal);

	if (rc != 0) {
		log_error("%s/natctl/journal: %s", program->conf->rundir,
			  strerror(-rc));
		return rc;
	}
	sync.epoch = manager_epoch(program->manager);
	sync.grace_seconds = found ? 0 : program->conf->announce_time;
	rulelink_start(program->link, &sync);
	return 0;
}

static int make_control(struct program *program)
{
	int rc = sock_make_dir(program->conf->rundir);

	if (rc == 0)
		rc = control_new(program->base, program->conf,
				 program->control_path, program->manager,
				 &program->control);
	if (rc == -EADDRINUSE) {
		log_error("%s: a natctl is running", program->control_path);
		return rc;
	}
	if (rc == 0 &&
	    chown(program->control_path, program->uid, program->gid) < 0)
		rc = -errno;
	if (rc != 0) {
		log_error("%s: %s", program->control_path, strerror(-rc));
		return rc;
	}
	return control_open_doors(program->control, &program->guests);
}

static int give_up_rights(const struct program *program)
{
	int rc = privs_drop(program->conf->user, false);

	if (rc != 0)
		log_error("user %s: %s",
			  program->conf->user != NULL ? program->conf->user :
							"(same)",
			  strerror(-rc));
	return rc;
}

/* One for each client and guest, and some. */
static void raise_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0 ||
	    limit.rlim_cur >= FILES_NEEDED)
		return;
	limit.rlim_cur = limit.rlim_max < FILES_NEEDED ? limit.rlim_max :
							 FILES_NEEDED;
	if (setrlimit(RLIMIT_NOFILE, &limit) != 0)
		log_warn("limit of open files: %s", strerror(errno));
}

static int run(struct program *program)
{
	const struct conf *conf = program->conf;
	int rc = conf_socket_path(conf, "natctl.sock", program->control_path,
				  sizeof(program->control_path));

	if (rc == 0)
		rc = conf_socket_path(conf, "translator.link",
				      program->link_path,
				      sizeof(program->link_path));
	if (rc == 0)
		rc = find_user(program);
	if (rc != 0) {
		log_error("%s: %s", conf->path, strerror(-rc));
		return rc;
	}
	raise_limit();
	program->base = event_base_new();
	rc = program->base == NULL ? -ENOMEM : make_signals(program);
	if (rc == 0)
		rc = make_manager(program);
	if (rc != 0) {
		log_error("start: %s", strerror(-rc));
		return rc;
	}
	rc = make_control(program);
	if (rc == 0)
		rc = begin_work(program);
	if (rc == 0)
		rc = give_up_rights(program);
	if (rc != 0)
		return rc;
	log_info("ready, %zu pools", conf->pool_count);
	event_base_dispatch(program->base);
	return 0;
}

/* The link ends its changes, which the manager answers to the control. */
static void program_done(struct program *program)
{
	if (program->control != NULL)
		control_stop(program->control);
	rulelink_free(program->link);
	control_free(program->control);
	manager_free(program->manager);
	journal_close(program->journal);
	for (size_t i = 0; i < 3; i++)
		if (program->signals[i] != NULL)
			event_free(program->signals[i]);
	if (program->base != NULL) {
		/* The ends of connections that libevent has put off. */
		(void)event_base_loop(program->base, EVLOOP_NONBLOCK);
		event_base_free(program->base);
	}
	own_done(&program->own);
	conf_free(program->conf);
}

int main(int argc, char **argv)
{
	struct options options = parse_options(argc, argv);
	struct program program = { .conf = NULL };
	int rc = 0;

	if (options.action == ACTION_HELP || options.action == ACTION_MISUSE) {
		fputs(usage, options.action == ACTION_HELP ? stdout : stderr);
		return options.action == ACTION_HELP ? EXIT_SUCCESS :
						       EXIT_FAILURE;
	}
	if (options.action == ACTION_VERSION) {
		puts("viaduct-natctl " PACKAGE_VERSION);
		return EXIT_SUCCESS;
	}
	log_open("viaduct-natctl", options.level);
	program.conf = conf_read(options.conf_path, stderr);
	if (program.conf == NULL)
		return EXIT_FAILURE;
	own_init(&program.own, program.conf);
	if (options.action == ACTION_RUN)
		rc = run(&program);
	program_done(&program);
	return rc == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
