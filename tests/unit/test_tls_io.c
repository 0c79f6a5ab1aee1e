/*
 * tls_io over socket pairs: who is let in, how an end is told apart, and that a full socket buffer
 * loses nothing.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>

#include "proto/tls_io.h"
#include "tests/unit/tls_fixture.h"

struct fixture {
	struct tls_ca ca;
	struct tls_ca other_ca;
	struct tls_identity server;
	struct tls_identity client;
	gnutls_certificate_credentials_t server_creds;
	gnutls_certificate_credentials_t trusting; /* a client that trusts the CA */
	gnutls_certificate_credentials_t empty;
};

struct link {
	int fds[2]; /* client, server */
	struct tls_io client;
	struct tls_io server;
	enum tls_io_result client_result;
	enum tls_io_result server_result;
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	tls_ca_init(&f->ca);
	tls_ca_init(&f->other_ca);
	tls_identity_init(&f->server, &f->ca, &(struct tls_wish){ .name = "r1.example" });
	tls_identity_init(&f->client, &f->ca, &(struct tls_wish){ .name = "authd.example" });
	f->server_creds = tls_fixture_creds(&f->server, &f->ca);
	f->trusting = tls_fixture_creds(NULL, &f->ca);
	f->empty = tls_fixture_creds(NULL, NULL);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	gnutls_certificate_free_credentials(f->server_creds);
	gnutls_certificate_free_credentials(f->trusting);
	gnutls_certificate_free_credentials(f->empty);
	tls_identity_finish(&f->server);
	tls_identity_finish(&f->client);
	tls_ca_finish(&f->ca);
	tls_ca_finish(&f->other_ca);
	free(f);
	return 0;
}

static struct tls_io_server server_conf(const struct fixture *f)
{
	return (struct tls_io_server){ .creds = f->server_creds, .alpn = "helio/1" };
}

static struct tls_io_client client_conf(const struct fixture *f)
{
	return (struct tls_io_client){ .creds = f->trusting,
		.alpn = "helio/1",
		.tls_name = "r1.example",
		.require_ca = true };
}

static void link_shake(
	struct link *l, const struct tls_io_client *client, const struct tls_io_server *server)
{
	tls_fixture_pair(l->fds);
	assert_int_equal(tls_io_init_client(&l->client, l->fds[0], client), 0);
	assert_int_equal(tls_io_init_server(&l->server, l->fds[1], server), 0);
	tls_fixture_shake(&l->client, &l->server, &l->client_result, &l->server_result);
}

static void link_open(struct link *l, const struct fixture *f)
{
	const struct tls_io_client client = client_conf(f);
	const struct tls_io_server server = server_conf(f);

	link_shake(l, &client, &server);
	assert_int_equal(l->client_result, TLS_IO_OK);
	assert_int_equal(l->server_result, TLS_IO_OK);
}

static void link_close(struct link *l)
{
	tls_io_finish(&l->client);
	tls_io_finish(&l->server);
	for (int i = 0; i < 2; i++) {
		if (l->fds[i] >= 0) {
			close(l->fds[i]);
		}
	}
}

/* Both ends must refuse; the client says why. */
static void expect_refused(
	const struct tls_io_client *client, const struct tls_io_server *server, int err)
{
	struct link l;

	link_shake(&l, client, server);
	assert_int_equal(l.client_result, TLS_IO_FAILED);
	assert_int_equal(l.client.err, err);
	assert_non_null(l.client.detail);
	assert_int_not_equal(l.server_result, TLS_IO_OK);
	link_close(&l);
}

static void test_ca_and_name(void **state)
{
	const struct fixture *f = *state;
	struct link l;

	link_open(&l, f);
	assert_int_equal(tls_io_peer_names(&l.client, "r1.example"), 0);
	assert_int_equal(tls_io_peer_names(&l.client, "r2.example"), ERR_TLS_CERT);
	link_close(&l);
}

static void test_wrong_name(void **state)
{
	const struct fixture *f = *state;
	struct tls_io_client client = client_conf(f);
	const struct tls_io_server server = server_conf(f);

	client.tls_name = "r2.example";
	expect_refused(&client, &server, ERR_TLS_CERT);
	client.tls_name = "192.0.2.1";
	expect_refused(&client, &server, ERR_TLS_CERT);
}

static void test_wrong_ca(void **state)
{
	const struct fixture *f = *state;
	struct tls_io_client client = client_conf(f);
	const struct tls_io_server server = server_conf(f);

	client.creds = f->empty;
	expect_refused(&client, &server, ERR_TLS_CERT);
	client.creds = tls_fixture_creds(NULL, &f->other_ca);
	expect_refused(&client, &server, ERR_TLS_CERT);
	gnutls_certificate_free_credentials(client.creds);
}

