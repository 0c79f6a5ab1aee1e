/*
 * enrol: waits at the control address and talks to whoever comes, a few at a time: handshake →
 * authd's proof → our proof and request → the certificate. Must never say anything about itself to
 * one who has not proved the code.
 */
#include "reflector/enrol.h"

#include <errno.h>
#include <ev.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/chan.h"
#include "common/enrol_code.h"
#include "common/net.h"
#include "proto/msg.h"
#include "reflector/enrol_files.h"

#define TALKS_MAX 8u
#define TALK_S 10.
#define WAIT_S 900.
#define WRONG_MAX 3u
#define HANDSHAKE_MS 5000u
#define HEARTBEAT_MS 5000u
#define BACKLOG 16

struct waiter;

/* One who came. */
struct talk {
	struct waiter *waiter;
	struct chan *chan; /* NULL: free */
	bool proved, ended;
	ev_timer deadline;
};

struct waiter {
	struct ev_loop *loop;
	const struct enrol_options *options;
	struct enrol_files files;
	char key[ENROL_KEY_TEXT + 1];
	ev_io listener;
	ev_timer over;
	ev_prepare reap;
	ev_signal on_int, on_term;
	struct talk talks[TALKS_MAX];
	unsigned wrong;
	int status; /* of the process */
	bool done;
};

static void stop(struct waiter *w, int status)
{
	w->status = status;
	ev_break(w->loop, EVBREAK_ALL);
}

static void complain(const char *what, const char *why, const char *advice)
{
	(void)fprintf(
		stderr, "helio-reflector: %s\n  why: %s\n  what to do: %s\n", what, why, advice);
}

/* ---- one conversation ---- */

/* Freed at the end of the turn: this may run inside a callback of the channel. */
static void end_talk(struct talk *talk)
{
	talk->ended = true;
	ev_timer_stop(talk->waiter->loop, &talk->deadline);
}

static int say(struct talk *talk, json_t *msg)
{
	int err = msg != NULL ? chan_send(talk->chan, msg) : ERR_NOMEM;

	json_decref(msg);
	return err;
}

static void wrong_code(struct talk *talk)
{
	struct waiter *w = talk->waiter;

	w->wrong++;
	(void)!say(talk, json_pack("{s:s,s:s}", "type", "enrol-refused", "code", "denied"));
	(void)printf(
		"Somebody came who does not have this code (%u of %u).\n", w->wrong, WRONG_MAX);
	(void)fflush(stdout);
	if (w->wrong >= WRONG_MAX) {
		complain("the code does not open",
			"authd at the other end has another code, or somebody is in between",
			"check the code and the address; else have authd give a new one: helioctl reflector enrol");
		stop(w, 1);
	}
}

static void on_hello(struct talk *talk, const json_t *msg)
{
	struct waiter *w = talk->waiter;
	char proof[ENROL_PROOF_TEXT + 1];
	const char *theirs = NULL, *authd = NULL;
	int64_t version = 0;

	if (msg_get_int(msg, "version", 1, INT32_MAX, &version) != 0 || version != 1 ||
		msg_get_string(msg, "authd", LIMIT_NAME, &authd) != 0 ||
		msg_get_string(msg, "proof", ENROL_PROOF_TEXT, &theirs) != 0) {
		end_talk(talk);
		return;
	}
	if (enrol_code_check(w->key, chan_tls(talk->chan), ENROL_AUTHD, theirs) != 0) {
		wrong_code(talk);
		return;
	}
	talk->proved = true;
	(void)printf("authd \"%s\" has proved the code; asking it for a certificate.\n",
		msg_is_name(authd) ? authd : "?");
	(void)fflush(stdout);
	int err = enrol_code_prove(w->key, chan_tls(talk->chan), ENROL_REFLECTOR, proof);
	if (err == 0) {
		err = say(talk,
			json_pack("{s:s,s:i,s:s,s:s,s:s}", "type", "enrol-request", "version", 1,
				"name", w->files.name, "proof", proof, "request",
				w->files.request_pem));
	}
	if (err != 0) {
		end_talk(talk);
	}
}

