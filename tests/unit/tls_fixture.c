/*
 * tls_fixture: makes keys, certificates and connected pairs for the tests.
 */
#include "tests/unit/tls_fixture.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <cmocka.h>

#define HOUR 3600

static gnutls_x509_privkey_t make_key(gnutls_pk_algorithm_t pk)
{
	gnutls_x509_privkey_t key;
	unsigned bits = pk == GNUTLS_PK_RSA ? 2048
		: pk == GNUTLS_PK_ECDSA     ? GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1)
					    : 256;

	assert_int_equal(gnutls_x509_privkey_init(&key), 0);
	assert_int_equal(gnutls_x509_privkey_generate(key, pk, bits, 0), 0);
	return key;
}

static gnutls_x509_crt_t make_crt(gnutls_x509_privkey_t key, const char *cn, bool expired)
{
	static unsigned char serial[2] = { 1, 0 };
	gnutls_x509_crt_t crt;
	time_t now = time(NULL);

	serial[1]++;
	assert_int_equal(gnutls_x509_crt_init(&crt), 0);
	assert_int_equal(gnutls_x509_crt_set_version(crt, 3), 0);
	assert_int_equal(gnutls_x509_crt_set_serial(crt, serial, sizeof(serial)), 0);
	assert_int_equal(gnutls_x509_crt_set_activation_time(crt, now - 2 * HOUR), 0);
	assert_int_equal(
		gnutls_x509_crt_set_expiration_time(crt, expired ? now - HOUR : now + HOUR), 0);
	assert_int_equal(gnutls_x509_crt_set_dn_by_oid(
				 crt, GNUTLS_OID_X520_COMMON_NAME, 0, cn, (unsigned)strlen(cn)),
		0);
	assert_int_equal(gnutls_x509_crt_set_key(crt, key), 0);
	return crt;
}

void tls_ca_init(struct tls_ca *ca)
{
	ca->key = make_key(GNUTLS_PK_ECDSA);
	ca->crt = make_crt(ca->key, "test CA", false);
	assert_int_equal(gnutls_x509_crt_set_ca_status(ca->crt, 1), 0);
	assert_int_equal(gnutls_x509_crt_set_key_usage(ca->crt, GNUTLS_KEY_KEY_CERT_SIGN), 0);
	assert_int_equal(gnutls_x509_crt_sign2(ca->crt, ca->crt, ca->key, GNUTLS_DIG_SHA256, 0), 0);
	assert_int_equal(gnutls_x509_crt_export2(ca->crt, GNUTLS_X509_FMT_PEM, &ca->pem), 0);
}

void tls_ca_finish(struct tls_ca *ca)
{
	gnutls_free(ca->pem.data);
	gnutls_x509_crt_deinit(ca->crt);
	gnutls_x509_privkey_deinit(ca->key);
}

static void set_name(gnutls_x509_crt_t crt, const char *name)
{
	unsigned char ip[16];
	unsigned len = inet_pton(AF_INET, name, ip) == 1 ? 4
		: inet_pton(AF_INET6, name, ip) == 1     ? 16
							 : 0;

	if (len > 0) {
		assert_int_equal(
			gnutls_x509_crt_set_subject_alt_name(crt, GNUTLS_SAN_IPADDRESS, ip, len, 0),
			0);
		return;
	}
	assert_int_equal(gnutls_x509_crt_set_subject_alt_name(
				 crt, GNUTLS_SAN_DNSNAME, name, (unsigned)strlen(name), 0),
		0);
}