static void test_expired(void **state)
{
	const struct fixture *f = *state;
	const struct tls_io_client client = client_conf(f);
	struct tls_io_server server = server_conf(f);
	struct tls_identity old;

	tls_identity_init(
		&old, &f->ca, &(struct tls_wish){ .name = "r1.example", .expired = true });
	server.creds = tls_fixture_creds(&old, NULL);
	expect_refused(&client, &server, ERR_TLS_CERT);
	gnutls_certificate_free_credentials(server.creds);
	tls_identity_finish(&old);
}

static void test_wrong_purpose(void **state)
{
	const struct fixture *f = *state;
	const struct tls_io_client client = client_conf(f);
	struct tls_io_server server = server_conf(f);
	struct tls_identity id;

	tls_identity_init(&id, &f->ca,
		&(struct tls_wish){ .name = "r1.example", .purpose = GNUTLS_KP_TLS_WWW_CLIENT });
	server.creds = tls_fixture_creds(&id, NULL);
	expect_refused(&client, &server, ERR_TLS_CERT);
	gnutls_certificate_free_credentials(server.creds);
	tls_identity_finish(&id);
}

static void test_ip_literal(void **state)
{
	static const char *const names[] = { "127.0.0.1", "::1" };
	const struct fixture *f = *state;

	for (size_t i = 0; i < 2; i++) {
		struct tls_io_client client = client_conf(f);
		struct tls_io_server server = server_conf(f);
		struct tls_identity id;
		struct link l;
		char sni[64];
		size_t len = sizeof(sni);
		unsigned type = 0;

		tls_identity_init(&id, &f->ca, &(struct tls_wish){ .name = names[i] });
		server.creds = tls_fixture_creds(&id, NULL);
		client.tls_name = names[i];
		link_shake(&l, &client, &server);
		assert_int_equal(l.client_result, TLS_IO_OK);
		assert_int_equal(l.server_result, TLS_IO_OK);
		assert_int_equal(gnutls_server_name_get(l.server.session, sni, &len, &type, 0),
			GNUTLS_E_REQUESTED_DATA_NOT_AVAILABLE);
		link_close(&l);
		gnutls_certificate_free_credentials(server.creds);
		tls_identity_finish(&id);
	}
}

static void test_pin(void **state)
{
	const struct fixture *f = *state;
	const struct tls_io_server server = server_conf(f);
	struct tls_io_client client = { .creds = f->empty,
		.alpn = "helio/1",
		.tls_name = "whatever.example",
		.spki_pin = f->server.pin };
	struct link l;

	/* the pin alone: unknown CA, other name */
	link_shake(&l, &client, &server);
	assert_int_equal(l.client_result, TLS_IO_OK);
	assert_int_equal(l.server_result, TLS_IO_OK);
	link_close(&l);

	client.spki_pin = f->client.pin;
	expect_refused(&client, &server, ERR_TLS_PIN);

	/* both asked for: both must hold */
	client = client_conf(f);
	client.spki_pin = f->client.pin;
	expect_refused(&client, &server, ERR_TLS_PIN);
	client.spki_pin = f->server.pin;
	client.tls_name = "r2.example";
	expect_refused(&client, &server, ERR_TLS_CERT);
}

static void test_alpn(void **state)
{
	const struct fixture *f = *state;
	struct tls_io_client client = client_conf(f);
	const struct tls_io_server server = server_conf(f);
	struct link l;

	client.alpn = "helio-link/1";
	expect_refused(&client, &server, ERR_TLS);

	/* a peer that names no protocol at all */
	client.alpn = "helio/1";
	tls_fixture_pair(l.fds);
	assert_int_equal(tls_io_init_client(&l.client, l.fds[0], &client), 0);
	gnutls_deinit(l.client.session);
	assert_int_equal(gnutls_init(&l.client.session, GNUTLS_CLIENT | GNUTLS_NONBLOCK), 0);
	assert_int_equal(gnutls_priority_set_direct(l.client.session, TLS_IO_PRIORITY, NULL), 0);
	assert_int_equal(
		gnutls_credentials_set(l.client.session, GNUTLS_CRD_CERTIFICATE, f->trusting), 0);
	gnutls_transport_set_int(l.client.session, l.fds[0]);
	assert_int_equal(tls_io_init_server(&l.server, l.fds[1], &server), 0);
	tls_fixture_shake(&l.client, &l.server, &l.client_result, &l.server_result);
	assert_int_equal(l.client_result, TLS_IO_FAILED);
	assert_int_equal(l.server_result, TLS_IO_FAILED);
	assert_int_equal(l.server.err, ERR_TLS);
	link_close(&l);
}