static void on_done(struct talk *talk, const json_t *msg)
{
	struct waiter *w = talk->waiter;
	struct enrol_answer answer = { 0 };
	char why[SETTINGS_ERROR_SIZE] = "its answer makes no sense";
	int err = ERR_BAD_FIELD;

	if (msg_get_string(msg, "certificate", ENROL_PEM_MAX, &answer.certificate) == 0 &&
		msg_get_string(msg, "ca", ENROL_PEM_MAX, &answer.ca) == 0 &&
		msg_get_string(msg, "authd_name", 255, &answer.authd_name) == 0) {
		err = enrol_files_write(&w->files, w->options, &answer, why);
	}
	if (err != 0) {
		complain("authd signed a certificate, but it could not be kept", why,
			"then have authd give a new code: helioctl reflector enrol");
		stop(w, 1);
		return;
	}
	(void)!say(talk, json_pack("{s:s}", "type", "enrol-stored"));
	(void)printf("Enrolled: wrote %s, %s, %s%s%s.\n", w->files.key, w->files.certificate,
		w->files.ca, w->files.have_settings ? "" : " and ",
		w->files.have_settings ? "" : w->options->settings);
	if (w->files.have_settings && strcmp(w->files.authd_name, answer.authd_name) != 0) {
		(void)printf("Now set authd-name = \"%s\" in %s.\n", answer.authd_name,
			w->options->settings);
	}
	if (strcmp(w->options->settings, ENROL_UNIT_SETTINGS) == 0) {
		(void)printf("Start it: systemctl enable --now helio-reflector\n"
			     "Where its unit is not installed: helio-reflector\n");
	} else {
		(void)printf("Start it: helio-reflector --settings %s\n", w->options->settings);
	}
	(void)fflush(stdout);
	w->done = true;
	w->status = 0;
	ev_io_stop(w->loop, &w->listener);
	/* until authd has heard it and closes, or the deadline of the talk */
}

static void on_refused(struct talk *talk, const json_t *msg)
{
	const char *text = "it does not say why";

	(void)!msg_opt_string(msg, "text", 200, &text);
	complain("authd refuses this reflector",
		msg_is_display_name(text) ? text : "it does not say why",
		"use the command that authd printed for this reflector");
	stop(talk->waiter, 1);
}

static void on_message(struct chan *ch, const char *type, const json_t *msg, void *user)
{
	struct talk *talk = user;

	(void)ch;
	if (talk->ended || talk->waiter->done) {
		return;
	}
	if (!talk->proved && strcmp(type, "enrol-hello") == 0) {
		on_hello(talk, msg);
	} else if (talk->proved && strcmp(type, "enrol-done") == 0) {
		on_done(talk, msg);
	} else if (talk->proved && strcmp(type, "enrol-refused") == 0) {
		on_refused(talk, msg);
	} else {
		end_talk(talk);
	}
}

static void on_end(struct chan *ch, int err, void *user)
{
	struct talk *talk = user;

	(void)ch;
	(void)err;
	end_talk(talk);
	if (talk->waiter->done) {
		stop(talk->waiter, 0);
	}
}

static const struct chan_events talk_events = { .on_message = on_message, .on_end = on_end };

static void on_deadline(struct ev_loop *loop, ev_timer *timer, int events)
{
	struct talk *talk = timer->data;

	(void)loop;
	(void)events;
	end_talk(talk);
	if (talk->waiter->done) {
		stop(talk->waiter, 0);
	}
}

static void reap(struct ev_loop *loop, ev_prepare *prepare, int events)
{
	struct waiter *w = prepare->data;

	(void)loop;
	(void)events;
	for (size_t i = 0; i < TALKS_MAX; i++) {
		if (w->talks[i].chan != NULL && w->talks[i].ended) {
			chan_destroy(w->talks[i].chan);
			w->talks[i].chan = NULL;
		}
	}
}

/* ---- who comes ---- */