/* By another way than the code under test: the hash of the exported SubjectPublicKeyInfo. */
static void make_pin(gnutls_x509_crt_t crt, char out[TLS_PEER_PIN_SIZE])
{
	gnutls_pubkey_t pub;
	gnutls_datum_t spki;
	gnutls_datum_t text;
	unsigned char hash[32];

	assert_int_equal(gnutls_pubkey_init(&pub), 0);
	assert_int_equal(gnutls_pubkey_import_x509(pub, crt, 0), 0);
	assert_int_equal(gnutls_pubkey_export2(pub, GNUTLS_X509_FMT_DER, &spki), 0);
	assert_int_equal(gnutls_hash_fast(GNUTLS_DIG_SHA256, spki.data, spki.size, hash), 0);
	assert_int_equal(gnutls_base64_encode2(&(gnutls_datum_t){ hash, 32 }, &text), 0);
	assert_int_equal(text.size, 44);
	memcpy(out, "sha256/", 7);
	memcpy(out + 7, text.data, 44);
	out[51] = '\0';
	gnutls_free(text.data);
	gnutls_free(spki.data);
	gnutls_pubkey_deinit(pub);
}

void tls_identity_init(
	struct tls_identity *id, const struct tls_ca *ca, const struct tls_wish *wish)
{
	gnutls_x509_privkey_t key = make_key(wish->pk == 0 ? GNUTLS_PK_ECDSA : wish->pk);
	gnutls_x509_crt_t crt = make_crt(key, wish->name, wish->expired);

	set_name(crt, wish->name);
	assert_int_equal(gnutls_x509_crt_set_key_usage(crt, GNUTLS_KEY_DIGITAL_SIGNATURE), 0);
	if (wish->purpose != NULL) {
		assert_int_equal(gnutls_x509_crt_set_key_purpose_oid(crt, wish->purpose, 0), 0);
	}
	assert_int_equal(gnutls_x509_crt_sign2(crt, ca->crt, ca->key, GNUTLS_DIG_SHA256, 0), 0);
	assert_int_equal(gnutls_x509_crt_export2(crt, GNUTLS_X509_FMT_PEM, &id->cert), 0);
	assert_int_equal(gnutls_x509_privkey_export2_pkcs8(
				 key, GNUTLS_X509_FMT_PEM, NULL, GNUTLS_PKCS_PLAIN, &id->key),
		0);
	make_pin(crt, id->pin);
	gnutls_x509_crt_deinit(crt);
	gnutls_x509_privkey_deinit(key);
}

void tls_identity_finish(struct tls_identity *id)
{
	gnutls_free(id->cert.data);
	gnutls_free(id->key.data);
}

gnutls_certificate_credentials_t tls_fixture_creds(
	const struct tls_identity *id, const struct tls_ca *trust)
{
	gnutls_certificate_credentials_t creds;

	assert_int_equal(gnutls_certificate_allocate_credentials(&creds), 0);
	if (id != NULL) {
		assert_true(gnutls_certificate_set_x509_key_mem(
				    creds, &id->cert, &id->key, GNUTLS_X509_FMT_PEM) >= 0);
	}
	if (trust != NULL) {
		assert_int_equal(gnutls_certificate_set_x509_trust_mem(
					 creds, &trust->pem, GNUTLS_X509_FMT_PEM),
			1);
	}
	return creds;
}

void tls_fixture_pair(int fds[2])
{
	assert_int_equal(
		socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds), 0);
}

static bool waits(enum tls_io_result r)
{
	return r == TLS_IO_WANT_READ || r == TLS_IO_WANT_WRITE;
}

void tls_fixture_shake(struct tls_io *client, struct tls_io *server,
	enum tls_io_result *client_result, enum tls_io_result *server_result)
{
	*client_result = TLS_IO_WANT_READ;
	*server_result = TLS_IO_WANT_READ;
	for (int i = 0; i < 50 && (waits(*client_result) || waits(*server_result)); i++) {
		if (waits(*client_result)) {
			*client_result = tls_io_handshake(client);
		}
		if (waits(*server_result)) {
			*server_result = tls_io_handshake(server);
		}
		/* an end that failed closes; the other must not wait for it for ever */
		if (i == 40) {
			shutdown(client->fd, SHUT_RDWR);
		}
	}
}