static void test_client_cert(void **state)
{
	const struct fixture *f = *state;
	struct tls_io_client client = client_conf(f);
	struct tls_io_server server = server_conf(f);
	struct tls_identity stranger;
	struct link l;

	server.want_client_cert = true;
	client.creds = tls_fixture_creds(&f->client, &f->ca);
	link_shake(&l, &client, &server);
	assert_int_equal(l.server_result, TLS_IO_OK);
	assert_int_equal(tls_io_peer_names(&l.server, "authd.example"), 0);
	assert_int_equal(tls_io_peer_names(&l.server, "evil.example"), ERR_TLS_CERT);
	link_close(&l);
	gnutls_certificate_free_credentials(client.creds);

	client.creds = f->trusting; /* none at all */
	link_shake(&l, &client, &server);
	assert_int_equal(l.server_result, TLS_IO_FAILED);
	assert_int_equal(l.server.err, ERR_TLS_CERT);
	link_close(&l);

	tls_identity_init(&stranger, &f->other_ca, &(struct tls_wish){ .name = "authd.example" });
	client.creds = tls_fixture_creds(&stranger, &f->ca);
	link_shake(&l, &client, &server);
	assert_int_equal(l.server_result, TLS_IO_FAILED);
	assert_int_equal(l.server.err, ERR_TLS_CERT);
	link_close(&l);
	gnutls_certificate_free_credentials(client.creds);
	tls_identity_finish(&stranger);

	/* one of ours, but whom it names is anybody's guess */
	tls_identity_init(&stranger, &f->ca, &(struct tls_wish){ .name = "*.example" });
	client.creds = tls_fixture_creds(&stranger, &f->ca);
	link_shake(&l, &client, &server);
	assert_int_equal(l.server_result, TLS_IO_OK);
	assert_int_equal(tls_io_peer_names(&l.server, "authd.example"), ERR_TLS_CERT);
	link_close(&l);
	gnutls_certificate_free_credentials(client.creds);
	tls_identity_finish(&stranger);
}

static void test_bad_arguments(void **state)
{
	const struct fixture *f = *state;
	struct tls_io io;
	struct tls_io_client c = client_conf(f);
	struct tls_io_server s = server_conf(f);

	c.require_ca = false;
	assert_int_equal(tls_io_init_client(&io, 0, &c), ERR_INVALID);
	c.spki_pin = "sha256/short";
	assert_int_equal(tls_io_init_client(&io, 0, &c), ERR_INVALID);
	c.spki_pin = "sha256/!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!=";
	assert_int_equal(tls_io_init_client(&io, 0, &c), ERR_INVALID);
	c = client_conf(f);
	c.tls_name = NULL;
	assert_int_equal(tls_io_init_client(&io, 0, &c), ERR_INVALID);
	c = client_conf(f);
	c.alpn = NULL;
	assert_int_equal(tls_io_init_client(&io, 0, &c), ERR_INVALID);
	s.creds = NULL;
	assert_int_equal(tls_io_init_server(&io, 0, &s), ERR_INVALID);
	memset(&io, 0, sizeof(io));
	tls_io_finish(&io);
	tls_io_bye(&io);
}

static void test_garbage(void **state)
{
	const struct fixture *f = *state;
	const struct tls_io_server conf = server_conf(f);
	static const char junk[] = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";
	struct tls_io io;
	int fds[2];

	tls_fixture_pair(fds);
	assert_int_equal(tls_io_init_server(&io, fds[1], &conf), 0);
	assert_int_equal(tls_io_handshake(&io), TLS_IO_WANT_READ);
	assert_int_equal(write(fds[0], junk, sizeof(junk)), sizeof(junk));
	assert_int_equal(tls_io_handshake(&io), TLS_IO_FAILED);
	assert_int_equal(io.err, ERR_TLS);
	assert_int_equal(tls_io_handshake(&io), TLS_IO_FAILED);
	tls_io_finish(&io);
	close(fds[0]);
	close(fds[1]);
}

static void test_cut_in_handshake(void **state)
{
	const struct fixture *f = *state;
	const struct tls_io_server conf = server_conf(f);
	struct tls_io io;
	int fds[2];

	tls_fixture_pair(fds);
	assert_int_equal(tls_io_init_server(&io, fds[1], &conf), 0);
	close(fds[0]);
	assert_int_equal(tls_io_handshake(&io), TLS_IO_LOST);
	tls_io_finish(&io);
	close(fds[1]);
}