static void begin(struct waiter *w, struct talk *talk, int fd)
{
	const struct tls_io_server conf = { .creds = w->files.creds, .alpn = ENROL_ALPN };
	struct tls_io io = { 0 };

	*talk = (struct talk){ .waiter = w };
	if (tls_io_init_server(&io, fd, &conf) != 0) {
		(void)close(fd);
		return;
	}
	if (chan_create_tls(&talk->chan, w->loop, fd, &io, HANDSHAKE_MS, HEARTBEAT_MS, &talk_events,
		    talk) != 0) {
		talk->chan = NULL;
		tls_io_finish(&io);
		(void)close(fd);
		return;
	}
	ev_timer_init(&talk->deadline, on_deadline, TALK_S, 0.);
	talk->deadline.data = talk;
	ev_timer_start(w->loop, &talk->deadline);
}

static void on_accept(struct ev_loop *loop, ev_io *io, int events)
{
	struct waiter *w = io->data;
	int fd = accept4(io->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

	(void)loop;
	(void)events;
	if (fd < 0) {
		return;
	}
	for (size_t i = 0; i < TALKS_MAX; i++) {
		if (w->talks[i].chan == NULL) {
			begin(w, &w->talks[i], fd);
			return;
		}
	}
	(void)close(fd); /* authd comes again */
}

static void on_over(struct ev_loop *loop, ev_timer *timer, int events)
{
	(void)loop;
	(void)events;
	complain("authd did not come within 15 minutes",
		"the code's time is over, or authd cannot reach this address",
		"check that the firewall lets authd in, then begin again with a new code");
	stop(timer->data, 1);
}

static void on_signal(struct ev_loop *loop, ev_signal *sig, int events)
{
	(void)loop;
	(void)events;
	stop(sig->data, 1);
}

static int wait_for_authd(struct waiter *w)
{
	int fd = -1;

	if (net_listen(&w->files.control, BACKLOG, &fd) != 0) {
		complain("the control address cannot be listened on", strerror(errno),
			"check that it is one of this host, and stop a reflector that runs there");
		return 1;
	}
	(void)printf("Waiting for authd at %s (15 minutes at most) ...\n", w->files.control.text);
	(void)fflush(stdout);
	ev_io_init(&w->listener, on_accept, fd, EV_READ);
	ev_timer_init(&w->over, on_over, WAIT_S, 0.);
	ev_prepare_init(&w->reap, reap);
	ev_signal_init(&w->on_int, on_signal, SIGINT);
	ev_signal_init(&w->on_term, on_signal, SIGTERM);
	w->listener.data = w->over.data = w->reap.data = w->on_int.data = w->on_term.data = w;
	ev_io_start(w->loop, &w->listener);
	ev_timer_start(w->loop, &w->over);
	ev_prepare_start(w->loop, &w->reap);
	ev_signal_start(w->loop, &w->on_int);
	ev_signal_start(w->loop, &w->on_term);
	w->status = 1;
	ev_run(w->loop, 0);
	for (size_t i = 0; i < TALKS_MAX; i++) {
		ev_timer_stop(w->loop, &w->talks[i].deadline);
		chan_destroy(w->talks[i].chan);
	}
	(void)close(fd);
	return w->status;
}

int enrol_run(const struct enrol_options *options)
{
	struct waiter *w = calloc(1, sizeof(*w));
	char why[SETTINGS_ERROR_SIZE] = "";
	int status = 1;

	if (w == NULL) {
		return 1;
	}
	(void)signal(SIGPIPE, SIG_IGN);
	w->options = options;
	if (enrol_code_key(options->code, w->key) != 0) {
		complain("this is no enrolment code",
			"it has five groups of four letters and digits",
			"copy it once more from what helioctl reflector enrol printed");
	} else if (enrol_files_prepare(&w->files, options, why) != 0) {
		(void)fprintf(stderr, "helio-reflector: %s\n", why);
	} else {
		w->loop = ev_default_loop(EVFLAG_AUTO);
		if (w->loop != NULL) {
			status = wait_for_authd(w);
			ev_loop_destroy(w->loop);
		}
	}
	enrol_files_finish(&w->files);
	explicit_bzero(w->key, sizeof(w->key));
	free(w);
	return status;
}
