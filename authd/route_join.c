/*
 * route_join: the page behind an invite link, for those who open it in a browser. The token stands
 * behind the link's "#", which browsers keep to themselves: this page must never ask for it, so it
 * has no script and loads nothing.
 */
#include <microhttpd.h>
#include <string.h>

#include "authd/route_handlers.h"

static const char page[] =
	"<!DOCTYPE html>\n"
	"<html lang=\"en\">\n"
	"<head>\n"
	"<meta charset=\"utf-8\">\n"
	"<meta name=\"viewport\" content=\"width=device-width\">\n"
	"<meta name=\"color-scheme\" content=\"light dark\">\n"
	"<meta name=\"robots\" content=\"noindex\">\n"
	"<title>You are invited to a meeting</title>\n"
	"</head>\n"
	"<body>\n"
	"<h1>You are invited to a meeting</h1>\n"
	"<p>This page is not the meeting: it opens in your meeting app.</p>\n"
	"<ol>\n"
	"<li>Copy the whole address of this page, from <code>https://</code> to its very end.</li>\n"
	"<li>Open your meeting app, choose to join with a link, and paste it there.</li>\n"
	"<li>Say who you are. If you are asked for a passcode, it came with the invitation.</li>\n"
	"</ol>\n"
	"<p>In a terminal: <code>helio-call --invite 'ADDRESS' --name 'Your name'</code></p>\n"
	"<p>Whoever has the address can use it: treat it like a key. What stands behind the\n"
	"<code>#</code> was not sent to this server when you opened the page.</p>\n"
	"</body>\n"
	"</html>\n";

void route_join_get(const struct route_call *call)
{
	http_reply_text(call->reply, MHD_HTTP_OK, "text/html; charset=utf-8", strdup(page));
}