static void test_ends(void **state)
{
	const struct fixture *f = *state;
	struct link l;
	char buf[64];
	size_t n = 1;

	link_open(&l, f);
	assert_int_equal(tls_io_recv(&l.server, buf, sizeof(buf), &n), TLS_IO_WANT_READ);
	assert_int_equal(n, 0);
	assert_int_equal(tls_io_send(&l.client, "hello", 5), TLS_IO_OK);
	tls_io_bye(&l.client);
	tls_io_bye(&l.client);
	assert_int_equal(tls_io_recv(&l.server, buf, 2, &n), TLS_IO_OK);
	assert_int_equal(n, 2);
	assert_true(tls_io_readable(&l.server));
	assert_int_equal(tls_io_recv(&l.server, buf, sizeof(buf), &n), TLS_IO_OK);
	assert_int_equal(n, 3);
	assert_false(tls_io_readable(&l.server));
	assert_int_equal(tls_io_recv(&l.server, buf, sizeof(buf), &n), TLS_IO_EOF);
	link_close(&l);

	link_open(&l, f);
	close(l.fds[0]);
	l.fds[0] = -1;
	assert_int_equal(tls_io_recv(&l.server, buf, sizeof(buf), &n), TLS_IO_LOST);
	assert_int_equal(n, 0);
	/* and no SIGPIPE */
	assert_int_equal(tls_io_send(&l.server, "x", 1), TLS_IO_LOST);
	link_close(&l);
}

/* Bytes that are not TLS inside an established session. */
static void test_broken_record(void **state)
{
	const struct fixture *f = *state;
	static const char junk[64] = { 0x17, 3, 3, 0, 40, 1, 2, 3 };
	struct link l;
	char buf[64];
	size_t n = 0;

	link_open(&l, f);
	assert_int_equal(write(l.fds[0], junk, sizeof(junk)), sizeof(junk));
	assert_int_equal(tls_io_recv(&l.server, buf, sizeof(buf), &n), TLS_IO_FAILED);
	assert_int_equal(l.server.err, ERR_TLS);
	link_close(&l);
}

static void test_full_buffer(void **state)
{
	enum { TOTAL = 1 << 20, PIECE = 16384 };
	const struct fixture *f = *state;
	struct link l;
	uint8_t piece[PIECE];
	uint8_t got[5000];
	size_t sent = 0;
	size_t received = 0;
	unsigned waits = 0;
	const int small = 8192;

	link_open(&l, f);
	assert_int_equal(setsockopt(l.fds[0], SOL_SOCKET, SO_SNDBUF, &small, sizeof(small)), 0);
	while (received < TOTAL) {
		enum tls_io_result r = TLS_IO_OK;
		size_t n = 0;

		if (l.client.pending > 0) {
			r = tls_io_flush(&l.client);
		} else if (sent < TOTAL) {
			for (size_t i = 0; i < PIECE; i++) {
				piece[i] = (uint8_t)((sent + i) * 31 >> 3);
			}
			r = tls_io_send(&l.client, piece, PIECE);
			sent += PIECE;
			/* the caller's memory is no longer needed, whatever the answer was */
			memset(piece, 0, sizeof(piece));
		}
		if (r == TLS_IO_WANT_WRITE) {
			waits++;
			assert_int_equal(l.client.pending, PIECE);
		} else {
			assert_int_equal(r, TLS_IO_OK);
			assert_int_equal(l.client.pending, 0);
		}
		while (tls_io_recv(&l.server, got, sizeof(got), &n) == TLS_IO_OK) {
			for (size_t i = 0; i < n; i++) {
				assert_int_equal(got[i], (uint8_t)((received + i) * 31 >> 3));
			}
			received += n;
		}
	}
	assert_int_equal(received, TOTAL);
	assert_true(waits > 10);
	link_close(&l);
}

static void test_send_rules(void **state)
{
	static const uint8_t big[16385];
	const struct fixture *f = *state;
	struct link l;

	link_open(&l, f);
	assert_int_equal(tls_io_send(&l.client, big, 0), TLS_IO_OK);
	assert_int_equal(tls_io_flush(&l.client), TLS_IO_OK);
	assert_int_equal(tls_io_send(&l.client, big, 16384), TLS_IO_OK);
	assert_int_equal(tls_io_send(&l.client, big, 16385), TLS_IO_FAILED);
	assert_int_equal(l.client.err, ERR_INVALID);
	link_close(&l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ca_and_name),
		cmocka_unit_test(test_wrong_name),
		cmocka_unit_test(test_wrong_ca),
		cmocka_unit_test(test_expired),
		cmocka_unit_test(test_wrong_purpose),
		cmocka_unit_test(test_ip_literal),
		cmocka_unit_test(test_pin),
		cmocka_unit_test(test_alpn),
		cmocka_unit_test(test_client_cert),
		cmocka_unit_test(test_bad_arguments),
		cmocka_unit_test(test_garbage),
		cmocka_unit_test(test_cut_in_handshake),
		cmocka_unit_test(test_ends),
		cmocka_unit_test(test_broken_record),
		cmocka_unit_test(test_full_buffer),
		cmocka_unit_test(test_send_rules),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
