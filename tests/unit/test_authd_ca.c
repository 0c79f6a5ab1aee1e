/*
 * ca: makes and reads its pair, refuses halves and pairs that do not fit, and signs for the name it
 * is told, whatever a request says.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>
#include <gnutls/x509.h>

#include "authd/ca.h"

struct fixture {
	char dir[64], key[96], crt[96];
	char why[512];
	struct ca *ca;
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	snprintf(f->dir, sizeof(f->dir), "/tmp/helio-ca.XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	snprintf(f->key, sizeof(f->key), "%s/ca.key", f->dir);
	snprintf(f->crt, sizeof(f->crt), "%s/ca.crt", f->dir);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	ca_destroy(f->ca);
	unlink(f->key);
	unlink(f->crt);
	assert_int_equal(rmdir(f->dir), 0);
	free(f);
	return 0;
}

static int open_ca(struct fixture *f)
{
	ca_destroy(f->ca);
	f->ca = NULL;
	f->why[0] = '\0';
	return ca_open(&f->ca, f->dir, "my_cluster@x", f->why);
}

static void open_good(struct fixture *f)
{
	if (open_ca(f) != 0) {
		fail_msg("%s", f->why);
	}
}

static void refused(struct fixture *f, const char *says)
{
	assert_int_equal(open_ca(f), ERR_CONFIG);
	assert_null(f->ca);
	if (strstr(f->why, says) == NULL) {
		fail_msg("%s", f->why);
	}
}

static void test_open(void **state)
{
	struct fixture *f = *state;
	struct stat sb;

	open_good(f);
	assert_int_equal(stat(f->key, &sb), 0);
	assert_int_equal(sb.st_mode & 0777, 0600);
	assert_string_equal(ca_authd_name(f->ca), "authd.my-cluster-x");
	char *first = strdup(ca_certificate(f->ca));
	open_good(f);
	assert_string_equal(ca_certificate(f->ca), first);
	free(first);
}

/* One without the other is never made good by a new one: reflectors believe the old. */
static void test_half(void **state)
{
	struct fixture *f = *state;
	char away[112];

	open_good(f);
	snprintf(away, sizeof(away), "%s.away", f->crt);
	assert_int_equal(rename(f->crt, away), 0);
	refused(f, "ca.crt");
	assert_int_equal(access(f->crt, F_OK), -1);
	assert_int_equal(rename(away, f->crt), 0);
	snprintf(away, sizeof(away), "%s.away", f->key);
	assert_int_equal(rename(f->key, away), 0);
	refused(f, "ca.key");
	assert_int_equal(access(f->key, F_OK), -1);
	assert_int_equal(rename(away, f->key), 0);
	open_good(f);
}

static void test_wrong_pair(void **state)
{
	struct fixture *f = *state;
	char away[112];

	open_good(f);
	snprintf(away, sizeof(away), "%s.away", f->crt);
	assert_int_equal(rename(f->crt, away), 0);
	assert_int_equal(unlink(f->key), 0);
	open_good(f);
	assert_int_equal(rename(away, f->crt), 0);
	refused(f, "is not the certificate of");
}

static void put(const char *file, const char *text)
{
	FILE *to = fopen(file, "w");

	assert_non_null(to);
	fputs(text, to);
	fclose(to);
}

static void test_bad_files(void **state)
{
	struct fixture *f = *state;

	open_good(f);
	assert_int_equal(chmod(f->key, 0640), 0);
	refused(f, "chmod 600");
	assert_int_equal(chmod(f->key, 0600), 0);
	if (geteuid() == 0) {
		assert_int_equal(chown(f->key, 65534, (gid_t)-1), 0);
		refused(f, "chown");
		assert_int_equal(chown(f->key, 0, (gid_t)-1), 0);
	}
	put(f->crt, "no certificate");
	refused(f, "is not the certificate of");
	put(f->key, "");
	refused(f, "is not a private key");
}

static void test_no_folder(void **state)
{
	struct fixture *f = *state;
	char dir[64];

	snprintf(dir, sizeof(dir), "%.50s/none", f->dir);
	assert_int_not_equal(ca_open(&f->ca, dir, "c", f->why), 0);
	assert_non_null(strstr(f->why, "cannot be written"));
	assert_null(f->ca);
}

