/*
 * top: helioctl top: asks authd every few seconds, and listens to keys meanwhile. Changes nothing.
 * Whatever ends it, the terminal is given back as it was.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "ctl/client.h"
#include "ctl/columns.h"
#include "ctl/listing.h"
#include "ctl/nouns.h"
#include "ctl/term.h"
#include "ctl/top_model.h"
#include "ctl/top_view.h"

#define INTERVAL_DEFAULT_S 2.0
#define INTERVAL_LEAST_S 0.2
#define INTERVAL_MOST_S 60.0

struct top {
	struct ctl *ctl;
	struct term term;
	struct top_state state;
	struct top_sample now, before; /* before.at 0: there is none yet */
	bool quit, ask; /* ask: a new sample at once */
	double due; /* when the next sample is */
};

static double clock_s(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* ---------------------------------------------------------------- samples */

static int get_list(struct ctl *ctl, const char *base, const char *list, bool pages, json_t **out)
{
	struct client_path path;
	json_t *answer = NULL;
	int status;

	client_path_init(&path, base);
	status = pages ? ctl_list(ctl, "watch", &path, list, &answer)
		       : ctl_call(ctl, "watch", "GET", base, NULL, &answer);
	*out = json_incref(json_object_get(answer, list));
	json_decref(answer);
	if (status == CTL_OK && !json_is_array(*out)) {
		if (!ctl->silent) {
			ctl_complain("watch", "authd's answer has no such list",
				"are helioctl and authd of one version?");
		}
		status = CTL_FAILED;
	}
	return status;
}

/* A new sample into *out, or a status and nothing. */
static int take_sample(struct ctl *ctl, struct top_sample *out)
{
	int status;

	*out = (struct top_sample){ .rooms = NULL };
	status = get_list(ctl, "/v1/rooms", "rooms", true, &out->rooms);
	if (status == CTL_OK) {
		status = get_list(
			ctl, "/v1/participants", "participants", false, &out->participants);
	}
	if (status == CTL_OK) {
		status = get_list(ctl, "/v1/reflectors", "reflectors", false, &out->reflectors);
	}
	out->at = clock_s();
	if (status != CTL_OK) {
		top_sample_finish(out);
	}
	return status;
}

static const struct top_sample *before_of(const struct top *top)
{
	return top->before.at > 0 ? &top->before : NULL;
}

/* ---------------------------------------------------------------- keys */

static void draw(struct top *top)
{
	char *text = top_render(&top->now, before_of(top), &top->state, top->term.rows,
		top->term.columns, top->ctl->colour);

	if (text != NULL) {
		term_write(&top->term, text, strlen(text));
	}
	free(text);
}

static void type_filter(struct top_state *state, int key)
{
	size_t length = strlen(state->filter);

	if (key == '\r' || key == '\n') {
		state->typing = false;
	} else if (key == 27) {
		state->typing = false;
		state->filter[0] = '\0';
	} else if (key == 127 || key == 8) {
		while (length > 0 && ((unsigned char)state->filter[length - 1] & 0xc0) == 0x80) {
			length--; /* the rest of a character in UTF-8 */
		}
		state->filter[length > 0 ? length - 1 : 0] = '\0';
	} else if (key >= 32 && key < 256 && length + 1 < sizeof(state->filter)) {
		state->filter[length] = (char)key;
		state->filter[length + 1] = '\0';
	}
}

static void scroll(struct top_state *state, int key, unsigned page)
{
	switch (key) {
	case TERM_UP:
	case 'k':
		state->first -= state->first > 0 ? 1 : 0;
		break;
	case TERM_DOWN:
	case 'j':
		state->first++;
		break;
	case TERM_PAGE_UP:
		state->first = state->first > page ? state->first - page : 0;
		break;
	case TERM_PAGE_DOWN:
		state->first += page;
		break;
	case TERM_HOME:
		state->first = 0;
		break;
	case TERM_END:
		state->first = SIZE_MAX / 2; /* drawing sets it right */
		break;
	default:
		break;
	}
}

static void change_view(struct top_state *state, enum top_view view)
{
	state->view = view;
	state->first = 0;
	state->help = false;
}

static void change_interval(struct top *top, double factor)
{
	double interval = top->state.interval_s * factor;

	interval = interval < INTERVAL_LEAST_S ? INTERVAL_LEAST_S : interval;
	top->state.interval_s = interval > INTERVAL_MOST_S ? INTERVAL_MOST_S : interval;
}

static void press(struct top *top, int key)
{
	struct top_state *state = &top->state;
	size_t count;

	switch (key) {
	case 'q':
	case TERM_QUIT:
		top->quit = true;
		break;
	case 'r':
		change_view(state, TOP_ROOMS);
		break;
	case 'p':
		change_view(state, TOP_PARTICIPANTS);
		break;
	case 'w':
	case 'f':
		change_view(state, TOP_REFLECTORS);
		break;
	case 's':
		top_columns(state->view, &count);
		state->column[state->view] = (state->column[state->view] + 1) % (int)count;
		break;
	case 'S':
		state->reverse[state->view] = !state->reverse[state->view];
		break;
	case '/':
		state->typing = true;
		break;
	case '+':
		change_interval(top, 2);
		break;
	case '-':
		change_interval(top, 0.5);
		break;
	case ' ':
		top->ask = true;
		break;
	case 'h':
	case '?':
		state->help = !state->help;
		break;
	default:
		scroll(state, key, top->term.rows > 5 ? top->term.rows - 5 : 1);
		break;
	}
}

/* One key or signal, if there is one within ms; draws when it changed anything. */
static void take_key(struct top *top, int ms)
{
	int key = term_read(&top->term, ms);

	if (key == TERM_NONE) {
		return;
	}
	if (top->state.typing && key != TERM_QUIT && key != TERM_RESIZE) {
		type_filter(&top->state, key);
	} else if (key != TERM_RESIZE) {
		press(top, key);
	}
	if (!top->quit) {
		draw(top);
	}
}

/* While authd is asked: keys go on to work. */
static bool on_wake(void *arg)
{
	struct top *top = arg;

	take_key(top, 0);
	return top->quit;
}

/* ---------------------------------------------------------------- the loop */

static void refresh(struct top *top)
{
	struct top_sample sample;

	if (take_sample(top->ctl, &sample) == CTL_OK) {
		top_sample_finish(&top->before);
		top->before = top->now;
		top->now = sample;
		top->state.trouble[0] = '\0';
	} else if (!top->quit) {
		char *safe = columns_escape(client_why(top->ctl->client));

		snprintf(top->state.trouble, sizeof(top->state.trouble), "%.200s; trying again",
			safe != NULL && safe[0] != '\0' ? safe : "no answer");
		free(safe);
	}
	top->due = clock_s() + top->state.interval_s;
	top->ask = false;
}

static void loop(struct top *top)
{
	draw(top);
	top->due = clock_s() + top->state.interval_s;
	while (!top->quit) {
		double left = top->due - clock_s();

		if (left <= 0 || top->ask) {
			refresh(top);
			if (!top->quit) {
				draw(top);
			}
			continue;
		}
		take_key(top, (int)(left * 1000) + 1);
	}
}

static int run_screen(struct top *top)
{
	if (!isatty(STDOUT_FILENO) || term_open(&top->term) != 0) {
		ctl_complain("watch", "there is no terminal",
			"--once prints one sample, --json the same for scripts");
		return CTL_USAGE;
	}
	top->ctl->silent = true;
	client_set_wake(top->ctl->client, top->term.epoll, on_wake, top);
	loop(top);
	client_set_wake(top->ctl->client, -1, NULL, NULL);
	term_close(&top->term);
	if (top->term.signal != 0 && top->term.signal != SIGINT) {
		raise(top->term.signal); /* who sent it shall see that it worked */
	}
	return CTL_OK;
}

/* ---------------------------------------------------------------- one sample */

static json_t *rows_of(const struct top *top, enum top_view view)
{
	json_t *rows = top_rows(&top->now, before_of(top), view, top->state.filter);

	if (rows != NULL &&
		top_sort(rows, view, top->state.column[view], top->state.reverse[view]) != 0) {
		json_decref(rows);
		return NULL;
	}
	return rows;
}

static int print_json(const struct top *top)
{
	json_t *json = json_pack("{s:f, s:o, s:o, s:o, s:o}", "seconds",
		top->now.at - top->before.at, "totals", top_totals(&top->now, before_of(top)),
		"rooms", rows_of(top, TOP_ROOMS), "participants", rows_of(top, TOP_PARTICIPANTS),
		"reflectors", rows_of(top, TOP_REFLECTORS));
	int status = listing_json(json);

	json_decref(json);
	return status;
}

static int run_once(struct top *top)
{
	struct timespec pause = { .tv_sec = (time_t)top->state.interval_s };
	struct top_sample sample;
	char *text;
	int status;

	pause.tv_nsec = (long)((top->state.interval_s - (double)pause.tv_sec) * 1e9);
	while (nanosleep(&pause, &pause) != 0 && errno == EINTR) {
	}
	status = take_sample(top->ctl, &sample);
	if (status != CTL_OK) {
		return status;
	}
	top->before = top->now;
	top->now = sample;
	if (top->ctl->json) {
		return print_json(top);
	}
	text = top_render_table(&top->now, before_of(top), &top->state, top->ctl->colour);
	fputs(text != NULL ? text : "", stdout);
	free(text);
	return text != NULL ? CTL_OK : CTL_FAILED;
}

/* ---------------------------------------------------------------- options */

static int bad_option(const char *what, const char *why, const char *todo)
{
	ctl_complain(what, why, todo);
	return CTL_USAGE;
}

static int read_sort(struct top_state *state, const char *sort)
{
	bool reverse = sort[0] == '-';
	int column = top_column_find(state->view, sort + (reverse ? 1 : 0));

	if (column < 0) {
		return bad_option("use --sort", "the view has no such column",
			"the titles of the columns are the names: --sort out, --sort -room");
	}
	state->column[state->view] = column;
	state->reverse[state->view] = reverse;
	return CTL_OK;
}

static int read_options(const struct ctl *ctl, struct top_state *state)
{
	const char *const *value = ctl->options.value;

	*state = (struct top_state){ .interval_s = INTERVAL_DEFAULT_S,
		.where = client_where(ctl->client) };
	state->column[TOP_ROOMS] = top_column_find(TOP_ROOMS, "OUT");
	state->column[TOP_PARTICIPANTS] = top_column_find(TOP_PARTICIPANTS, "OUT");
	if (value[OPT_VIEW] != NULL) {
		state->view = top_view_find(value[OPT_VIEW]);
		if (state->view == TOP_VIEWS) {
			return bad_option("use --view", "there is no such view",
				"rooms, participants or reflectors");
		}
	}
	if (value[OPT_INTERVAL] != NULL) {
		char *end;

		state->interval_s = strtod(value[OPT_INTERVAL], &end);
		if (*end != '\0' || !(state->interval_s >= INTERVAL_LEAST_S) ||
			state->interval_s > INTERVAL_MOST_S) {
			return bad_option("use --interval", "it is no number from 0.2 to 60",
				"seconds between two samples");
		}
	}
	if (value[OPT_FILTER] != NULL) {
		snprintf(state->filter, sizeof(state->filter), "%s", value[OPT_FILTER]);
	}
	return value[OPT_SORT] != NULL ? read_sort(state, value[OPT_SORT]) : CTL_OK;
}

int top_run(struct ctl *ctl)
{
	struct top top = { .ctl = ctl };
	int status = read_options(ctl, &top.state);

	if (status == CTL_OK) {
		status = take_sample(ctl, &top.now);
	}
	if (status == CTL_OK) {
		status = ctl->json || ctl->options.value[OPT_ONCE] != NULL ? run_once(&top)
									   : run_screen(&top);
	}
	top_sample_finish(&top.now);
	top_sample_finish(&top.before);
	return status;
}
