/*
 * minimal: the smallest useful program on libhelio, the one in doc/sdk.md: joins a room, prints who
 * comes and goes and what is written, and sends what is typed. helio-call is the larger example.
 */
#include <helio.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* Text of strangers: no control character of it (C0, DEL, C1 in UTF-8) may steer the terminal. */
static void print_chat(const struct helio_chat *chat)
{
	unsigned char before = 0;

	printf("%s: ", chat->from_id);
	for (size_t i = 0; i < chat->length; i++) {
		unsigned char c = (unsigned char)chat->text[i];
		int control = c < 0x20 || c == 0x7f || (before == 0xc2 && c < 0xa0);

		putchar(control ? ' ' : c);
		before = c;
	}
	putchar('\n');
}

static void on_event(struct helio *h, const struct helio_event *event, void *user)
{
	int *over = user; /* 0; 1 when the session has ended well, 2 badly */

	(void)h;
	switch (event->type) {
	case HELIO_EVENT_JOINED: /* this one is ourselves */
	case HELIO_EVENT_PARTICIPANT_JOINED:
		printf("%s (%s) is here\n", event->participant->id, event->participant->name);
		break;
	case HELIO_EVENT_PARTICIPANT_LEFT:
		printf("%s has left\n", event->participant->id);
		break;
	case HELIO_EVENT_CHAT:
		print_chat(event->chat);
		break;
	case HELIO_EVENT_CLOSED:
		*over = event->error == HELIO_OK ? 1 : 2;
		printf("closed: %s\n", helio_error_text(event->error));
		break;
	default:
		break;
	}
	fflush(stdout);
}

/* What was typed becomes chat; the end of input is the end of the visit, and returns 0. */
static int read_input(struct helio *h)
{
	char line[4096];
	ssize_t length = read(STDIN_FILENO, line, sizeof(line));

	if (length <= 0) {
		helio_leave(h);
	} else if (helio_chat(h, 0, line, (size_t)length, NULL) != HELIO_OK) {
		fprintf(stderr, "not sent\n");
	}
	return length > 0;
}

int main(int argc, char **argv)
{
	struct helio_config config = HELIO_CONFIG_INIT;
	struct helio_callbacks callbacks = HELIO_CALLBACKS_INIT;
	int over = 0;
	struct helio *h;

	if (argc != 5) {
		fprintf(stderr, "usage: HELIO_PASSWORD=... minimal AUTHD_URL CA_FILE USER ROOM\n");
		return 1;
	}
	config.authd_url = argv[1];
	config.authd_ca_file = argv[2];
	config.user = argv[3];
	config.room = argv[4];
	config.password = getenv("HELIO_PASSWORD");
	callbacks.on_event = on_event;
	int err = helio_create(&h, &config, &callbacks, &over);
	if (err != HELIO_OK || (err = helio_join(h)) != HELIO_OK) {
		fprintf(stderr, "cannot start: %s\n", helio_error_text(err));
		return 1;
	}
	struct pollfd fds[2] = { { .fd = helio_fd(h), .events = POLLIN },
		{ .fd = STDIN_FILENO, .events = POLLIN } };
	while (!over) {
		poll(fds, 2, helio_timeout_ms(h));
		if (fds[1].revents != 0 && !read_input(h)) {
			fds[1].fd = -1;
		}
		helio_dispatch(h);
	}
	helio_destroy(h);
	return over - 1;
}
