/*
 * tls_creds: files good and bad, pins, and keys that are used through a function in a real
 * TLS 1.3 handshake.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>

#include "common/tls_creds.h"
#include "tests/unit/tls_fixture.h"

struct fixture {
	struct tls_ca ca;
	char dir[64];
};

struct signer {
	gnutls_privkey_t key;
	unsigned calls;
	bool refuse;
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	tls_ca_init(&f->ca);
	strcpy(f->dir, "/tmp/helio-creds-XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	tls_ca_finish(&f->ca);
	assert_int_equal(rmdir(f->dir), 0);
	free(f);
	return 0;
}

static int sign_with(void *user, gnutls_sign_algorithm_t algo, const gnutls_datum_t *data,
	gnutls_datum_t *signature)
{
	struct signer *s = user;

	s->calls++;
	return s->refuse ? ERR_INTERNAL : tls_creds_sign(s->key, algo, data, signature);
}

static void signer_init(struct signer *s, const struct tls_identity *id)
{
	memset(s, 0, sizeof(*s));
	assert_int_equal(gnutls_privkey_init(&s->key), 0);
	assert_int_equal(
		gnutls_privkey_import_x509_raw(s->key, &id->key, GNUTLS_X509_FMT_PEM, NULL, 0), 0);
}

static int create_external(
	gnutls_certificate_credentials_t *out, const struct tls_identity *id, struct signer *s)
{
	return tls_creds_create_external(
		out, (const char *)id->cert.data, id->cert.size, sign_with, s);
}

static void shake(gnutls_certificate_credentials_t server_creds, const struct tls_identity *id,
	enum tls_io_result *client_result, enum tls_io_result *server_result)
{
	const struct tls_io_server server = { .creds = server_creds, .alpn = "helio/1" };
	gnutls_certificate_credentials_t empty = tls_fixture_creds(NULL, NULL);
	const struct tls_io_client client = {
		.creds = empty, .alpn = "helio/1", .spki_pin = id->pin
	};
	struct tls_io c;
	struct tls_io s;
	int fds[2];

	tls_fixture_pair(fds);
	assert_int_equal(tls_io_init_client(&c, fds[0], &client), 0);
	assert_int_equal(tls_io_init_server(&s, fds[1], &server), 0);
	tls_fixture_shake(&c, &s, client_result, server_result);
	tls_io_finish(&c);
	tls_io_finish(&s);
	close(fds[0]);
	close(fds[1]);
	gnutls_certificate_free_credentials(empty);
}

static void test_external(void **state)
{
	static const gnutls_pk_algorithm_t pks[] = { GNUTLS_PK_ECDSA, GNUTLS_PK_EDDSA_ED25519,
		GNUTLS_PK_RSA };
	const struct fixture *f = *state;

	for (size_t i = 0; i < sizeof(pks) / sizeof(pks[0]); i++) {
		struct tls_identity id;
		struct signer s;
		gnutls_certificate_credentials_t creds = NULL;
		enum tls_io_result client = TLS_IO_OK;
		enum tls_io_result server = TLS_IO_OK;

		tls_identity_init(
			&id, &f->ca, &(struct tls_wish){ .pk = pks[i], .name = "r1.example" });
		signer_init(&s, &id);
		assert_int_equal(create_external(&creds, &id, &s), 0);
		unsigned before = s.calls;
		shake(creds, &id, &client, &server);
		assert_int_equal(client, TLS_IO_OK);
		assert_int_equal(server, TLS_IO_OK);
		assert_int_equal(s.calls, before + 1);

		s.refuse = true;
		shake(creds, &id, &client, &server);
		assert_int_not_equal(client, TLS_IO_OK);
		assert_int_equal(server, TLS_IO_FAILED);

		gnutls_certificate_free_credentials(creds);
		gnutls_privkey_deinit(s.key);
		tls_identity_finish(&id);
	}
}

static void test_external_bad(void **state)
{
	const struct fixture *f = *state;
	struct tls_identity id;
	struct tls_identity other;
	struct signer s;
	gnutls_certificate_credentials_t creds = NULL;

	tls_identity_init(&id, &f->ca, &(struct tls_wish){ .name = "r1.example" });
	tls_identity_init(&other, &f->ca, &(struct tls_wish){ .name = "r2.example" });
	signer_init(&s, &other);
	assert_int_equal(create_external(&creds, &id, &s), ERR_CONFIG);
	s.refuse = true;
	assert_int_equal(create_external(&creds, &other, &s), ERR_CONFIG);
	assert_int_equal(tls_creds_create_external(&creds, "no PEM", 6, sign_with, &s), ERR_CONFIG);
	assert_int_equal(tls_creds_create_external(&creds, "", 0, sign_with, &s), ERR_CONFIG);
	assert_null(creds);
	gnutls_privkey_deinit(s.key);
	tls_identity_finish(&id);
	tls_identity_finish(&other);
}

static void test_pin(void **state)
{
	const struct fixture *f = *state;
	struct tls_identity id;
	char pin[52];
	int64_t not_after = 0;

	tls_identity_init(&id, &f->ca, &(struct tls_wish){ .name = "r1.example" });
	assert_int_equal(
		tls_creds_pin((const char *)id.cert.data, id.cert.size, pin, &not_after), 0);
	assert_string_equal(pin, id.pin);
	assert_true(not_after > time(NULL) && not_after < time(NULL) + 7200);
	assert_int_equal(tls_creds_pin((const char *)id.cert.data, id.cert.size, pin, NULL), 0);
	assert_int_equal(tls_creds_pin("garbage", 7, pin, NULL), ERR_CONFIG);
	assert_int_equal(tls_creds_pin("", 0, pin, NULL), ERR_CONFIG);
	tls_identity_finish(&id);
}

static void put_file(
	const struct fixture *f, const char *name, const void *bytes, size_t len, char path[128])
{
	snprintf(path, 128, "%s/%s", f->dir, name);
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, len), len);
	close(fd);
}

static void test_load(void **state)
{
	const struct fixture *f = *state;
	struct tls_identity id;
	struct tls_identity other;
	char cert[128], key[128], wrong_key[128], ca[128], junk[128];
	char why[512] = "";
	gnutls_certificate_credentials_t creds = NULL;

	tls_identity_init(&id, &f->ca, &(struct tls_wish){ .name = "r1.example" });
	tls_identity_init(&other, &f->ca, &(struct tls_wish){ .name = "r2.example" });
	put_file(f, "cert", id.cert.data, id.cert.size, cert);
	put_file(f, "key", id.key.data, id.key.size, key);
	put_file(f, "wrong", other.key.data, other.key.size, wrong_key);
	put_file(f, "ca", f->ca.pem.data, f->ca.pem.size, ca);
	put_file(f, "junk", "junk", 4, junk);

	struct tls_creds_source src = { cert, key, ca };
	assert_int_equal(tls_creds_load(&creds, &src, why), 0);
	gnutls_certificate_free_credentials(creds);
	src = (struct tls_creds_source){ .ca_file = ca };
	assert_int_equal(tls_creds_load(&creds, &src, NULL), 0);
	gnutls_certificate_free_credentials(creds);

	src = (struct tls_creds_source){ cert, wrong_key, NULL };
	assert_int_equal(tls_creds_load(&creds, &src, why), ERR_CONFIG);
	assert_non_null(strstr(why, wrong_key));
	src = (struct tls_creds_source){ junk, key, NULL };
	assert_int_equal(tls_creds_load(&creds, &src, why), ERR_CONFIG);
	assert_non_null(strstr(why, junk));
	src = (struct tls_creds_source){ cert, key, junk };
	assert_int_equal(tls_creds_load(&creds, &src, why), ERR_CONFIG);
	assert_non_null(strstr(why, junk));
	src = (struct tls_creds_source){ "/nonexistent/cert", key, NULL };
	assert_int_equal(tls_creds_load(&creds, &src, why), ERR_SYSTEM);
	assert_non_null(strstr(why, "/nonexistent/cert"));
	assert_non_null(strstr(why, "No such file"));
	src = (struct tls_creds_source){ cert, NULL, NULL };
	assert_int_equal(tls_creds_load(&creds, &src, why), ERR_INVALID);

	unlink(cert);
	unlink(key);
	unlink(wrong_key);
	unlink(ca);
	unlink(junk);
	tls_identity_finish(&id);
	tls_identity_finish(&other);
}

static void test_read_file(void **state)
{
	const struct fixture *f = *state;
	char path[128];
	char *text = NULL;
	size_t len = 0;

	put_file(f, "ten", "0123456789", 10, path);
	assert_int_equal(tls_creds_read_file(path, 9, &text, &len), ERR_TOO_LARGE);
	assert_int_equal(tls_creds_read_file(path, 10, &text, &len), 0);
	assert_int_equal(len, 10);
	assert_string_equal(text, "0123456789");
	free(text);
	unlink(path);
	assert_int_equal(tls_creds_read_file(path, 10, &text, &len), ERR_SYSTEM);
	assert_int_equal(errno, ENOENT);
	assert_int_equal(tls_creds_read_file("/dev/zero", 100, &text, &len), ERR_TOO_LARGE);
	assert_int_equal(tls_creds_read_file(f->dir, 1000000, &text, &len), ERR_SYSTEM);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_external),
		cmocka_unit_test(test_external_bad),
		cmocka_unit_test(test_pin),
		cmocka_unit_test(test_load),
		cmocka_unit_test(test_read_file),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