/* ---- requests ---- */

/* A request for any name, as CA even; with spoil its signature does not hold. */
static char *request(gnutls_pk_algorithm_t kind, unsigned bits, bool spoil)
{
	gnutls_x509_privkey_t key, other;
	gnutls_x509_crq_t crq;
	gnutls_datum_t pem = { NULL, 0 };

	assert_int_equal(gnutls_x509_privkey_init(&key), 0);
	assert_int_equal(gnutls_x509_privkey_generate(key, kind, bits, 0), 0);
	assert_int_equal(gnutls_x509_privkey_init(&other), 0);
	assert_int_equal(gnutls_x509_privkey_generate(other, kind, bits, 0), 0);
	assert_int_equal(gnutls_x509_crq_init(&crq), 0);
	assert_int_equal(gnutls_x509_crq_set_version(crq, 1), 0);
	assert_int_equal(gnutls_x509_crq_set_dn(crq, "CN=evil.example", NULL), 0);
	assert_int_equal(gnutls_x509_crq_set_subject_alt_name(
				 crq, GNUTLS_SAN_DNSNAME, "evil.example", 12, GNUTLS_FSAN_SET),
		0);
	assert_int_equal(gnutls_x509_crq_set_basic_constraints(crq, 1, -1), 0);
	assert_int_equal(gnutls_x509_crq_set_key(crq, key), 0);
	assert_int_equal(gnutls_x509_crq_sign2(crq, spoil ? other : key,
				 kind == GNUTLS_PK_EDDSA_ED25519 ? GNUTLS_DIG_UNKNOWN
								 : GNUTLS_DIG_SHA256,
				 0),
		0);
	assert_int_equal(gnutls_x509_crq_export2(crq, GNUTLS_X509_FMT_PEM, &pem), 0);
	char *text = strndup((const char *)pem.data, pem.size);
	gnutls_free(pem.data);
	gnutls_x509_crq_deinit(crq);
	gnutls_x509_privkey_deinit(key);
	gnutls_x509_privkey_deinit(other);
	return text;
}

static gnutls_x509_crt_t import(const char *text)
{
	gnutls_datum_t pem = { (unsigned char *)(uintptr_t)text, (unsigned)strlen(text) };
	gnutls_x509_crt_t crt;

	assert_int_equal(gnutls_x509_crt_init(&crt), 0);
	assert_int_equal(gnutls_x509_crt_import(crt, &pem, GNUTLS_X509_FMT_PEM), 0);
	return crt;
}

static void judge(struct fixture *f, const char *pem, const char *name)
{
	gnutls_x509_crt_t crt = import(pem), root = import(ca_certificate(f->ca));
	const int64_t now = (int64_t)time(NULL);
	unsigned verdict = 1;

	assert_int_equal(gnutls_x509_crt_verify(crt, &root, 1, 0, &verdict), 0);
	assert_int_equal(verdict, 0);
	assert_int_not_equal(gnutls_x509_crt_check_hostname(crt, name), 0);
	assert_int_equal(gnutls_x509_crt_check_hostname(crt, "evil.example"), 0);
	assert_int_equal(gnutls_x509_crt_get_ca_status(crt, NULL), 0);
	const int64_t end = (int64_t)gnutls_x509_crt_get_expiration_time(crt);
	assert_in_range(end, now + (CA_LEAF_DAYS - 1) * INT64_C(86400),
		now + (CA_LEAF_DAYS + 1) * INT64_C(86400));
	assert_true((int64_t)gnutls_x509_crt_get_activation_time(crt) < now);
	gnutls_x509_crt_deinit(crt);
	gnutls_x509_crt_deinit(root);
}

