/*
 * curl_loop: libcurl on our epoll descriptor. Nothing here waits: curl is told what is ready and
 * when its timer is over, and cancelling never waits for its resolver thread (QUICK_EXIT).
 */
#include "client-sdk/curl_loop.h"

#include <pthread.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static pthread_once_t curl_once = PTHREAD_ONCE_INIT;

static void curl_init(void)
{
	/* A failure shows again, and is reported, when the first handle is made. */
	(void)curl_global_init(CURL_GLOBAL_ALL);
}

static curl_socket_t open_socket(void *user, curlsocktype purpose, struct curl_sockaddr *address)
{
	(void)user;
	(void)purpose;
	return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

CURL *curl_loop_easy(const char *url, const char *scheme, char *error_text)
{
	CURL *easy;
	CURLcode rc;

	pthread_once(&curl_once, curl_init);
	easy = curl_easy_init();
	if (easy == NULL) {
		return NULL;
	}
	error_text[0] = '\0';
	rc = curl_easy_setopt(easy, CURLOPT_URL, url);
	rc = rc != 0 ? rc : curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, scheme);
	rc = rc != 0 ? rc : curl_easy_setopt(easy, CURLOPT_PROXY, "");
	rc = rc != 0 ? rc : curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	rc = rc != 0 ? rc : curl_easy_setopt(easy, CURLOPT_NOPROGRESS, 1L);
	rc = rc != 0 ? rc : curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
	rc = rc != 0 ? rc : curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L);
	rc = rc != 0 ? rc : curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, error_text);
	rc = rc != 0 ? rc : curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, open_socket);
	if (rc != CURLE_OK) {
		curl_easy_cleanup(easy);
		return NULL;
	}
	return easy;
}

static int on_socket(CURL *easy, curl_socket_t fd, int what, void *user, void *socket_user)
{
	struct curl_loop *curl = user;
	unsigned events = 0;

	(void)easy;
	(void)socket_user;
	if (what == CURL_POLL_IN || what == CURL_POLL_INOUT) {
		events |= LOOP_READ;
	}
	if (what == CURL_POLL_OUT || what == CURL_POLL_INOUT) {
		events |= LOOP_WRITE;
	}
	return loop_watch(curl->loop, LOOP_CURL, fd, events) == 0 ? 0 : -1;
}

static int on_timer(CURLM *multi, long timeout_ms, void *user)
{
	struct curl_loop *curl = user;

	(void)multi;
	curl->timer_at = timeout_ms < 0 ? -1 : loop_now_ms() + timeout_ms;
	return 0;
}

static int multi_create(struct curl_loop *curl)
{
	CURLMcode rc;

	curl->multi = curl_multi_init();
	if (curl->multi == NULL) {
		return ERR_NOMEM;
	}
	rc = curl_multi_setopt(curl->multi, CURLMOPT_SOCKETFUNCTION, on_socket);
	rc = rc != 0 ? rc : curl_multi_setopt(curl->multi, CURLMOPT_SOCKETDATA, curl);
	rc = rc != 0 ? rc : curl_multi_setopt(curl->multi, CURLMOPT_TIMERFUNCTION, on_timer);
	rc = rc != 0 ? rc : curl_multi_setopt(curl->multi, CURLMOPT_TIMERDATA, curl);
	return rc == CURLM_OK ? 0 : ERR_INTERNAL;
}

int curl_loop_start(struct curl_loop *curl, struct loop *loop, CURL *easy)
{
	int err;

	curl_loop_stop(curl);
	curl->loop = loop;
	curl->timer_at = -1;
	err = multi_create(curl);
	if (err == 0 && curl_multi_add_handle(curl->multi, easy) != CURLM_OK) {
		err = ERR_NOMEM;
	}
	if (err != 0) {
		curl_easy_cleanup(easy);
		curl_loop_stop(curl);
		return err;
	}
	curl->easy = easy;
	return 0;
}

void curl_loop_ready(struct curl_loop *curl, int fd, unsigned events)
{
	int mask = 0;
	int running;

	if (curl->multi == NULL) {
		return;
	}
	if ((events & LOOP_READ) != 0) {
		mask |= CURL_CSELECT_IN;
	}
	if ((events & LOOP_WRITE) != 0) {
		mask |= CURL_CSELECT_OUT;
	}
	(void)curl_multi_socket_action(curl->multi, fd, mask, &running);
}

void curl_loop_tick(struct curl_loop *curl, int64_t now)
{
	int running;

	if (curl->multi != NULL && curl->timer_at >= 0 && now >= curl->timer_at) {
		curl->timer_at = -1;
		(void)curl_multi_socket_action(curl->multi, CURL_SOCKET_TIMEOUT, 0, &running);
	}
}

bool curl_loop_finished(struct curl_loop *curl, CURLcode *result)
{
	int left;
	CURLMsg *msg;

	if (curl->multi == NULL) {
		return false;
	}
	msg = curl_multi_info_read(curl->multi, &left);
	if (msg == NULL || msg->msg != CURLMSG_DONE) {
		return false;
	}
	*result = msg->data.result;
	return true;
}

void curl_loop_stop(struct curl_loop *curl)
{
	if (curl->easy != NULL) {
		(void)curl_multi_remove_handle(curl->multi, curl->easy);
		curl_easy_cleanup(curl->easy);
		curl->easy = NULL;
	}
	if (curl->multi != NULL) {
		(void)curl_multi_cleanup(curl->multi);
		curl->multi = NULL;
	}
	curl->timer_at = -1;
}

int curl_loop_error(CURLcode code)
{
	switch (code) {
	case CURLE_OK:
		return 0;
	case CURLE_OUT_OF_MEMORY:
		return ERR_NOMEM;
	case CURLE_COULDNT_RESOLVE_HOST:
		return ERR_DNS;
	case CURLE_COULDNT_RESOLVE_PROXY:
	case CURLE_PROXY:
		return ERR_PROXY;
	case CURLE_COULDNT_CONNECT:
		return ERR_CONNECT;
	case CURLE_OPERATION_TIMEDOUT:
		return ERR_TIMEOUT;
	case CURLE_PEER_FAILED_VERIFICATION:
	case CURLE_SSL_ISSUER_ERROR:
	case CURLE_SSL_INVALIDCERTSTATUS:
		return ERR_TLS_CERT;
	case CURLE_SSL_CACERT_BADFILE:
		return ERR_CONFIG;
	case CURLE_SSL_CONNECT_ERROR:
	case CURLE_SSL_CIPHER:
	case CURLE_USE_SSL_FAILED:
		return ERR_TLS;
	case CURLE_SEND_ERROR:
	case CURLE_RECV_ERROR:
	case CURLE_PARTIAL_FILE:
	case CURLE_GOT_NOTHING:
		return ERR_LOST;
	default:
		return ERR_HTTP;
	}
}