static void test_sign(void **state)
{
	struct fixture *f = *state;
	static const char *const names[] = { "r1.example", "192.0.2.1", "2001:db8::1", "r2" };
	const struct {
		gnutls_pk_algorithm_t kind;
		unsigned bits;
	} kinds[] = {
		{ GNUTLS_PK_ECDSA, GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1) },
		{ GNUTLS_PK_ECDSA, GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP384R1) },
		{ GNUTLS_PK_EDDSA_ED25519, 0 },
	};

	open_good(f);
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		char *csr = request(kinds[i].kind, kinds[i].bits, false);
		for (size_t j = 0; j < sizeof(names) / sizeof(names[0]); j++) {
			char pin[TLS_PEER_PIN_SIZE] = "", *pem = NULL;
			assert_int_equal(ca_sign(f->ca, csr, names[j], &pem, pin), 0);
			judge(f, pem, names[j]);
			assert_int_equal(strncmp(pin, "sha256/", 7), 0);
			free(pem);
		}
		free(csr);
	}
}

/* Nothing is signed for what is no request, for a key without its proof, or for a weak one. */
static void test_bad_requests(void **state)
{
	struct fixture *f = *state;
	char pin[TLS_PEER_PIN_SIZE];
	char *huge = calloc(1, CA_PEM_MAX + 2);

	open_good(f);
	assert_non_null(huge);
	memset(huge, 'A', CA_PEM_MAX + 1);
	char *cut = request(
		GNUTLS_PK_ECDSA, GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1), false);
	cut[strlen(cut) / 2] = '\0';
	char *all[] = { strdup(""), strdup("no request"), huge, cut,
		strdup(ca_certificate(f->ca)),
		request(GNUTLS_PK_ECDSA, GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1), true),
		request(GNUTLS_PK_RSA, 1024, false), request(GNUTLS_PK_RSA, 2048, false) };
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		char *pem = NULL;
		int err = ca_sign(f->ca, all[i], "r1", &pem, pin);
		if (err != ERR_BAD_FIELD || pem != NULL) {
			fail_msg("request %zu: %d", i, err);
		}
		free(all[i]);
	}
}

/* A weak curve, where GnuTLS still makes such keys. */
static void test_weak_curve(void **state)
{
	struct fixture *f = *state;
	char pin[TLS_PEER_PIN_SIZE], *pem = NULL;
	gnutls_x509_privkey_t key;

	open_good(f);
	assert_int_equal(gnutls_x509_privkey_init(&key), 0);
	int rc = gnutls_x509_privkey_generate(
		key, GNUTLS_PK_ECDSA, GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP192R1), 0);
	gnutls_x509_privkey_deinit(key);
	if (rc < 0) {
		skip();
	}
	char *csr =
		request(GNUTLS_PK_ECDSA, GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP192R1), false);
	assert_int_equal(ca_sign(f->ca, csr, "r1", &pem, pin), ERR_BAD_FIELD);
	assert_null(pem);
	free(csr);
}

static void test_client(void **state)
{
	struct fixture *f = *state;
	gnutls_certificate_credentials_t creds = NULL;
	gnutls_x509_crt_t *list = NULL;
	unsigned count = 0;

	open_good(f);
	assert_int_equal(ca_client_creds(f->ca, &creds, f->why), 0);
	assert_int_equal(gnutls_certificate_get_x509_crt(creds, 0, &list, &count), 0);
	assert_true(count >= 1);
	assert_int_not_equal(gnutls_x509_crt_check_hostname(list[0], ca_authd_name(f->ca)), 0);
	for (unsigned i = 0; i < count; i++) {
		gnutls_x509_crt_deinit(list[i]);
	}
	gnutls_free(list);
	gnutls_certificate_free_credentials(creds);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_open, setup, teardown),
		cmocka_unit_test_setup_teardown(test_half, setup, teardown),
		cmocka_unit_test_setup_teardown(test_wrong_pair, setup, teardown),
		cmocka_unit_test_setup_teardown(test_bad_files, setup, teardown),
		cmocka_unit_test_setup_teardown(test_no_folder, setup, teardown),
		cmocka_unit_test_setup_teardown(test_sign, setup, teardown),
		cmocka_unit_test_setup_teardown(test_bad_requests, setup, teardown),
		cmocka_unit_test_setup_teardown(test_weak_curve, setup, teardown),
		cmocka_unit_test_setup_teardown(test_client, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
